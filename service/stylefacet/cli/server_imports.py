"""`stylefacet import-on-server`: a manifest that lies with the server into the catalogue."""

import click

from stylefacet.cli.operations import follow
from stylefacet.cli.options import Target, json_option, server_options
from stylefacet.cli.output import tell, write_json
from stylefacet.client import ImportSummary, Operation
from stylefacet.manifest import parse_column_map

_SHOWN_FAILURES = 20


@click.command("import-on-server")
@click.argument("manifest")
@click.option(
    "--map",
    "column_map",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Take a field from a column of another name; may be given again.",
)
@click.option("--category", default="", help="Category of rows that state none.")
@click.option("--replace", is_flag=True, help="Delete what the manifest does not name.")
@click.option(
    "--max-deleted-share",
    type=click.FloatRange(0, 1),
    help="With --replace: the share of products that may go; nothing is done if more would [0.1].",
)
@click.option("--dry-run", is_flag=True, help="Read the manifest and tell, but change nothing.")
@click.option("--no-wait", is_flag=True, help="Only start it and print the operation's name.")
@server_options
@json_option
def import_on_server(
    manifest: str,
    column_map: tuple[str, ...],
    category: str,
    replace: bool,
    max_deleted_share: float | None,
    dry_run: bool,
    no_wait: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Import a manifest that lies under the server's import root.

    MANIFEST is a path relative to that folder (`stylefacet serve --import-root FOLDER`), with the
    same columns as in `stylefacet import`. The server does the work and goes on after a restart;
    this command only watches, and may be interrupted.

    \b
    Examples:
      stylefacet import-on-server 2026-11-21/top.csv
      stylefacet import-on-server catalogue.csv --replace --max-deleted-share 0.2
      stylefacet import-on-server catalogue.csv --replace --dry-run
    """
    if max_deleted_share is not None and not replace:
        raise click.UsageError("--max-deleted-share goes with --replace")
    explicit = parse_column_map(column_map).explicit
    columns = [(column, name) for column, names in explicit.items() for name in names]
    with target.connect() as client:
        started = client.import_on_server(
            manifest,
            columns=columns,
            category=category,
            replace=replace,
            max_deleted_share=max_deleted_share,
            validate_only=dry_run,
        )
        if no_wait:
            click.echo(started.operation_id)
            return
        ended = follow(client, started.operation_id)
    if as_json:
        write_json(ended)
    elif ended.imported is not None:
        _tell(ended, ended.imported, dry_run)
    if ended.error is not None:
        raise ended.error
    if ended.imported is not None and ended.imported.failed_count:
        raise click.exceptions.Exit(1)


def _tell(operation: Operation, summary: ImportSummary, dry_run: bool) -> None:
    for note in summary.notes:
        tell(f"note: {note}")
    if dry_run:
        click.echo(
            f"{summary.row_count:,} rows, {summary.failed_count:,} of them at fault; "
            f"{summary.deleted_product_count:,} products would be deleted; nothing was changed"
        )
    else:
        deleted = ""
        if summary.deleted_product_count or summary.deleted_image_count:
            deleted = (
                f"; deleted {summary.deleted_product_count:,} products "
                f"and {summary.deleted_image_count:,} images"
            )
        click.echo(
            f"{operation.done_count:,} rows: {summary.created_count:,} created, "
            f"{summary.updated_count:,} updated, {summary.unchanged_count:,} unchanged, "
            f"{summary.failed_count:,} failed{deleted}"
        )
    for failure in summary.failures[:_SHOWN_FAILURES]:
        tell(f"failed: {failure.place} ({failure.product_id}): {failure.error.message}")
    rest = summary.failed_count - min(len(summary.failures), _SHOWN_FAILURES)
    if rest > 0:
        tell(f"and {rest:,} more; --json lists the first 100")
