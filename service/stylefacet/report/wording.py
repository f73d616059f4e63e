"""Puts texts of the catalogue and counts into words that fit a sentence; knows no HTML."""

import unicodedata
from collections.abc import Sequence

from stylefacet.client import Product

# A name beyond this would break the page's shape; the id says which product it is.
MAX_TEXT_LENGTH = 80
# Invisible, and able to turn the rest of a line around: controls, format marks, surrogates.
_UNPRINTABLE = ("Cc", "Cf", "Cs")


def clean(text: str) -> str:
    """Returns a text on one line, without invisible characters, cut to a bearable length."""
    visible = "".join(
        " " if unicodedata.category(character) in _UNPRINTABLE else character
        for character in text[: 4 * MAX_TEXT_LENGTH]
    )
    line = " ".join(visible.split())
    return line if len(line) <= MAX_TEXT_LENGTH else line[: MAX_TEXT_LENGTH - 1] + "…"


def product_name(product: Product) -> str:
    """Returns what a person calls a product."""
    return clean(product.display_name) or clean(product.category) or product.product_id


def counted(count: int, noun: str, plural: str = "") -> str:
    """Returns a count with its noun: ``1 product``, ``1,200 products``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def joined(words: Sequence[str], last: str = "and") -> str:
    """Returns words as an enumeration: ``a, b and c``."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
