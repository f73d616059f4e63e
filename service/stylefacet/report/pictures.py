"""Fetches thumbnails and packs them as data URIs within a bound; knows no HTML."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from stylefacet.client import ImageView, Product, StylefacetClient
from stylefacet.errors import ResourceMissing

# All pictures of a report together, as text: what a mail server still takes.
MAX_PICTURE_BYTES = 12 * 2**20
# Height and JPEG quality, the best first: the first with which all pictures fit is taken.
_SIZES = ((128, 82), (96, 78), (64, 74), (40, 70))


def fetch_pictures(
    client: StylefacetClient,
    products: Sequence[Product],
    positions: Sequence[int],
    advance: Callable[[], None],
) -> dict[int, str]:
    """Returns the first photo of each product as a data URI, by position in ``products``.

    ``positions`` come in order of importance: if even the smallest pictures exceed the bound,
    the last ones are left out. So are those of which the server keeps no picture.
    """
    packed: dict[int, tuple[str, ...]] = {}
    for position in positions:
        thumbnail = _thumbnail(client, products[position].product_id)
        if thumbnail:
            packed[position] = shrink(thumbnail)
        advance()
    return choose_size(packed, MAX_PICTURE_BYTES)


def shrink(thumbnail: bytes) -> tuple[str, ...]:
    """Returns a picture as data URIs, the largest first; it is never made larger."""
    with Image.open(io.BytesIO(thumbnail)) as opened:
        picture = opened.convert("RGB")
    return tuple(_data_uri(picture, height_px, quality) for height_px, quality in _SIZES)


def choose_size(packed: Mapping[int, Sequence[str]], limit_bytes: int) -> dict[int, str]:
    """Returns one picture of each sequence, all of one size, the largest that fits the limit."""
    for size in range(len(_SIZES)):
        if sum(len(pictures[size]) for pictures in packed.values()) <= limit_bytes:
            return {position: pictures[size] for position, pictures in packed.items()}
    chosen: dict[int, str] = {}
    for position, pictures in packed.items():
        limit_bytes -= len(pictures[-1])
        if limit_bytes < 0:
            break
        chosen[position] = pictures[-1]
    return chosen


def _thumbnail(client: StylefacetClient, product_id: str) -> bytes:
    """Returns the picture the encoder saw; empty where there is none any more."""
    try:
        image = next(client.list_images(product_id, ImageView.THUMBNAIL), None)
    except ResourceMissing:
        return b""
    return image.thumbnail if image is not None else b""


def _data_uri(picture: Image.Image, height_px: int, quality: int) -> str:
    height_px = min(height_px, picture.height)
    width_px = max(1, round(picture.width * height_px / picture.height))
    buffer = io.BytesIO()
    small = picture.resize((width_px, height_px), Image.Resampling.LANCZOS)
    small.save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
