"""The limits on what may be stored, each checked in one place; knows nothing of SQL."""

import math
import re
import unicodedata
from collections.abc import Collection, Mapping

import numpy as np

from stylefacet.catalog.entities import (
    PRODUCT_FIELDS,
    CatalogRow,
    FeatureDefinition,
    NewImage,
    ProductFields,
)
from stylefacet.errors import InvalidField
from stylefacet.limits import RESOURCE_ID, RESOURCE_ID_RULE

MAX_ENTRY_COUNT = 64  # labels, and as many numbers, of one product
MAX_ENTRY_LENGTH = 63  # characters of a key or of a label's value
MAX_NAME_LENGTH = 200  # characters of a display name
MAX_CATEGORY_LENGTH = 128
MAX_DESCRIPTION_LENGTH = 2000
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_id(field: str, value: str) -> None:
    """Refuses a resource id outside ``[A-Za-z0-9._-]{1,128}``.

    Raises: InvalidField naming ``field``.
    """
    if not RESOURCE_ID.fullmatch(value):
        raise InvalidField(field, f"{value[:140]!r} must be {RESOURCE_ID_RULE}")


def check_category(field: str, text: str) -> None:
    """Refuses a category that no product could have.

    Raises: InvalidField naming ``field``.
    """
    _check_text(field, text, MAX_CATEGORY_LENGTH)


def check_product(fields: ProductFields) -> None:
    """Refuses a product that breaks a limit.

    Raises: InvalidField naming the first field at fault.
    """
    check_id("id", fields.id)
    _check_text("display_name", fields.display_name, MAX_NAME_LENGTH)
    check_category("category", fields.category)
    if fields.style_id:
        check_id("style_id", fields.style_id)
    _check_keys("labels", fields.labels)
    for key, text in fields.labels.items():
        _check_text(f"labels.{key}", text, MAX_ENTRY_LENGTH)
    _check_keys("numbers", fields.numbers)
    for key, number in fields.numbers.items():
        if not math.isfinite(number):
            raise InvalidField(f"numbers.{key}", f"{number} is not a finite number")


def check_mask(mask: Collection[str]) -> None:
    """Refuses a field mask that names what is no writable field of a product."""
    for name in sorted(mask):
        if name not in PRODUCT_FIELDS:
            raise InvalidField(
                "update_mask",
                f"{name!r} cannot be written; use {', '.join(sorted(PRODUCT_FIELDS))}",
            )


def check_image(image: NewImage) -> None:
    """Refuses an image record with a bad id, digest, size or embedding."""
    if image.id:
        check_id("image_id", image.id)
    if not _SHA256.fullmatch(image.content_sha256):
        raise InvalidField("content_sha256", "must be 64 lower-case hexadecimal digits")
    if image.width_px <= 0 or image.height_px <= 0:
        raise InvalidField("image", f"has no pixels ({image.width_px}x{image.height_px})")
    for embedding in (image.embedding, *image.more_embeddings):
        if embedding is not None and not np.isfinite(embedding.mean).all():
            raise InvalidField("embedding", "holds a number that is not finite")


def check_row(row: CatalogRow) -> None:
    """Refuses a row of a bulk upload that could not be stored."""
    check_mask(row.mask)
    check_product(row.fields)
    if row.image is not None:
        check_image(row.image)


def check_feature(feature: FeatureDefinition) -> None:
    """Refuses a feature whose name or texts break a limit."""
    check_id("name", feature.name)
    _check_text("display_name", feature.display_name, MAX_NAME_LENGTH)
    lines = feature.description.replace("\n", " ").replace("\t", " ")
    _check_text("description", lines, MAX_DESCRIPTION_LENGTH)


def is_storable(text: str) -> bool:
    """Whether a text holds neither control characters nor lone surrogates.

    PostgreSQL refuses NUL and UTF-8 has no surrogates; other control characters only ever come
    from damaged files.
    """
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)


def _check_keys(field: str, entries: Mapping[str, object]) -> None:
    if len(entries) > MAX_ENTRY_COUNT:
        raise InvalidField(field, f"has {len(entries)} entries, the limit is {MAX_ENTRY_COUNT}")
    for key in entries:
        if not key:
            raise InvalidField(field, "has an empty key")
        _check_text(f"{field} key", key, MAX_ENTRY_LENGTH)


def _check_text(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise InvalidField(field, f"has {len(text)} characters, the limit is {limit}")
    if not is_storable(text):
        raise InvalidField(field, "holds a control character; remove it")
