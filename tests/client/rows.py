"""Rows of uploads that the client's tests share."""

from stylefacet.client import Product, StylefacetClient, UploadRow
from tests.conftest import photo


def upload_row(number: int, content: bytes | None = None) -> UploadRow:
    """Returns a row of product p<number> with a photo of its own, or the content given."""
    bytes_of_photo = photo(number) if content is None else content
    product = Product(f"p{number}", category="top", style_id=f"s{number // 2}")
    return UploadRow(number, product, lambda: bytes_of_photo)


def fill(client: StylefacetClient, count: int) -> None:
    """Uploads products p0, p1, ... with a photo each."""
    assert {o.error for o in client.upload(upload_row(n) for n in range(count))} == {None}
