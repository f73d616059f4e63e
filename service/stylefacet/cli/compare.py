"""`stylefacet compare`: products side by side, feature by feature."""

from collections.abc import Mapping, Sequence

import click

from stylefacet.cli.options import Target, json_option, server_options
from stylefacet.cli.output import write_facts, write_json, write_table
from stylefacet.cli.search import parse_weights
from stylefacet.client import Comparison, FeatureComparison

# More pairs than these do not fit side by side; they are then set below one another.
_MOST_COLUMNS = 6


@click.command()
@click.argument("products", nargs=-1, required=True, metavar="PRODUCT...")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    callback=parse_weights,
    metavar="NAME=NUMBER",
    help="What chooses the images and makes up the whole; may be given again.",
)
@server_options
@json_option
def compare(
    products: Sequence[str], weights: Mapping[str, float], target: Target, as_json: bool
) -> None:
    """Set 2 to 10 products side by side.

    Shows how far every two are apart in every feature. 1 is as far as two products drawn at
    random; in brackets stands the share of such pairs that lie nearer, and = marks what is alike.
    The last line is the whole, squared as in a search.

    \b
    Examples:
      stylefacet compare 4711 4712 4713
      stylefacet compare 4711 4712 --json
    """
    with target.connect() as client:
        comparison = client.compare(products, weights)
    if as_json:
        write_json(comparison)
        return
    click.echo(comparison.summary)
    click.echo()
    names = {p.product_id: p.display_name for p in comparison.products if p.display_name}
    if names:
        write_facts(names)
        click.echo()
    _write_pairs(comparison)


def _write_pairs(comparison: Comparison) -> None:
    pairs = comparison.pairs
    heads = [f"{pair.product_id} - {pair.other_product_id}" for pair in pairs]
    names = [feature.feature_id for feature in pairs[0].features]
    cells = [[*map(_cell, pair.features), f"{pair.squared_distance:.4f}"] for pair in pairs]
    if len(pairs) <= _MOST_COLUMNS:
        columns = list(zip(*cells, strict=True))
        rows = [[name, *column] for name, column in zip([*names, "whole"], columns, strict=True)]
        write_table(["feature", *heads], rows, right=heads)
    else:
        rows = [[head, *row] for head, row in zip(heads, cells, strict=True)]
        write_table(["products", *names, "whole"], rows, right=(*names, "whole"))


def _cell(feature: FeatureComparison) -> str:
    values = ""
    if feature.value:
        same = feature.value == feature.other_value
        values = f"{feature.value if same else f'{feature.value}/{feature.other_value}'} "
    mark = "= " if feature.alike else ""
    return f"{values}{mark}{feature.distance:.2f} ({feature.nearer_share:.0%})"
