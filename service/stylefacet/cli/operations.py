"""`stylefacet operations`: work that goes on at the server, and how commands follow it."""

import click

from stylefacet.cli.options import Target, json_option, server_options
from stylefacet.cli.output import progress_bar, tell, write_facts, write_json, write_table
from stylefacet.client import Operation, OperationState, StylefacetClient

_NO_ERROR_STATES = (OperationState.QUEUED, OperationState.RUNNING, OperationState.SUCCEEDED)


@click.group()
def operations() -> None:
    """See, await and cancel work that goes on at the server.

    \b
    Example:
      stylefacet operations list
    """


@operations.command("list")
@click.option("--running", is_flag=True, help="Only what has not ended.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The most of them."
)
@server_options
@json_option
def list_operations(running: bool, limit: int, target: Target, as_json: bool) -> None:
    """List operations, the latest first.

    \b
    Example:
      stylefacet operations list --running
    """
    found: list[Operation] = []
    with target.connect() as client:
        for operation in client.list_operations("done = false" if running else ""):
            found.append(operation)
            if len(found) == limit:
                break
    if as_json:
        write_json(found)
        return
    write_table(
        ["operation", "state", "progress", "begun", "error"],
        [
            [
                operation.operation_id,
                operation.state,
                _progress(operation),
                f"{operation.create_time:%Y-%m-%d %H:%M:%S}" if operation.create_time else "",
                operation.error.message if operation.error else "",
            ]
            for operation in found
        ],
    )


@operations.command("get")
@click.argument("operation")
@server_options
@json_option
def get_operation(operation: str, target: Target, as_json: bool) -> None:
    """Show one operation, with what came of it.

    \b
    Example:
      stylefacet operations get import-products-0f3a9c81d2e4
    """
    with target.connect() as client:
        found = client.get_operation(operation)
    _show(found, as_json)


@operations.command("wait")
@click.argument("operation")
@click.option("--timeout", type=click.FloatRange(min=0), help="Seconds to wait at most.")
@server_options
@json_option
def wait_for_operation(
    operation: str, timeout: float | None, target: Target, as_json: bool
) -> None:
    """Wait until an operation has ended, then show it; exit with 1 if it failed.

    \b
    Example:
      stylefacet operations wait import-products-0f3a9c81d2e4 --timeout 600
    """
    with target.connect() as client:
        found = follow(client, operation, timeout)
    _show(found, as_json)
    if found.state not in _NO_ERROR_STATES:
        raise click.exceptions.Exit(1)


@operations.command("cancel")
@click.argument("operation")
@server_options
def cancel_operation(operation: str, target: Target) -> None:
    """Cancel an operation; what it has done stays done.

    \b
    Example:
      stylefacet operations cancel import-products-0f3a9c81d2e4
    """
    with target.connect() as client:
        client.cancel_operation(operation)
    tell(f"asked {operation} to end")


@operations.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="OPERATION...")
@server_options
def delete_operations(names: tuple[str, ...], target: Target) -> None:
    """Forget operations that have ended, with what came of them.

    \b
    Example:
      stylefacet operations delete import-products-0f3a9c81d2e4
    """
    with target.connect() as client:
        for name in names:
            client.delete_operation(name)
            tell(f"deleted {name}")


def follow(client: StylefacetClient, operation: str, timeout_s: float | None = None) -> Operation:
    """Returns an operation that has ended, however; shows its progress on a terminal until then.

    Whoever interrupts is told that the work goes on without them.
    """
    found: Operation | None = None
    try:
        with progress_bar("waiting", 1) as bar:
            for found in client.watch_operation(operation, timeout_s):
                if found.total_count:
                    bar.show(found.phase, found.done_count, found.total_count)
    except KeyboardInterrupt:
        tell(
            f"{operation} goes on at the server; `stylefacet operations wait {operation}` "
            "follows it, `cancel` ends it"
        )
        raise
    assert found is not None
    return found


def _show(operation: Operation, as_json: bool) -> None:
    if as_json:
        write_json(operation)
        return
    imported, duplicates = operation.imported, operation.duplicates
    facts = {
        "operation": operation.operation_id,
        "state": operation.state.value,
        "progress": _progress(operation),
        "created": operation.create_time.isoformat() if operation.create_time else "",
        "ended": operation.end_time.isoformat() if operation.end_time else "",
        "taken over": f"{operation.lost_count} times" if operation.lost_count else "",
        "error": operation.error.message if operation.error else "",
    }
    if imported is not None:
        facts["rows"] = (
            f"{imported.created_count:,} created, {imported.updated_count:,} updated, "
            f"{imported.unchanged_count:,} unchanged, {imported.failed_count:,} failed"
        )
        facts["deleted"] = (
            f"{imported.deleted_product_count:,} products, {imported.deleted_image_count:,} images"
        )
    if duplicates is not None:
        facts["groups"] = (
            f"{duplicates.group_count:,}, of {duplicates.grouped_product_count:,} products "
            f"among {duplicates.product_count:,}"
        )
    write_facts(facts)


def _progress(operation: Operation) -> str:
    if not operation.total_count:
        return operation.phase
    return f"{operation.phase} {operation.done_count:,}/{operation.total_count:,}"
