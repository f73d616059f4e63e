"""Turns texts and pictures into safe HTML; knows no finding.

Every text of the catalogue passes `escaped` on its way into the page, or `script_json` on its way
to the script, which sets it as text and never as markup.
"""

import html
import json
from collections.abc import Iterable
from typing import Any

from stylefacet.client import Product
from stylefacet.report.wording import clean, product_name


def escaped(text: str) -> str:
    """Returns a text of the catalogue for use between tags and in quoted attributes."""
    return html.escape(clean(text), quote=True)


def escaped_prose(text: str) -> str:
    """Returns a sentence of ours, which may hold words of the catalogue's, at any length."""
    return html.escape("".join(c if c.isprintable() else " " for c in text), quote=True)


def script_json(value: Any) -> str:
    """Returns JSON that no HTML parser takes for the end of its script element."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def card(position: int, product: Product, note: str = "") -> str:
    """Returns a product's picture with its name and id; the script puts the picture in."""
    name, number = html.escape(product_name(product)), escaped(product.product_id)
    remark = f'<span class="note">{escaped(note)}</span>' if note else ""
    return (
        f'<figure class="card"><img data-picture="{position}" alt="{name}" title="{name}">'
        f'<figcaption><bdi>{name}</bdi><span class="id">{number}</span>{remark}</figcaption>'
        "</figure>"
    )


def thumbnails(positions: Iterable[int], products: tuple[Product, ...]) -> str:
    """Returns small pictures in a row, without captions."""
    tags = [
        f'<img data-picture="{p}" alt="{html.escape(product_name(products[p]))}" '
        f'title="{html.escape(product_name(products[p]))}">'
        for p in positions
    ]
    return f'<span class="thumbnails">{"".join(tags)}</span>'
