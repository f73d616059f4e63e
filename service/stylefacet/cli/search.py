"""`stylefacet search`: products alike in weighted features, as table, JSON or contact sheet."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from stylefacet.cli.adjustments import (
    describe_move,
    parse_pairs,
    read_adjustments,
    title_of,
)
from stylefacet.cli.options import FILE, Target, json_option, server_options
from stylefacet.cli.output import jsonable, tell, write_json, write_table
from stylefacet.cli.sheets import write_sheet
from stylefacet.client import Embedding, Hit, SearchResult, StylefacetClient
from stylefacet.client.files import read_photo
from stylefacet.errors import InvalidField
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
@click.option("--product", "--like", help="Id of a stored product to search by.")
@click.option("--image", type=FILE, help="Photo file to search by.")
@click.option(
    "--embedding",
    type=FILE,
    help="JSON of a vector, as `stylefacet embed` writes it, edited or not.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    callback=parse_weights,
    metavar="NAME=NUMBER",
    help="What counts, and how much; may be given again. Left out, the whole garment counts.",
)
@click.option(
    "--toward",
    multiple=True,
    callback=parse_pairs,
    metavar="FEATURE=VALUE",
    help="Like it, but with this value of a fitted feature; may be given again.",
)
@click.option(
    "--borrow",
    multiple=True,
    callback=parse_pairs,
    metavar="FEATURE=PRODUCT",
    help="Like it, but with a feature of another product; may be given again.",
)
@click.option(
    "--move",
    multiple=True,
    callback=parse_pairs,
    metavar="FEATURE=UNITS",
    help="Like it, but so much up or down an ordered feature; may be given again.",
)
@click.option(
    "--order",
    multiple=True,
    callback=parse_pairs,
    metavar="FEATURE=VALUES",
    help="Values that --move goes through, low to high: sleeve=none,short,long.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 2),
    help="How much of the way --toward and --borrow go; 1 if left out.",
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
@click.option("--category", default="", help="With --image: of which encoder's category it is.")
@server_options
@json_option
def search(
    product: str | None,
    image: Path | None,
    embedding: Path | None,
    weights: Mapping[str, float],
    toward: Mapping[str, str],
    borrow: Mapping[str, str],
    move: Mapping[str, str],
    order: Mapping[str, str],
    share: float | None,
    expression: str,
    limit: int,
    group_by_style: bool,
    sheet: Path | None,
    category: str,
    target: Target,
    as_json: bool,
) -> None:
    """Find the products most alike in the features that count.

    A distance of 1 is that of two products drawn at random. Distances are squared, so that the
    features' shares, shown beside, add up to them. A query that is moved first, "like 4711, but
    with long sleeves", tells what else the move dragged along; without weights, what was asked
    for counts twice beside the whole garment.

    \b
    Examples:
      stylefacet search --product 4711 --weight collar=1 --weight sleeve=0.5
      stylefacet search --image shirt.jpg --filter 'category = "top" AND labels.colour = "red"'
      stylefacet search --product 4711 --weight collar=1 --sheet hits.png
      stylefacet search --like 4711 --toward sleeve-length=long --borrow collar=4712
      stylefacet search --like 4711 --move sleeve-length=-1 --order sleeve-length=none,short,long
    """
    if sum(given is not None for given in (product, image, embedding)) != 1:
        raise click.UsageError("give one of --product ID, --image FILE or --embedding FILE")
    adjustments = read_adjustments(toward, borrow, move, order, share)
    with target.connect() as client:
        content = read_photo(image) if image is not None else None
        result = client.search(
            product=product,
            content=content,
            embedding=read_embedding(embedding) if embedding is not None else None,
            weights=weights,
            category=category,
            adjustments=adjustments,
            filter=expression,
            limit=limit,
            group_by_style=group_by_style,
        )
        if content is not None:
            warn_of_novelty(client, result)
        if sheet is not None:
            subtitle = title_of(adjustments)
            write_sheet(client, sheet, result, weights, subtitle, product=product, photo=image)
            tell(f"drew {sheet}")
    if result.query_move is not None:
        for line in describe_move(result.query_move):
            tell(line)
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


def read_embedding(path: Path) -> Embedding:
    """Returns the first vector of a file that `stylefacet embed` wrote.

    Raises:
        InvalidField: when the file holds none.
    """
    try:
        text = path.read_text(encoding="utf-8")
        first = text if text.lstrip().startswith("[") else text.splitlines()[0]
        found = json.loads(first)
        document = found[0] if isinstance(found, list) else found
        mean = tuple(float(number) for number in document["mean"])
        return Embedding(str(document["encoder"]), mean, 0.0)
    except OSError as error:
        raise InvalidField("embedding", f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, LookupError) as error:
        raise InvalidField(
            "embedding", f"{path} holds no object with encoder and mean, as `embed` writes it"
        ) from error


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
        "query_move": jsonable(result.query_move),
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
        "query_image": hit.query_image_name,
        "other_style_product_count": hit.other_style_product_count,
        "squared_distance": hit.squared_distance,
        "features": {
            f.feature_id: {"distance": f.distance, "contribution": f.contribution}
            for f in hit.features
        },
    }
