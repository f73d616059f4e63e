"""The commands that judge bundles; flags in, tables or JSON out, all work done elsewhere."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_BUNDLE = click.option("--bundle", required=True, type=_FOLDER, help="Folder of the bundle.")
_JSON_FILE = click.option(
    "--json", "json_file", type=_FILE, help="Also write every figure to this file."
)
_SEED = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Fixes every draw."
)


@click.command()
@_BUNDLE
@click.option("--data", type=_FOLDER, help="Photos to judge on: labels.csv and images/.")
@click.option("--fit-data", type=_FOLDER, help="Other photos, to fit named features on.")
@click.option("--attributes", help="Columns of labels.csv to judge, with commas between.")
@click.option(
    "--draws",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Draws of 20 examples a value.",
)
@click.option("--without-imagenet", is_flag=True, help="Leave the ImageNet network out.")
@click.option("--cache", type=_FOLDER, help="Keeps what the ImageNet network makes of the photos.")
@click.option(
    "--garments",
    "garment_count",
    type=click.IntRange(min=200),
    help="Also judge known factors on so many rendered garments.",
)
@_SEED
@_JSON_FILE
def evaluate(
    bundle: Path,
    data: Path | None,
    fit_data: Path | None,
    attributes: str | None,
    draws: int,
    cache: Path | None,
    garment_count: int | None,
    seed: int,
    json_file: Path | None,
    *,
    without_imagenet: bool,
) -> None:
    """Judge a bundle by retrieval of attributes on labelled photos, and by known factors.

    Every row uses the same fit, that of the product. whole: by distance over the whole code.
    named-20: by the feature fitted from 20 labelled photos a value of --fit-data, mean and spread
    over draws. named-all: from all of them. A figure in brackets: the fit itself says that the
    code does not carry the attribute. No photo may be in both folders.

    \b
    Examples:
      stylefacet-train evaluate --bundle bundle --data judged --fit-data training \\
        --attributes neck,pattern --json figures.json
      stylefacet-train evaluate --bundle bundle --garments 2000
    """
    from stylefacet.bundle import read_bundle
    from stylefacet_training.evaluation.comparison import Plan, compare
    from stylefacet_training.evaluation.known_factors import judge_known_factors
    from stylefacet_training.evaluation.report import print_comparison, print_known_factors
    from stylefacet_training.terminal import Terminal

    by_photos = (data, fit_data, attributes)
    if any(by_photos) and not all(by_photos):
        raise click.UsageError("--data, --fit-data and --attributes go together")
    if not any(by_photos) and garment_count is None:
        raise click.UsageError("name --data, --fit-data and --attributes, or --garments COUNT")
    loaded = read_bundle(bundle)
    record: dict[str, Any] = {"bundle": loaded.id, "bundle_name": loaded.manifest.name}
    if data and fit_data and attributes:
        plan = Plan(
            data=data,
            fit_data=fit_data,
            attributes=_names(attributes),
            seed=seed,
            draw_count=draws,
            with_imagenet=not without_imagenet,
            cache=cache,
        )
        comparison = compare(loaded, plan, Terminal())
        print_comparison(comparison, _console())
        record["attributes"] = comparison
    if garment_count is not None:
        found = judge_known_factors(
            loaded, garment_count, seed=seed, draw_count=draws, terminal=Terminal()
        )
        print_known_factors(found, _console())
        record["known_factors"] = found
    if json_file is not None:
        _write(json_file, record)


@click.command()
@_BUNDLE
@click.option("--data", required=True, help="Folder of photos to alter.")
@click.option(
    "--others",
    multiple=True,
    metavar="PATH[:COLUMN=VALUE+VALUE],...",
    help="Sets that should look new: folders of photos, some rows of one, or idx files.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=2),
    default=300,
    show_default=True,
    help="Photos drawn from each set.",
)
@_SEED
@_JSON_FILE
def robustness(
    bundle: Path, data: str, others: Sequence[str], limit: int, seed: int, json_file: Path | None
) -> None:
    """Measure how far small changes of a photo move its code, and what looks new.

    The garment is put small in a corner, turned, set on grey, marked with a logo, mirrored and
    saved badly. Distances are in units of the median distance of two random photos. Novelty is
    judged by the AUROC of each other set, and of noise, against the data.

    \b
    Example:
      stylefacet-train robustness --bundle bundle --data photos \\
        --others digits,catalogue:product_class=bags+footwear
    """
    from stylefacet.bundle import read_bundle
    from stylefacet_training.evaluation.report import print_robustness
    from stylefacet_training.evaluation.robustness import measure_robustness
    from stylefacet_training.terminal import Terminal

    found = measure_robustness(
        read_bundle(bundle),
        data,
        [where for text in others for where in text.split(",") if where],
        limit=limit,
        seed=seed,
        terminal=Terminal(),
    )
    print_robustness(found, _console())
    if json_file is not None:
        _write(json_file, {"robustness": found})


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise click.UsageError("--attributes names no column")
    return names


def _console() -> Any:
    from rich.console import Console

    console = Console()
    # A table in a log should not be folded to the 80 columns of no terminal.
    return console if console.is_terminal else Console(width=160)


def _write(path: Path, record: dict[str, Any]) -> None:
    from stylefacet_training.evaluation.report import to_record

    record["measured_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(to_record(record), indent=1, allow_nan=False) + "\n", "utf-8")
    click.echo(f"every figure is in {path}", err=True)
