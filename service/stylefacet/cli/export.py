"""`stylefacet export`: the catalogue in its features, as a file."""

from pathlib import Path

import click

from stylefacet.cli.export_tables import TableFormat, check_target, write_export
from stylefacet.cli.options import FILE, Target, encoder_option, json_option, server_options
from stylefacet.cli.output import tell, write_json


@click.command()
@click.option("--out", type=FILE, required=True, help="The file to write.")
@click.option(
    "--format",
    "chosen",
    type=click.Choice([kind.value for kind in TableFormat]),
    help="csv or parquet; left out, the file's name decides, and csv if it does not.",
)
@click.option("--filter", "expression", default="", help="Which products to export.")
@click.option("--feature", "names", multiple=True, help="Only this one; may be given again.")
@encoder_option
@server_options
@json_option
def export(
    out: Path,
    chosen: str | None,
    expression: str,
    names: tuple[str, ...],
    encoder: str,
    target: Target,
    as_json: bool,
) -> None:
    """Write every product's place in every feature to a file.

    A row holds what the product is, encoder and change number, and for each feature its version,
    the coordinates and, where it was fitted, the most probable value with its probability, or
    "not carried". All rows show one moment. In CSV, a text that a spreadsheet would take for a
    formula gets a ' in front. Parquet needs pyarrow: pip install 'stylefacet[parquet]'.

    \b
    Examples:
      stylefacet export --out features.csv
      stylefacet export --format parquet --out features.parquet --filter 'category = "top"'
    """
    by_name = TableFormat.PARQUET if out.suffix.lower() == ".parquet" else TableFormat.CSV
    format = TableFormat(chosen) if chosen else by_name
    check_target(out, format)
    with target.connect() as client:
        table = client.export_features(expression, names, encoder=encoder)
        count = write_export(table, out, format)
    if as_json:
        write_json(
            {
                "path": str(out),
                "format": format,
                "product_count": count,
                "features": table.features,
                "encoder": table.encoder,
                "sequence_number": table.sequence_number,
            }
        )
    tell(f"wrote {count:,} products in {len(table.features)} features to {out}")
