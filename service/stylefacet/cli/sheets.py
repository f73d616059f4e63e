"""Fetches what a contact sheet shows and writes it; draws nothing itself."""

from collections.abc import Mapping
from pathlib import Path

from stylefacet.cli.contact_sheet import ContactSheet, SheetHit, SheetQuery, draw_contact_sheet
from stylefacet.client import ImageView, SearchResult, StylefacetClient
from stylefacet.errors import ResourceMissing


def write_sheet(
    client: StylefacetClient,
    path: Path,
    result: SearchResult,
    weights: Mapping[str, float],
    subtitle: str = "",
    *,
    product: str | None = None,
    photo: Path | None = None,
) -> None:
    """Draws the query, a product or a photo if it has one, and the hits to a PNG.

    ``subtitle`` follows the title. Folders are made.
    """
    hits = tuple(
        SheetHit(
            picture=_thumbnail(client, hit.image_name),
            name=hit.product.display_name or hit.product.category,
            product_id=hit.product.product_id,
            squared_distance=hit.squared_distance,
            contributions=tuple((f.feature_id, f.contribution) for f in hit.features),
        )
        for hit in result.hits
    )
    if photo is not None:
        query = SheetQuery(photo.read_bytes(), photo.name, "")
    elif product is not None:
        query = _query_of(client, product)
    else:
        query = SheetQuery(b"", "a vector", "")
    sheet = ContactSheet(query, _title(weights, subtitle), dict(weights), hits)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_contact_sheet(sheet).save(path, "PNG")


def _title(weights: Mapping[str, float], subtitle: str) -> str:
    named = [name for name, weight in weights.items() if weight > 0]
    if named:
        title = f"Alike in {' and '.join(named)}"
    else:
        title = "Alike" if subtitle else "Alike in the whole garment"
    return f"{title}, {subtitle}" if subtitle else title


def _query_of(client: StylefacetClient, product_id: str) -> SheetQuery:
    product = client.get_product(product_id)
    picture = product_picture(client, product_id)
    return SheetQuery(picture, product.display_name or product.category, product.product_id)


def product_picture(client: StylefacetClient, product_id: str) -> bytes:
    """Returns the first picture of a product as the encoder saw it; empty where none is kept."""
    image = next(client.list_images(product_id), None)
    return _thumbnail(client, image.name) if image is not None else b""


def _thumbnail(client: StylefacetClient, image_name: str) -> bytes:
    """Returns the picture the encoder saw; empty where the server keeps none."""
    try:
        return client.get_image(image_name, ImageView.THUMBNAIL).thumbnail
    except ResourceMissing:
        # Deleted since the search: the hit stands, its picture is gone.
        return b""
