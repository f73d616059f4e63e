"""The stylefacet-train command: flags in, lines out; all work is done by the modules it calls."""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from stylefacet.errors import Code, ResourceExists, StylefacetError
from stylefacet_training.evaluation import commands
from stylefacet_training.lab.commands import lab
from stylefacet_training.memory import keep_freed_memory

_FOLDER = click.Path(file_okay=False, path_type=Path)
_EXTRA = "this command needs the training extra: pip install 'stylefacet[training]'"
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")


class _OneLineErrors(click.Group):
    """Shows a deliberate failure as one line: exit 2 for wrong usage, 1 for anything else."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StylefacetError as error:
            click.echo(f"error: {error.message}", err=True)
            ctx.exit(2 if error.code is Code.INVALID_ARGUMENT else 1)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0].startswith("stylefacet"):
                raise
            click.echo(f"error: {error.name} is not installed; {_EXTRA}", err=True)
            ctx.exit(1)


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stylefacet")
def main() -> None:
    """Train encoders on product photos and export them as bundles.

    \b
    Example:
      stylefacet-train train --data photos --out run
      stylefacet-train export run --out bundle
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    keep_freed_memory()


@main.command()
@click.option(
    "--data",
    multiple=True,
    help="Folder of photos, or garments:COUNT[,seed=S][,colourways=K][,prints=1] for rendered "
    "ones, circles:SET or idx:FOLDER; may be given several times.",
)
@click.option("--out", required=True, type=_FOLDER, help="Folder of the run.")
@click.option("--preset", "preset_name", help="Settings to begin with: thesis or catalogue.")
@click.option("--epochs", type=int, help="Passes over the photos.")
@click.option("--seed", type=int, help="Fixes everything random.")
@click.option("--latent-dims", type=int, help="Size of the latent vector.")
@click.option("--beta", type=float, help="Weight of the latent loss; 0 trains an autoencoder.")
@click.option("--batch-size", type=int, help="Pictures a step.")
@click.option(
    "--pairs-column", help="Column of labels.csv that says which photos show one product."
)
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other setting.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in --out.")
@_JSON
def train(
    out: Path,
    preset_name: str | None,
    settings: Sequence[str],
    *,
    resume: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Train an encoder on a folder of photos.

    The folder is searched with all folders under it; with a labels.csv, its column `filename`
    says which photos are read, from images/ beside it. No label is ever looked at. The run folder
    gets checkpoint.pt, metrics.jsonl (a line an epoch), plots/ and summary.json.

    \b
    Examples:
      stylefacet-train train --data photos --preset catalogue --out run
      stylefacet-train train --data photos --out run --epochs 50
      stylefacet-train train --data garments:20000 --out run --latent-dims 20 --beta 4
      stylefacet-train train --out run --resume --epochs 100
    """
    from stylefacet_training.config import preset, with_settings
    from stylefacet_training.runs import RunFolder, load_checkpoint
    from stylefacet_training.terminal import Terminal
    from stylefacet_training.train import train as run_training

    run = RunFolder(out)
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    given |= dict(_setting(text) for text in settings)
    if resume and preset_name is None and run.checkpoint.is_file():
        base = load_checkpoint(run).config
    else:
        base = preset(preset_name or "thesis")
    config = with_settings(base, given)
    summary = run_training(config, run, Terminal(), resume=resume)
    if as_json:
        click.echo(json.dumps(asdict(summary)))
    else:
        click.echo(f"{out}: plots in {run.plots}; next: stylefacet-train export {out} --out BUNDLE")


@main.command()
@click.argument("run", type=_FOLDER)
@click.option("--out", required=True, type=_FOLDER, help="Folder of the bundle.")
@click.option("--name", help="Name of the encoder; the run folder's name if left out.")
@click.option("--data-name", help="What it was trained on, for the manifest and the card.")
@click.option("--licence", default="not stated", help="Licence of the training photos.")
@click.option(
    "--features",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file of named features: [sleeve] dimensions = [3, 7].",
)
@click.option(
    "--show-photos", is_flag=True, help="Show held-out photos in the card; mind their licence."
)
@_JSON
def export(
    run: Path,
    out: Path,
    name: str | None,
    data_name: str | None,
    licence: str,
    features: Path | None,
    *,
    show_photos: bool,
    as_json: bool,
) -> None:
    """Export a finished run as a bundle that `stylefacet serve --bundle` takes.

    The bundle holds no photo unless --show-photos is given: the samples that verify it and the
    reconstructions in its card are of rendered garments.

    \b
    Example:
      stylefacet-train export run --out bundle --licence CC0-1.0
    """
    from stylefacet_training.export import export as export_run
    from stylefacet_training.export import read_features
    from stylefacet_training.runs import RunFolder

    bundle = export_run(
        RunFolder(run),
        out,
        name=name or run.resolve().name,
        training_data=data_name,
        licence=licence,
        features=read_features(features) if features else (),
        show_photos=show_photos,
    )
    size_bytes = sum(path.stat().st_size for path in out.iterdir())
    manifest = bundle.manifest
    if as_json:
        fields = {"id": bundle.id, "path": str(out), "size_bytes": size_bytes}
        click.echo(json.dumps(fields | {"features": [f.name for f in manifest.features]}))
    else:
        click.echo(
            f"{out}: encoder {bundle.id}, {manifest.latent_dimension_count} dimensions, "
            f"{size_bytes / 1e6:.1f} MB, features {', '.join(f.name for f in manifest.features)}"
        )


@main.command()
@click.argument("run", type=_FOLDER)
@click.option("--out", type=_FOLDER, help="Folder of the pictures; RUN/plots if left out.")
@_JSON
def plot(run: Path, out: Path | None, *, as_json: bool) -> None:
    """Draw the plots of a finished run again.

    Traversals of the latent dimensions, pairs of held-out photos with their average, and random
    samples, as PNG.

    \b
    Example:
      stylefacet-train plot run
    """
    from stylefacet_training.plots import write_plots
    from stylefacet_training.recipes import load_model
    from stylefacet_training.runs import RunFolder, load_checkpoint, load_population

    folder = RunFolder(run)
    checkpoint = load_checkpoint(folder)
    population = load_population(folder)
    model = load_model(checkpoint.config, checkpoint.model)
    paths = write_plots(out or folder.plots, model, population, seed=checkpoint.config.seed)
    if as_json:
        click.echo(json.dumps({"pictures": [str(path) for path in paths]}))
    else:
        click.echo("\n".join(str(path) for path in paths))


@main.command()
@click.option(
    "--out", required=True, type=_FOLDER, help="Folder to write images/ and labels.csv to."
)
@click.option("--count", type=click.IntRange(min=1), default=300, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--colourways",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Garments of one style that follow one another in different colours.",
)
@_JSON
def garments(out: Path, count: int, seed: int, colourways: int, *, as_json: bool) -> None:
    """Render garments from known factors as photos with a table of them.

    The table can be imported by `stylefacet import` and trained on by `train`, which does not look
    at the factors in it. --data garments:COUNT trains on the same garments without a folder.

    \b
    Example:
      stylefacet-train garments --out garments --count 2000 --seed 1
    """
    from stylefacet_training.data.garments import write_garments
    from stylefacet_training.terminal import Terminal

    if out.exists() and any(out.iterdir()):
        raise ResourceExists("folder", str(out), "name an empty one")
    drawn = 0
    with Terminal().bar("rendering") as advance:

        def show(further: int) -> None:
            nonlocal drawn
            drawn += further
            advance(drawn, count)

        table = write_garments(out, count, seed, show, colourways)
    if as_json:
        click.echo(json.dumps({"count": count, "table": str(table)}))
    else:
        click.echo(f"{count} garments in {out}, listed in {table}")


main.add_command(commands.evaluate)
main.add_command(commands.robustness)
main.add_command(commands.split)
main.add_command(commands.ablate)
main.add_command(commands.agree)
main.add_command(commands.neighbours)
main.add_command(lab)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    return name.strip(), value.strip()
