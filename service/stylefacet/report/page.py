"""Puts the sections, the map's data, style and script into one HTML file; reckons nothing.

The page's policy lets no script run but ours, known by its digest, and loads nothing from
anywhere: even a name that slipped through unescaped could do nothing.
"""

import base64
import hashlib
import importlib.resources
from typing import Any

from stylefacet.report import sections
from stylefacet.report.attributes import Source
from stylefacet.report.findings import Findings
from stylefacet.report.markup import escaped_prose, script_json
from stylefacet.report.wording import clean, counted, product_name

# Pictures make up to 12 MiB of it, the names and numbers of a few thousand products the rest.
MAX_REPORT_BYTES = 16 * 2**20
_DIGITS = 4


def write_page(findings: Findings) -> str:
    """Returns the whole report as one HTML document that needs no other file."""
    script = _part("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )
    parts = (
        ("summary", "At a glance", sections.summary(findings)),
        ("map", "The catalogue as a map", _map(findings)),
        (
            "duplicates",
            "Near duplicates: may they take sales from each other?",
            sections.duplicates(findings),
        ),
        ("coverage", "Coverage: how the catalogue spreads", sections.coverage(findings)),
        ("gaps", "Gaps: combinations that are missing", sections.gaps(findings)),
        ("crowded", "Crowded spots: much of the same", sections.crowded(findings)),
        ("outliers", "Outliers: products like no other", sections.outliers(findings)),
        ("about", "About this report", sections.about(findings)),
    )
    links = "".join(f'<a href="#{key}">{title.partition(":")[0]}</a>' for key, title, _ in parts)
    body = "".join(
        f'<section id="{key}"><h2>{escaped_prose(title)}</h2>{content}</section>'
        for key, title, content in parts
    )
    total = counted(len(findings.catalogue.products), "product")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Catalogue report: {total}</title>"
        f"<style>{_part('report.css')}</style></head><body>"
        f"<header><h1>Catalogue report</h1><nav>{links}</nav></header>"
        "<noscript><p>The map and the pictures need JavaScript, which is in this file; "
        "nothing is loaded from elsewhere.</p></noscript>"
        f"<main>{body}</main>"
        f'<script type="application/json" id="report-data">{script_json(_data(findings))}</script>'
        f"<script>{script}</script></body></html>\n"
    )


def _part(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _map(findings: Findings) -> str:
    total, mapped = len(findings.catalogue.products), len(findings.mapped)
    which = f"A random sample of {mapped:,} of " if mapped < total else "All "
    return (
        f"<p>{which}{counted(total, 'product')}, each where its looks put it. Drag to move, turn "
        "the wheel to come closer, point at a product to see which it is; click a value below the "
        "map to see only that one.</p>"
        '<div class="controls"><label>Show <select id="map-layout"></select></label>'
        '<label>Colour by <select id="map-colour"></select></label>'
        '<label>As <select id="map-style"><option value="pictures">pictures</option>'
        '<option value="dots">dots</option></select></label>'
        '<button type="button" id="map-reset">Whole map</button></div>'
        '<p id="map-hint" class="aside"></p>'
        '<div id="map-frame"><canvas id="map-canvas"></canvas><div id="map-tip" hidden></div></div>'
        '<div id="map-legend"></div>'
    )


def _data(findings: Findings) -> dict[str, Any]:
    """Returns what the script draws the map from, and every picture once."""
    products = findings.catalogue.products
    mapped = list(findings.mapped)
    return {
        "pictures": {str(position): uri for position, uri in findings.pictures.items()},
        "products": [
            {"position": p, "name": product_name(products[p]), "id": clean(products[p].product_id)}
            for p in mapped
        ],
        "layouts": [
            {
                "title": layout.title,
                "hint": layout.hint,
                "places": [[round(v, _DIGITS) for v in place] for place in layout.places.tolist()],
            }
            for layout in findings.layouts
        ],
        "colourings": [
            {
                "title": clean(attribute.title),
                "values": [clean(value) for value in attribute.values],
                "ordered": attribute.source is Source.NUMBER,
                "codes": attribute.codes[mapped].tolist(),
            }
            for attribute in findings.attributes.shown
        ],
    }
