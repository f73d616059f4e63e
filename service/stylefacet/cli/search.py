"""`stylefacet search`: products alike in weighted features, as table, JSON or contact sheet."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from stylefacet.cli.options import FILE, Target, json_option, server_options
from stylefacet.cli.output import tell, write_json, write_table
from stylefacet.cli.sheets import write_sheet
from stylefacet.client import Hit, SearchResult, StylefacetClient
from stylefacet.client.files import read_photo
from stylefacet.limits import MAX_SEARCH_RESULTS


def parse_weights(
    ctx: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> dict[str, float]:
    """Returns the weights that texts ``NAME=NUMBER`` give to features."""
    weights: dict[str, float] = {}
    for text in texts:
        name, separator, number = text.partition("=")
        name = name.strip()
        try:
            weight = float(number) if separator and name else math.nan
        except ValueError:
            weight = math.nan
        if not math.isfinite(weight) or weight < 0:
            raise click.BadParameter(
                f"{text!r} is not NAME=NUMBER with a number from 0 up, such as collar=1"
            )
        if name in weights:
            raise click.BadParameter(f"{name} is weighted twice; give it one number")
        weights[name] = weight
    return weights


@click.command()
@click.option("--product", help="Id of a stored product to search by.")
@click.option("--image", type=FILE, help="Photo file to search by.")
@click.option(
    "--weight",
    "weights",
    multiple=True,
    callback=parse_weights,
    metavar="NAME=NUMBER",
    help="What counts, and how much; may be given again. Left out, the whole garment counts.",
)
@click.option("--filter", "expression", default="", help="Which products may be found at all.")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_SEARCH_RESULTS),
    default=10,
    show_default=True,
    help="The most hits.",
)
@click.option("--group-by-style", is_flag=True, help="Show the nearest product of each style.")
@click.option("--sheet", type=FILE, help="Also draw query and hits to this PNG.")
@server_options
@json_option
def search(
    product: str | None,
    image: Path | None,
    weights: Mapping[str, float],
    expression: str,
    limit: int,
    group_by_style: bool,
    sheet: Path | None,
    target: Target,
    as_json: bool,
) -> None:
    """Find the products most alike in the features that count.

    A distance of 1 is that of two products drawn at random. Distances are squared, so that the
    features' shares, shown beside, add up to them.

    \b
    Examples:
      stylefacet search --product 4711 --weight collar=1 --weight sleeve=0.5
      stylefacet search --image shirt.jpg --filter 'category = "top" AND labels.colour = "red"'
      stylefacet search --product 4711 --weight collar=1 --sheet hits.png
    """
    if (product is None) == (image is None):
        raise click.UsageError("give either --product ID or --image FILE")
    with target.connect() as client:
        content = read_photo(image) if image is not None else None
        result = client.search(
            product=product,
            content=content,
            weights=weights,
            filter=expression,
            limit=limit,
            group_by_style=group_by_style,
        )
        if content is not None:
            warn_of_novelty(client, result)
        if sheet is not None:
            write_sheet(client, sheet, result, weights, product=product, photo=image)
            tell(f"drew {sheet}")
    if as_json:
        write_json(_document(result))
    elif result.hits:
        write_hits(result.hits)
    else:
        tell("nothing found: import products first, or widen the filter")


def write_hits(hits: Sequence[Hit], label: str = "") -> None:
    """Prints hits as a table; ``label`` adds a column with that label of each product."""
    names = [feature.feature_id for feature in hits[0].features]
    columns = [
        "#",
        "product",
        "name",
        "category",
        *([f"{label} label"] if label else []),
        "distance",
        *names,
    ]
    rows = [
        [
            str(rank),
            hit.product.product_id,
            hit.product.display_name,
            hit.product.category,
            *([hit.product.labels.get(label, "")] if label else []),
            f"{hit.squared_distance:.4f}",
            *(share_text(f.contribution, hit.squared_distance) for f in hit.features),
        ]
        for rank, hit in enumerate(hits, start=1)
    ]
    filled = [i for i in range(len(columns)) if i == 0 or any(row[i] for row in rows)]
    write_table(
        [columns[i] for i in filled],
        [[row[i] for i in filled] for row in rows],
        right=("#", "distance", *names),
    )


def share_text(contribution: float, squared_distance: float) -> str:
    """Returns what a feature adds to a distance, with its share of the whole."""
    if squared_distance <= 0:
        return f"{contribution:.4f}"
    return f"{contribution:.4f} {contribution / squared_distance:4.0%}"


def warn_of_novelty(client: StylefacetClient, result: SearchResult) -> None:
    """Says so when the query is unlike what the encoder was trained on."""
    encoder = client.get_encoder(result.encoder)
    if 0 < encoder.novelty_p99 < result.query_novelty:
        tell(
            "note: this photo is unlike 99 of 100 that the encoder was trained on; "
            "hits may be far off"
        )


def _document(result: SearchResult) -> dict[str, Any]:
    return {
        "encoder": result.encoder,
        "sequence_number": result.sequence_number,
        "query_novelty": result.query_novelty,
        "hits": [_hit_document(rank, hit) for rank, hit in enumerate(result.hits, start=1)],
    }


def _hit_document(rank: int, hit: Hit) -> dict[str, Any]:
    return {
        "rank": rank,
        "product_id": hit.product.product_id,
        "display_name": hit.product.display_name,
        "category": hit.product.category,
        "style_id": hit.product.style_id,
        "labels": hit.product.labels,
        "numbers": hit.product.numbers,
        "image": hit.image_name,
        "squared_distance": hit.squared_distance,
        "features": {
            f.feature_id: {"distance": f.distance, "contribution": f.contribution}
            for f in hit.features
        },
    }
