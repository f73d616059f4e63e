"""Products, images and rows for the tests of the catalogue."""

import hashlib

import numpy as np
import numpy.typing as npt

from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.entities import (
    CatalogRow,
    ImageEmbedding,
    KeptInput,
    NewImage,
    ProductFields,
)

# Of stores whose one encoder is that.
E1, E2 = Assignment("e1"), Assignment("e2")


def make_fields(product_id="p1", **changes) -> ProductFields:
    """Returns a valid product."""
    values = {
        "display_name": "Top",
        "category": "top",
        "labels": {"colour": "red"},
        "numbers": {"price": 9.5},
        "style_id": "",
    }
    return ProductFields(product_id, **(values | changes))


def digest(text: str) -> str:
    """Returns the content digest that a picture of that name has."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_mean(picture="front", encoder="e1") -> npt.NDArray[np.float32]:
    """Returns a latent vector that depends on picture and encoder alone."""
    seed = int(digest(picture + encoder)[:8], 16)
    return np.random.default_rng(seed).normal(size=4).astype(np.float32)


def make_image(picture="front", image_id="", encoder="e1", kept=True) -> NewImage:
    """Returns an image with an embedding that depends on picture and encoder alone."""
    kept_input = KeptInput(digest("letterbox " + picture), picture.encode()) if kept else None
    embedding = ImageEmbedding(encoder, make_mean(picture, encoder), 0.25)
    return NewImage(image_id, digest(picture), 300, 400, embedding, kept_input)


def make_row(product_id="p1", picture="front", image_id="", encoder="e1", **changes) -> CatalogRow:
    """Returns a row of a bulk upload."""
    return CatalogRow(make_fields(product_id, **changes), make_image(picture, image_id, encoder))
