"""`stylefacet traverse` and `stylefacet interpolate`: pictures of what the encoder sees."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from stylefacet.cli.options import FILE, Target, encoder_option, json_option, server_options
from stylefacet.cli.output import tell, write_json
from stylefacet.cli.sheets import product_picture
from stylefacet.cli.strip import Strip, StripFrame, StripRow, draw_strip
from stylefacet.client import (
    Feature,
    FeatureTraversal,
    PictureSource,
    StylefacetClient,
    Traversal,
    TraversalPath,
)
from stylefacet.client.files import read_photo

_DECODED = "Pictures are drawn from what the encoder kept; they are no photos, and are blurred."
_UNITS = (
    "Numbers say how far each lies from the start, in the feature's scale: two products drawn at "
    "random are 1 apart, in root mean square. sd: standard deviations of the catalogue from its "
    "mean. A dark edge marks the frame nearest to the start."
)


@click.command()
@click.argument("feature")
@click.option("--of", "product", metavar="PRODUCT", help="Id of a stored product to start from.")
@click.option("--image", type=FILE, help="Photo file to start from.")
@click.option("--out", type=FILE, required=True, help="PNG to draw to.")
@click.option(
    "--frames",
    type=click.IntRange(2, 21),
    default=7,
    show_default=True,
    help="Pictures along each direction.",
)
@click.option(
    "--directions",
    type=click.IntRange(1, 8),
    default=3,
    show_default=True,
    help="Directions to go along, for a feature without an axis.",
)
@click.option(
    "--reach",
    type=float,
    default=2.0,
    show_default=True,
    help="How far to go, in standard deviations of the catalogue.",
)
@click.option(
    "--path",
    type=click.Choice([path.value for path in TraversalPath]),
    default=TraversalPath.AUTOMATIC.value,
    show_default=True,
    help="Along axes, or through the values of a fitted feature.",
)
@click.option("--order", default="", help="Values from low to high, such as short,half,long.")
@encoder_option
@server_options
@json_option
def traverse(
    feature: str,
    product: str | None,
    image: Path | None,
    out: Path,
    frames: int,
    directions: int,
    reach: float,
    path: str,
    order: str,
    encoder: str,
    target: Target,
    as_json: bool,
) -> None:
    """Draw what becomes of a garment when one feature changes.

    Starts from a product or a photo; without either, from the mean of the catalogue, which shows
    best what a feature is about. A fitted feature of several values is drawn once for each value,
    an ordered one along its axis, any other along the directions that change the picture most.

    \b
    Examples:
      stylefacet traverse sleeve --out sleeve.png
      stylefacet traverse sleeve --of 4711 --out sleeve.png
      stylefacet traverse neckline --image shirt.jpg --order crew,v-neck --out neckline.png
    """
    if product is not None and image is not None:
        raise click.UsageError("give --of PRODUCT or --image FILE, not both")
    values = tuple(value.strip() for value in order.split(",") if value.strip())
    with target.connect() as client:
        content = read_photo(image) if image is not None else None
        found = client.traverse(
            feature,
            product=product,
            content=content,
            path=TraversalPath(path),
            frame_count=frames,
            direction_count=directions,
            reach=reach,
            order=values,
            encoder=encoder,
        )
        named = client.get_feature(feature, found.encoder)
        name, photo = _start_of(client, product, image)
    _save(_traversal_strip(named, name, photo, found), out)
    if as_json:
        write_json(_document(feature, found))


@click.command()
@click.argument("product")
@click.argument("other")
@click.option("--out", type=FILE, required=True, help="PNG to draw to.")
@click.option(
    "--frames",
    type=click.IntRange(2, 21),
    default=7,
    show_default=True,
    help="Pictures, both ends included.",
)
@server_options
def interpolate(product: str, other: str, out: Path, frames: int, target: Target) -> None:
    """Draw the way from one product to another, in equal steps.

    \b
    Example:
      stylefacet interpolate 4711 4712 --out between.png
    """
    with target.connect() as client:
        found = client.interpolate(
            PictureSource(product=product), PictureSource(product=other), frames
        )
        name, other_name = (_name_of(client, each) for each in (product, other))
        photo, other_photo = (product_picture(client, each) for each in (product, other))
    ends = (StripFrame(photo, "from", name), StripFrame(other_photo, "to", other_name))
    row = StripRow(
        tuple(
            StripFrame(frame.png, f"{number / (len(found) - 1):.0%}")
            for number, frame in enumerate(found)
        ),
        name,
        other_name,
    )
    _save(Strip(f"From {name} to {other_name}", ends, (row,), _DECODED), out)


def _save(strip: Strip, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    draw_strip(strip).save(out, "PNG")
    tell(f"drew {out}")


def _start_of(
    client: StylefacetClient, product: str | None, image: Path | None
) -> tuple[str, bytes | None]:
    """Returns what to call the start, and its photo; none for the mean of the catalogue."""
    if image is not None:
        return image.name, image.read_bytes()
    if product is not None:
        return _name_of(client, product), product_picture(client, product)
    return "the mean of the catalogue", None


def _name_of(client: StylefacetClient, product: str) -> str:
    found = client.get_product(product)
    return f"{found.display_name} ({found.product_id})" if found.display_name else found.product_id


def _traversal_strip(
    feature: Feature, name: str, photo: bytes | None, found: FeatureTraversal
) -> Strip:
    sides = [StripFrame(found.start.png, "as the encoder sees it")]
    if photo is not None:
        sides.insert(0, StripFrame(photo, "photo"))
    rows = [
        _row(traversal, number, len(found.traversals))
        for number, traversal in enumerate(found.traversals, start=1)
    ]
    title = f"{feature.display_name or feature.feature_id}, from {name}"
    return Strip(title[0].upper() + title[1:], tuple(sides), tuple(rows), f"{_DECODED} {_UNITS}")


def _row(traversal: Traversal, number: int, count: int) -> StripRow:
    frames = traversal.frames
    offsets = [abs(frame.offset) for frame in frames]
    nearest = offsets.index(min(offsets))
    drawn = tuple(
        StripFrame(
            frame.frame.png,
            frame.value or _signed(frame.offset, 2),
            f"{frame.offset:.2f} away" if frame.value else f"{_signed(frame.position, 1)} sd",
            marked=position == nearest,
        )
        for position, frame in enumerate(frames)
    )
    if traversal.low_value:
        return StripRow(drawn, f"towards {traversal.low_value}", f"towards {traversal.high_value}")
    return StripRow(drawn, f"direction {number} of {count}" if not frames[0].value else "")


def _signed(number: float, digits: int) -> str:
    # Rounded first: what rounds to nothing has no sign.
    rounded = round(number, digits) + 0.0
    return f"{rounded:+.{digits}f}" if rounded else f"{rounded:.{digits}f}"


def _document(feature: str, found: FeatureTraversal) -> dict[str, Any]:
    return {
        "feature_id": feature,
        "encoder": found.encoder,
        "traversals": [
            {
                "start_position": traversal.start_position,
                "low_value": traversal.low_value,
                "high_value": traversal.high_value,
                "frames": _frame_documents(traversal),
            }
            for traversal in found.traversals
        ],
    }


def _frame_documents(traversal: Traversal) -> Sequence[dict[str, Any]]:
    return [
        {
            "offset": frame.offset,
            "position": frame.position,
            "value": frame.value,
            "mean": list(frame.frame.embedding.mean),
        }
        for frame in traversal.frames
    ]
