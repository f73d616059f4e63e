"""Renders the catalogue that `stylefacet demo` imports and packs it; run by `poe demo-catalogue`.

The same seed gives the same archive, byte for byte, on one version of NumPy and Pillow.
"""

import argparse
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylefacet_training.data.garments import render, sample_factors
from stylefacet_training.data.garments.catalogue import manifest_row

COUNT = 320
# Out of the way of the seeds that people train with: the demo's garments are new to an encoder.
SEED = 730_001
# 1.8 MB for 320 pictures, against 2.9 MB at 92.
JPEG_QUALITY = 80
# Factors a shop could know; how a picture was lit is no fact about a product.
NUMBERS = ("sleeve_length", "body_length", "body_width", "flare")
_BATCH = 32
_COLUMNS = ("product_id", "image", "category", "display_name", "style_id")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_demo_catalogue(out: Path, count: int = COUNT, seed: int = SEED) -> None:
    """Writes `labels.csv` and `images/` of rendered garments to the archive `out`."""
    factors = sample_factors(count, np.random.default_rng(seed))
    rows = [
        _shop_row(manifest_row(factors.record(i), number=i + 1, style=i + 1)) for i in range(count)
    ]
    pictures = (
        picture
        for start in range(0, count, _BATCH)
        for picture in render(factors.take(slice(start, start + _BATCH)))
    )
    with zipfile.ZipFile(out, "w") as archive:
        _add(archive, "labels.csv", _csv(rows), zipfile.ZIP_DEFLATED)
        for row, picture in zip(rows, _jpegs(pictures), strict=True):
            _add(archive, row["image"], picture, zipfile.ZIP_STORED)


def _shop_row(row: dict[str, str]) -> dict[str, str]:
    numbers = {f"numbers.{name}": f"{float(row[f'numbers.{name}']):.3f}" for name in NUMBERS}
    labels = {name: value for name, value in row.items() if name.startswith("labels.")}
    return {name: row[name] for name in _COLUMNS} | labels | numbers


def _csv(rows: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _jpegs(pictures: Iterator[npt.NDArray[np.uint8]]) -> Iterator[bytes]:
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
        yield buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, compression: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    pack_demo_catalogue(arguments.out, arguments.count, arguments.seed)
