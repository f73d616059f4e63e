"""`stylefacet import`: a folder or manifest of photos into the catalogue."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click

from stylefacet.cli.options import FILE, Target, json_option, server_options
from stylefacet.cli.output import progress_bar, tell, write_json
from stylefacet.client import Outcome, Product, StylefacetClient, UploadRow
from stylefacet.client.files import read_photo
from stylefacet.errors import StylefacetError
from stylefacet.manifest import BadRow, ManifestRow, Source, open_source, parse_column_map

_SHOWN_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that is not in the catalogue, and why."""

    row_number: int
    place: str
    product_id: str
    error: StylefacetError


@dataclass(slots=True)
class ImportReport:
    """What became of an import's rows so far."""

    counts: Counter[Outcome] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    sequence_number: int = 0
    seconds: float = 0.0

    def add_failure(self, failure: Failure) -> None:
        """Counts a row that failed."""
        self.counts[Outcome.FAILED] += 1
        self.failures.append(failure)


def run_import(
    client: StylefacetClient, source: Source, report: ImportReport, on_row: Callable[[], None]
) -> None:
    """Uploads a source's rows and reports what became of them; ``on_row`` is called for each.

    Rows that are bad before they are sent fail like those that the server refuses. When the
    upload breaks off, the report holds what was answered until then.
    """
    start = time.perf_counter()
    # Only rows on their way are held: a place is dropped with its answer.
    places: dict[int, str] = {}
    bad: list[BadRow] = []

    def good_rows() -> Iterator[UploadRow]:
        for row in source.rows():
            if isinstance(row, BadRow):
                bad.append(row)
            else:
                places[row.row_number] = row.place
                yield upload_row(row)

    def drain() -> None:
        while bad:
            row = bad.pop(0)
            report.add_failure(Failure(row.row_number, row.place, row.product_id, row.error))
            on_row()

    for outcome in client.upload(good_rows()):
        drain()
        place = places.pop(outcome.row_number)
        if outcome.error is not None:
            report.add_failure(
                Failure(outcome.row_number, place, outcome.product_id, outcome.error)
            )
        else:
            report.counts[outcome.outcome] += 1
        report.sequence_number = max(report.sequence_number, outcome.sequence_number)
        on_row()
    drain()
    report.failures.sort(key=lambda failure: failure.row_number)
    report.seconds = time.perf_counter() - start


def upload_row(row: ManifestRow) -> UploadRow:
    """Returns the row to send; its photo is read when its turn comes."""
    product = Product(
        product_id=row.product_id,
        category=row.category,
        display_name=row.display_name,
        labels=row.labels,
        numbers=row.numbers,
        style_id=row.style_id,
    )
    return UploadRow(row.row_number, product, partial(read_photo, row.image))


@click.command("import")
@click.argument("source", type=FILE)
@click.option(
    "--map",
    "column_map",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Take a field from a column of another name; may be given again.",
)
@click.option("--category", default="", help="Category of rows that state none.")
@click.option("--strict", is_flag=True, help="Refuse a manifest with columns of no use.")
@server_options
@json_option
def import_(
    source: Path,
    column_map: tuple[str, ...],
    category: str,
    strict: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Import a folder of photos, or a CSV or JSONL manifest.

    Of a folder, each photo's file name without its end is the product id. A manifest has the
    columns product_id, image and category, and may have display_name, style_id, labels.NAME and
    numbers.NAME; other columns are taken with --map or ignored. Photos are looked for beside the
    manifest, then in images/ there. Rows of one product add images to it. Importing the same
    again changes nothing. Bad rows are listed, the others are in.

    \b
    Examples:
      stylefacet import photos/ --category top
      stylefacet import catalogue.csv
      stylefacet import labels.csv --map filename=image --map article_id=product_id \\
        --map product_type=category --map neck=labels.neck
    """
    rows = open_source(source, parse_column_map(column_map), category, strict)
    for note in rows.notes:
        tell(f"note: {note}")
    report = ImportReport()
    try:
        with target.connect() as client, progress_bar("importing", rows.row_count) as bar:
            run_import(client, rows, report, bar.advance)
    except StylefacetError:
        if report.counts:
            tell(
                f"{report.counts.total():,} of {rows.row_count:,} rows were answered; "
                "import the same again to go on: what is in is skipped"
            )
        raise
    if as_json:
        write_json(_summary(report))
    else:
        click.echo(summary_line(report))
        tell_failures(report)
    if report.failures:
        raise click.exceptions.Exit(1)


def summary_line(report: ImportReport) -> str:
    """Returns counts and speed in one line."""
    total = sum(report.counts.values())
    counts = ", ".join(f"{report.counts[kind]:,} {kind.value}" for kind in Outcome)
    speed = f"{total / report.seconds:,.0f} rows/s" if report.seconds > 0 else ""
    return f"{total:,} rows in {report.seconds:.1f} s ({speed}): {counts}"


def tell_failures(report: ImportReport) -> None:
    """Lists the first rows that failed on stderr."""
    for failure in report.failures[:_SHOWN_FAILURES]:
        known = failure.product_id in failure.place
        product = "" if known else f" ({failure.product_id})"
        tell(f"failed: {failure.place}{product}: {failure.error.message}")
    rest = len(report.failures) - _SHOWN_FAILURES
    if rest > 0:
        tell(f"and {rest:,} more; --json lists them all")


def _summary(report: ImportReport) -> dict[str, Any]:
    failures = [
        {
            "row": failure.place,
            "product_id": failure.product_id,
            "reason": failure.error.reason,
            "message": failure.error.message,
        }
        for failure in report.failures
    ]
    counts = {kind.value: report.counts[kind] for kind in Outcome}
    return {
        **counts,
        "seconds": round(report.seconds, 3),
        "sequence_number": report.sequence_number,
        "failures": failures,
    }
