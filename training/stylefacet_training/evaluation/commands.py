"""The commands that judge bundles; flags in, tables or JSON out, all work done elsewhere."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_BUNDLE = click.option("--bundle", required=True, type=_FOLDER, help="Folder of the bundle.")
_AS_JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object."
)
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


@click.command()
@click.option(
    "--bundle", "bundles", required=True, multiple=True, type=_FOLDER, help="Two bundles or more."
)
@click.option("--data", required=True, help="Folder of photos, or garments:COUNT[,seed=S].")
@click.option(
    "--limit",
    type=click.IntRange(min=10),
    default=1000,
    show_default=True,
    help="Photos looked at, evenly over the folder.",
)
@_JSON_FILE
def agree(bundles: Sequence[Path], data: str, limit: int, json_file: Path | None) -> None:
    """Tell how far encoders trained alike from other seeds agree, without any label.

    UDR asks whether the same dimensions reappear, one to one; subspace, whether a block spans the
    same space, whatever axes a seed chose within it.

    \b
    Example:
      stylefacet-train agree --bundle seed0 --bundle seed1 --bundle seed2 --data photos
    """
    from stylefacet.bundle import read_bundle
    from stylefacet_training.evaluation.agreement import agreement
    from stylefacet_training.evaluation.report import print_agreement
    from stylefacet_training.terminal import Terminal

    loaded = [read_bundle(bundle) for bundle in bundles]
    found = agreement(loaded, data, limit=limit, terminal=Terminal())
    print_agreement(found, _console())
    if json_file is not None:
        _write(json_file, {"agreement": found})


@click.command()
@_BUNDLE
@click.option("--data", required=True, help="Folder of photos, or garments:COUNT[,seed=S].")
@click.option("--out", required=True, type=_FOLDER, help="Folder to write a PNG a feature to.")
@_SEED
@_AS_JSON
def neighbours(bundle: Path, data: str, out: Path, seed: int, *, as_json: bool) -> None:
    """Draw what is nearest by each feature of a bundle, to be looked at.

    \b
    Example:
      stylefacet-train neighbours --bundle bundle --data photos --out pictures
    """
    from stylefacet.bundle import read_bundle
    from stylefacet_training.evaluation.neighbours import write_neighbours
    from stylefacet_training.terminal import Terminal

    paths = write_neighbours(read_bundle(bundle), data, out, seed=seed, terminal=Terminal())
    if as_json:
        click.echo(json.dumps({"pictures": [str(path) for path in paths]}))
        return
    for path in paths:
        click.echo(str(path))


@click.command()
@click.option("--data", required=True, type=_FOLDER, help="Folder with labels.csv and photos.")
@click.option("--out", required=True, type=_FOLDER, help="Folder to write the parts to.")
@click.option(
    "--by", "column", required=True, help="Column whose equal values stay together: the product."
)
@click.option(
    "--shares",
    default="training=.6,tune=.2,report=.2",
    show_default=True,
    metavar="NAME=SHARE,...",
    help="Parts and their shares of the products.",
)
@_SEED
@_AS_JSON
def split(data: Path, out: Path, column: str, shares: str, seed: int, *, as_json: bool) -> None:
    """Divide labelled photos among folders by product, to train, tune and report on.

    Each part is a folder with its rows of labels.csv and a link to the photos, which the other
    commands take for --data and --fit-data. Choose settings on one part and report on another.

    \b
    Example:
      stylefacet-train split --data photos --by product_code --out parts
    """
    from stylefacet_training.evaluation.splitting import divide

    parts = divide(data, out, column, _shares(shares), seed)
    if as_json:
        told = [asdict(part) | {"folder": str(part.folder)} for part in parts]
        click.echo(json.dumps({"parts": told}))
        return
    for part in parts:
        click.echo(f"{part.folder}: {part.photo_count:,} photos of {part.group_count:,} {column}")


@click.command()
@click.option("--data", required=True, type=_FOLDER, help="Folder with labels.csv and photos.")
@click.option(
    "--by", "column", required=True, help="Column whose equal values stay together: the product."
)
@click.option("--attributes", required=True, help="Columns to judge, with commas between.")
@click.option(
    "--seeds", default="0,1,2", show_default=True, help="A split and a fit each, commas between."
)
@click.option("--draws", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other setting.")
@click.option(
    "--lever", "levers", multiple=True, metavar="NAME", help="This lever alone; several if wanted."
)
@click.option("--cache", type=_FOLDER, help="Keeps what the networks make of the photos.")
@click.option("--markdown", type=_FILE, help="Also write the table to this file.")
@_JSON_FILE
def ablate(
    data: Path,
    column: str,
    attributes: str,
    seeds: str,
    draws: int,
    settings: Sequence[str],
    levers: Sequence[str],
    cache: Path | None,
    markdown: Path | None,
    json_file: Path | None,
) -> None:
    """Switch the levers of the catalogue encoder on and off and tell what each one buys.

    For every seed a quarter of the products is judged and the rest trained and fitted on. Only the
    heads are solved for: no picture decoder, no bundle. The table is Markdown: named-20 P@10/mAP.

    \b
    Example:
      stylefacet-train ablate --data photos --by product_code --attributes neck,pattern
    """
    from stylefacet_training.ablation import AblationPlan, levers_named
    from stylefacet_training.ablation import ablate as run_ablation
    from stylefacet_training.config import preset, with_settings
    from stylefacet_training.evaluation.ablation_table import ablation_table
    from stylefacet_training.terminal import Terminal

    changes = dict(text.partition("=")[::2] for text in settings)
    plan = AblationPlan(
        data,
        column,
        _names(attributes),
        _numbers(seeds),
        draw_count=draws,
        levers=levers_named(levers),
        cache=cache,
    )
    found = run_ablation(plan, with_settings(preset("catalogue"), changes), Terminal())
    table = ablation_table(found)
    click.echo(table, nl=False)
    if markdown is not None:
        markdown.write_text(table, "utf-8")
    if json_file is not None:
        _write(json_file, {"ablation": found})


def _numbers(text: str) -> tuple[int, ...]:
    if not all(part.strip().isdecimal() for part in text.split(",")):
        raise click.UsageError(f"--seeds: {text!r} is no list of whole numbers")
    return tuple(int(part) for part in text.split(","))


def _shares(text: str) -> dict[str, float]:
    shares: dict[str, float] = {}
    for item in text.split(","):
        name, _, share = (word.strip() for word in item.partition("="))
        try:
            shares[name] = float(share)
        except ValueError as error:
            raise click.UsageError(f"--shares: {item!r} is not NAME=SHARE") from error
        if not name.isidentifier():
            raise click.UsageError(f"--shares: {name!r} is no name for a folder")
    return shares


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
