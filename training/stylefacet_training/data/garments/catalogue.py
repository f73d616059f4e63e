"""A folder of rendered garments with its manifest: names, labels and factors beside the
pictures; knows nothing of how a garment is drawn."""

from __future__ import annotations

import colorsys
import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from stylefacet_training.data.factor import FactorKind
from stylefacet_training.data.garments.factors import (
    COLLARS,
    FABRICS,
    FACTORS,
    NUISANCES,
    PATTERNS,
    Garment,
    GarmentFactors,
    sample_factors,
)
from stylefacet_training.data.garments.outline import SLEEVELESS
from stylefacet_training.data.garments.render import render

JPEG_QUALITY = 92
BATCH = 32
"""Pictures drawn between two reports of progress."""

SLEEVE_NAMES: tuple[tuple[float, str], ...] = (
    (SLEEVELESS, "none"),
    (0.2, "cap"),
    (0.4, "short"),
    (0.56, "elbow"),
    (0.8, "three_quarter"),
)
"""Upper bounds of `sleeve_length`, half open; anything above is `long`."""

HUE_NAMES: tuple[tuple[float, str], ...] = (
    (0.035, "red"),
    (0.105, "orange"),
    (0.18, "yellow"),
    (0.43, "green"),
    (0.53, "turquoise"),
    (0.70, "blue"),
    (0.80, "purple"),
    (0.95, "pink"),
    (1.0, "red"),
)

_NUMBERS = tuple(
    spec.name for spec in FACTORS + NUISANCES if spec.kind is not FactorKind.CATEGORICAL
)
_LABELS = ("collar", "sleeve", "pattern", "colour", "contrast_sleeves", "fabric")
COLUMNS: tuple[str, ...] = (
    "filename",
    "product_id",
    "image",
    "category",
    "display_name",
    "style_id",
    "product_code",
    *(f"labels.{name}" for name in _LABELS),
    *(f"numbers.{name}" for name in _NUMBERS),
)
"""Columns of `labels.csv`: the manifest's, and the picture's name and style for training."""


def sleeve_name(sleeve_length: float) -> str:
    """Return the everyday name of a sleeve length in [0, 1]."""
    return next((name for bound, name in SLEEVE_NAMES if sleeve_length < bound), "long")


def colour_name(hue: float, saturation: float, value: float) -> str:
    """Return the everyday name of an HSV colour."""
    chroma = saturation * value
    if value < 0.2 and chroma < 0.12:
        return "black"
    if chroma < 0.08:
        return "white" if value > 0.82 else "light_grey" if value > 0.6 else "grey"
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    warm = 0.03 < hue < 0.17
    if warm and saturation < 0.4 and value > 0.55:
        return "beige"
    if hue < 0.14 and value < 0.62:
        return "brown"
    if 0.14 <= hue < 0.28 and value < 0.62 and saturation < 0.75:
        return "khaki"
    if 0.55 < hue < 0.74 and 0.3 * red + 0.59 * green + 0.11 * blue < 0.22:
        return "navy"
    if (hue < 0.035 or hue > 0.93) and saturation < 0.5 and value > 0.55:
        return "pink"
    return next(name for bound, name in HUE_NAMES if hue <= bound)


def category_of(garment: Garment) -> str:
    """Return what a shop would file the garment under."""
    collar, sleeve = COLLARS[garment.collar], sleeve_name(garment.sleeve_length)
    if collar == "hood":
        return "hoodie"
    if collar == "polo":
        return "polo_shirt"
    if collar == "shirt_collar":
        return "shirt"
    if sleeve == "none":
        return "vest"
    if collar == "turtle_neck" or FABRICS[garment.fabric] == "knit":
        return "sweater"
    return "t-shirt" if sleeve in ("cap", "short") else "top"


def display_name(garment: Garment) -> str:
    """Return a name a person would give, such as `Navy striped polo shirt, short sleeves`."""
    words = [colour_name(garment.hue, garment.saturation, garment.value).replace("_", " ")]
    adjective = {"stripes": "striped", "check": "checked", "dots": "dotted", "print": "printed"}
    words += [adjective[PATTERNS[garment.pattern]]] if garment.pattern else []
    collar, category = COLLARS[garment.collar], category_of(garment)
    if category in ("t-shirt", "top", "vest", "sweater"):
        neck = {"v_neck": "V-neck", "turtle_neck": "turtle-neck"}
        words.append(neck.get(collar, f"{collar}-neck"))
    words.append(category.replace("_", " "))
    sleeve = sleeve_name(garment.sleeve_length).replace("_", "-")
    tail = "sleeveless" if sleeve == "none" else f"{sleeve} sleeves"
    name = " ".join(words)
    return f"{name[0].upper()}{name[1:]}, {tail}"


def style_factors(
    count: int, colourways: int, rng: np.random.Generator, *, prints: bool = False
) -> GarmentFactors:
    """Return `count` garments in which each run of `colourways` is one style in other colours.

    Members of a style share every factor but hue, saturation, value and pattern hue; how they
    were photographed (shift, light, folds) is drawn anew for each. With `prints` a style comes in
    other patterns, fabrics and trims too, so that its members share nothing but their cut.
    """
    each = sample_factors(count, rng)
    if colourways == 1:
        return each
    leader = np.arange(count) // colourways * colourways
    own = {"hue", "saturation", "value", "pattern_hue", "pattern_saturation"}
    cut = {"pattern_seed", "fabric", "hem", "contrast_trim", "pocket"}
    cut |= {"sleeve_width", "armhole_depth"}
    if prints:
        own |= {"pattern", "pattern_scale", "pattern_seed", "contrast_sleeves"}
        own |= {"fabric", "contrast_trim", "pocket"}
    shared = ({spec.name for spec in FACTORS} | cut) - own
    return replace(each, **{name: getattr(each, name)[leader] for name in shared})


def manifest_row(garment: Garment, number: int, style: int) -> dict[str, str]:
    """Return one row of `labels.csv`, column by column."""
    product_id = f"g{number:06d}"
    labels = {
        "collar": COLLARS[garment.collar],
        "sleeve": sleeve_name(garment.sleeve_length),
        "pattern": PATTERNS[garment.pattern],
        "colour": colour_name(garment.hue, garment.saturation, garment.value),
        "contrast_sleeves": ("no", "yes")[garment.contrast_sleeves],
        "fabric": FABRICS[garment.fabric],
    }
    row = {
        "filename": f"{product_id}.jpg",
        "product_id": product_id,
        "image": f"images/{product_id}.jpg",
        "category": category_of(garment),
        "display_name": display_name(garment),
        "style_id": f"s{style:06d}",
        "product_code": f"s{style:06d}",
    }
    row |= {f"labels.{name}": value for name, value in labels.items()}
    # repr keeps every digit: the factors can be read back and drawn again.
    row |= {f"numbers.{name}": repr(getattr(garment, name)) for name in _NUMBERS}
    return row


def _pictures(factors: GarmentFactors) -> Iterator[Image.Image]:
    for start in range(0, len(factors), BATCH):
        for picture in render(factors.take(slice(start, start + BATCH))):
            yield Image.fromarray(picture)


def write_garments(
    out: Path,
    count: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
    colourways: int = 1,
) -> Path:
    """Write `count` garments as `out/images/*.jpg` and return the path of `out/labels.csv`.

    `progress` is called with the number of pictures written since its last call. The same seed
    gives the same garments whatever else was drawn before.

    Raises:
        ValueError: if `count` or `colourways` is less than 1.
    """
    if count < 1 or colourways < 1:
        raise ValueError(f"count and colourways must be at least 1: {count}, {colourways}")
    factors = style_factors(count, colourways, np.random.default_rng(seed))
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    manifest = out / "labels.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for index, picture in enumerate(_pictures(factors)):
            row = manifest_row(factors.record(index), index + 1, index // colourways + 1)
            picture.save(images / row["filename"], quality=JPEG_QUALITY)
            writer.writerow(row)
            if progress is not None:
                progress(1)
    return manifest
