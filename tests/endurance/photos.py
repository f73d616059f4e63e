"""The photos that harnesses send: each image of each product has one, always the same."""

import hashlib
import zlib

from tests.conftest import photo
from tests.server.switches import shade

# Products that features are fitted from, light and dark in turn.
EXAMPLE_COUNT = 20


def content(product: str, image_id: str) -> bytes:
    """Returns the photo of an image."""
    kind, _, number = product.partition("-")
    if kind == "example":
        return shade(int(number))
    return imported_photo(product) if kind == "i" else photo(_seed(f"{product}/{image_id}"))


def imported_photo(product: str) -> bytes:
    """Returns the one photo of a product that comes through imports."""
    return photo(_seed(product), size=(480, 640), kind="JPEG")


def imported_image_id(product: str) -> str:
    """Returns the id that the server gives to a photo without one."""
    return hashlib.sha256(imported_photo(product)).hexdigest()[:16]


def example_values() -> dict[str, str]:
    """Returns what an example's feature is worth, by product."""
    return {f"example-{n}": "light" if n % 2 else "dark" for n in range(EXAMPLE_COUNT)}


def _seed(text: str) -> int:
    return zlib.crc32(text.encode())
