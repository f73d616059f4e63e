"""The commands of the laboratory: flags in, lines out; all work is done elsewhere."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

_FOLDER = click.Path(file_okay=False, path_type=Path)
_OUT = click.option(
    "--out",
    type=_FOLDER,
    default=Path("build/lab"),
    show_default=True,
    help="Folder of all experiments' folders.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def lab() -> None:
    """Redo the systems of the source documents and put our figures beside theirs.

    \b
    Example:
      stylefacet-train lab list
      stylefacet-train lab run digits-networks --data data
      stylefacet-train lab report
    """


@lab.command("list")
@_OUT
@_JSON
def list_experiments(out: Path, *, as_json: bool) -> None:
    """List the experiments, what they cost and how much of each is done in --out.

    Minutes are of one CPU thread with nothing beside it.

    \b
    Example:
      stylefacet-train lab list
    """
    from stylefacet_training.lab.catalogue import EXPERIMENTS
    from stylefacet_training.lab.progress import done_parts

    rows = [
        {
            "name": e.name,
            "source": e.source,
            "title": e.title,
            "arms": [arm.name for arm in e.arms],
            "minutes": e.minutes,
            "quick_minutes": e.quick_minutes,
            "done": done_parts(out, e),
            "quick_done": done_parts(out, e, quick=True),
        }
        for e in EXPERIMENTS
    ]
    if as_json:
        click.echo(json.dumps({"experiments": rows}))
        return
    for row, e in zip(rows, EXPERIMENTS, strict=True):
        click.echo(
            f"{e.name:<20} {e.source}  {len(e.arms):>2} runs {e.minutes:>4.0f} min, "
            f"--quick {e.quick_minutes:>3.0f} min; of {len(e.parts)} parts done {row['done']}, "
            f"quick {row['quick_done']}"
            f"\n    {e.title}"
        )


@lab.command()
@click.argument("name")
@click.option(
    "--data",
    required=True,
    type=_FOLDER,
    envvar="STYLEFACET_LAB_DATA",
    help="Folder that holds mnist_10k, fashion_mnist, hm_tops, hm_catalogue. "
    "[env: STYLEFACET_LAB_DATA]",
)
@_OUT
@click.option("--quick", is_flag=True, help="The short form; its figures are marked as such.")
@click.option(
    "--only", multiple=True, metavar="PART", help="This part alone; several times if wanted."
)
@_JSON
def run(
    name: str, data: Path, out: Path, only: Sequence[str], *, quick: bool, as_json: bool
) -> None:
    """Perform an experiment: train its runs, measure, draw; go on where it was interrupted.

    Its folder gets a run folder for each run (config.json, metrics.jsonl, checkpoint.pt),
    pictures/ and metrics.json.

    \b
    Examples:
      stylefacet-train lab run circles-1 --data data --quick
      stylefacet-train lab run tops --data data --only d9-beta16 --only d9-beta1
    """
    from stylefacet_training.lab.bench import Bench
    from stylefacet_training.lab.catalogue import experiment_of
    from stylefacet_training.terminal import Terminal

    experiment = experiment_of(name, only)
    terminal = Terminal()
    bench = Bench(experiment, out, data, terminal, quick=quick, only=only)
    if quick:
        changes = ", ".join(f"{key} {value}" for key, value in experiment.quick.items())
        terminal.line(f"{name}: the quick form ({changes}), not what the document did")
    experiment.perform(bench)
    if as_json:
        click.echo(json.dumps({"folder": str(bench.folder), "metrics": str(bench.metrics)}))
        return
    click.echo(f"{bench.folder}: figures in metrics.json, pictures in pictures/")


@lab.command()
@_OUT
@click.option(
    "--results",
    "results",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Further metrics.json files, or folders of them; those in --out count first.",
)
@_JSON
def report(out: Path, results: Sequence[Path], *, as_json: bool) -> None:
    """Write lab.html, with all pictures in it, and lab.md: the documents' figures and ours.

    \b
    Example:
      stylefacet-train lab report --results training/lab_results
    """
    from stylefacet_training.lab.report import write_report

    page, table = write_report(out, results)
    if as_json:
        click.echo(json.dumps({"page": str(page), "table": str(table)}))
        return
    click.echo(f"{page}\n{table}")
