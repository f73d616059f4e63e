"""`stylefacet demo`: the main job from end to end, on a shipped catalogue and its own server."""

import importlib.resources
import shlex
import time
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from stylefacet.cli.imports import ImportReport, run_import, summary_line, tell_failures
from stylefacet.cli.options import FILE
from stylefacet.cli.output import progress_bar
from stylefacet.cli.program import give_up, typed_program
from stylefacet.cli.search import write_hits
from stylefacet.cli.serve import require_server
from stylefacet.cli.sheets import write_sheet
from stylefacet.client import Product, SearchResult, StylefacetClient
from stylefacet.errors import EncoderMismatch, InvalidField
from stylefacet.manifest import open_source

DEFAULT_OUT = Path("stylefacet-demo")
CATALOGUE_FILE = "demo_catalogue.zip"
_HITS = 10


@dataclass(frozen=True, slots=True)
class DemoSearch:
    """A search by one feature: asked of the first product whose label has the value."""

    feature: str
    value: str


SEARCHES = (DemoSearch("collar", "v_neck"), DemoSearch("sleeve", "long"))


@click.command()
@click.option(
    "--out",
    type=FILE,
    default=DEFAULT_OUT,
    show_default=True,
    help="Folder for the catalogue, the server's data and the pictures.",
)
@click.option("--keep", is_flag=True, help="Keep the server running afterwards, until Ctrl-C.")
def demo(out: Path, keep: bool) -> None:
    """Import a small catalogue and search it by collar and by sleeve.

    Starts a server on a free port of this machine, imports the shipped catalogue of rendered
    garments, runs both searches, and draws a contact sheet of each.

    \b
    Example:
      stylefacet demo --out demo
    """
    require_server()
    from stylefacet.server.runtime import Server
    from stylefacet.server.settings_sources import load_settings

    start = time.perf_counter()
    catalogue = unpack_catalogue(out / "catalogue")
    data_dir = out / "data"
    try:
        # Whatever guards the operator's own server: this one is for this command alone.
        open_here = dict.fromkeys(("tls_cert", "tls_key", "tls_client_ca", "tokens_file"), "")
        quiet = dict.fromkeys(("health_address", "metrics_address", "trace_endpoint"), "")
        flags = {"data_dir": data_dir, "address": "127.0.0.1:0"}
        server = Server(load_settings(flags | open_here | quiet))
    except EncoderMismatch as error:
        raise InvalidField(
            "--out", f"{data_dir} was made with another encoder; remove it or name another folder"
        ) from error
    server.start()
    try:
        with StylefacetClient(server.address) as client:
            _import(client, catalogue)
            queries = [_search(client, out, search) for search in SEARCHES]
        click.echo(f"\nDone in {time.perf_counter() - start:.0f} s.")
        if keep:
            _tell_search(queries[0], server.address)
            click.echo(f"Serving at {server.address}; Ctrl-C ends it.")
            with suppress(KeyboardInterrupt):
                server.wait()
        else:
            click.echo("\nThis keeps a server running over the demo's catalogue:\n")
            click.echo(f"  {typed_program()} serve --data-dir {shlex.quote(str(data_dir))}\n")
            click.echo("and this, in another terminal, searches it:\n")
            _tell_search(queries[0], None)
    finally:
        server.stop()


def unpack_catalogue(folder: Path) -> Path:
    """Unpacks the shipped catalogue and returns the path of its manifest."""
    packed = importlib.resources.files("stylefacet") / "data" / CATALOGUE_FILE
    if not packed.is_file():
        give_up(f"this installation lacks {CATALOGUE_FILE}; install stylefacet again")
    with packed.open("rb") as file, zipfile.ZipFile(file) as archive:
        archive.extractall(folder)
    return folder / "labels.csv"


def _import(client: StylefacetClient, manifest: Path) -> None:
    source = open_source(manifest)
    report = ImportReport()
    with progress_bar("importing", source.row_count) as bar:
        run_import(client, source, report, bar.advance)
    click.echo(summary_line(report))
    if report.failures:
        tell_failures(report)
        give_up("the demo's catalogue could not be imported; remove its folder and try again")


def _search(client: StylefacetClient, out: Path, search: DemoSearch) -> str:
    """Prints and draws one search; returns the id it was asked of."""
    catalogue = list(client.list_products())
    alike = [p for p in catalogue if p.labels.get(search.feature) == search.value]
    query = alike[0]
    weights = {search.feature: 1.0}
    result = client.search(product=query.product_id, weights=weights, limit=_HITS)
    click.echo(f"\nAlike in {search.feature}: {query.display_name} ({query.product_id})\n")
    write_hits(result.hits, label=search.feature)
    click.echo(f"\n{_count_alike(result, search, len(alike), len(catalogue))}")
    sheet = out / f"alike-in-{search.feature}.png"
    write_sheet(client, sheet, result, weights, product=query.product_id)
    click.echo(f"Picture: {sheet}")
    return query.product_id


def _count_alike(result: SearchResult, search: DemoSearch, alike: int, total: int) -> str:
    found = sum(_has(hit.product, search) for hit in result.hits)
    by_chance = (alike - 1) / max(total - 1, 1) * len(result.hits)
    return (
        f"{found} of {len(result.hits)} hits have the query's {search.feature}, {search.value}; "
        f"{by_chance:.1f} would by chance."
    )


def _has(product: Product, search: DemoSearch) -> bool:
    return product.labels.get(search.feature) == search.value


def _tell_search(product_id: str, address: str | None) -> None:
    words: Sequence[str] = (
        *("search", "--product", product_id),
        *("--weight", "collar=1", "--weight", "sleeve=0.5"),
        *(("--address", address) if address else ()),
    )
    click.echo(f"  {typed_program()} {shlex.join(words)}\n")
