"""`stylefacet report`: the catalogue for a merchandiser, as one HTML file."""

from importlib import import_module
from pathlib import Path

import click

from stylefacet.cli.options import FILE, Target, encoder_option, json_option, server_options
from stylefacet.cli.output import progress_bar, tell, write_json
from stylefacet.cli.program import EXIT_USAGE, give_up
from stylefacet.cli.whole_files import check_out, write_whole


@click.command()
@click.option("--out", type=FILE, required=True, help="The HTML file to write.")
@click.option("--filter", "expression", default="", help="Which products to report on.")
@click.option(
    "--map-products",
    type=click.IntRange(10, 3000),
    default=1000,
    show_default=True,
    help="The most products on the map; of a larger catalogue it shows a random sample.",
)
@click.option("--across-styles", is_flag=True, help="Leave out near duplicates within one style.")
@encoder_option
@server_options
@json_option
def report(
    out: Path,
    expression: str,
    map_products: int,
    across_styles: bool,
    encoder: str,
    target: Target,
    as_json: bool,
) -> None:
    """Write a report of the catalogue to one HTML file.

    It shows a map of all products by their looks, near duplicates and what they differ in,
    how the catalogue spreads over every label and feature, which combinations are missing,
    crowded spots and outliers. The file needs no other one and no network, and is at most
    16 MiB: of many products it shows smaller pictures, or a sample. Above 10,000 products,
    crowded spots and outliers are those of a sample as well.
    Needs scikit-learn: pip install 'stylefacet[report]'.

    \b
    Examples:
      stylefacet report --out report.html
      stylefacet report --out tops.html --filter 'category = "top"' --across-styles
    """
    check_out(out)
    _require_libraries()
    from stylefacet.report import ReportOptions, make_report

    options = ReportOptions(expression, map_products, across_styles, encoder)
    with target.connect() as client, progress_bar("reading the catalogue", 1) as bar:
        text, facts = make_report(client, options, bar.show)
        # A name may hold half a surrogate pair, which no file takes.
        content = text.encode("utf-8", "replace")
        write_whole(out, lambda path: path.write_bytes(content))
    if as_json:
        write_json({"path": str(out), "byte_count": len(content), "facts": facts})
    tell(
        f"wrote {facts.product_count:,} products to {out} "
        f"({len(content) / 2**20:.1f} MiB, {facts.picture_count:,} pictures)"
    )


def _require_libraries() -> None:
    for name in ("numpy", "sklearn"):
        try:
            import_module(name)
        except ImportError:
            give_up(
                f"{name} is not installed; a report needs it (pip install 'stylefacet[report]')",
                EXIT_USAGE,
            )
