"""Photos as encoded bytes from wherever they lie: folders, tables, idx files; knows no encoder."""

import csv
import gzip
import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet.imaging import encode_png
from stylefacet_training.data.image_folder import FILENAME_COLUMN, LABELS, SUFFIXES

FORM = "PATH, or PATH:COLUMN=VALUE+VALUE for some rows of its labels.csv"
IDX_SUFFIXES = ("idx3-ubyte", "idx3-ubyte.gz")
# The magic number of an idx file of unsigned bytes in three dimensions.
_IDX_MAGIC = 0x0803


@dataclass(frozen=True, slots=True)
class PhotoSample:
    """Some photos of one set, encoded as they are stored or as PNG; ``available`` in all."""

    name: str
    contents: Sequence[bytes]
    available: int


def read_sample(where: str, limit: int, seed: int) -> PhotoSample:
    """Returns at most ``limit`` photos, drawn by the seed, in stored order.

    ``where`` is a folder of photos, with or without ``labels.csv``, an idx file or a folder of
    idx files (the first by name is taken). ``PATH:COLUMN=VALUE+VALUE`` takes the rows of
    ``labels.csv`` with one of the values.

    Raises:
        ResourceMissing: when there is nothing of that name.
        InvalidField: when it holds no photo, or the condition names no column or value.
    """
    text, _, condition = where.partition(":")
    path = Path(text)
    if not path.exists():
        raise ResourceMissing("file", text)
    name = path.name + (f":{condition}" if condition else "")
    idx = _idx_file(path)
    if idx is not None and not condition:
        pictures = _read_idx(idx)
        rows = _draw(len(pictures), limit, seed)
        return PhotoSample(name, [_grey_png(pictures[i]) for i in rows], len(pictures))
    files = _listed(path, condition) if (path / LABELS).is_file() or condition else _found(path)
    if not files:
        raise InvalidField("others", f"{where} holds no photo; name {FORM}")
    rows = _draw(len(files), limit, seed)
    return PhotoSample(name, [files[i].read_bytes() for i in rows], len(files))


def noise_sample(count: int, height_px: int, width_px: int, seed: int) -> PhotoSample:
    """Returns pictures of independent uniform noise; at an encoder's size it is not smoothed."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, size=(count, height_px, width_px, 3), dtype=np.uint8)
    return PhotoSample("noise", [encode_png(picture) for picture in pictures], count)


def _draw(available: int, limit: int, seed: int) -> Sequence[int]:
    drawn = np.random.default_rng(seed).permutation(available)[:limit]
    return [int(i) for i in np.sort(drawn)]


def _found(path: Path) -> Sequence[Path]:
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)


def _listed(path: Path, condition: str) -> Sequence[Path]:
    column, equals, wanted = condition.partition("=")
    values = set(wanted.split("+"))
    table = path / LABELS
    if not table.is_file():
        raise ResourceMissing("file", str(table), f"{condition!r} asks for a column of it")
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        missing = {FILENAME_COLUMN, *([column] if condition else [])} - set(columns)
        if missing or (condition and not equals):
            raise InvalidField(
                "others", f"{condition!r} is no COLUMN=VALUE of {table}: {', '.join(columns)}"
            )
        rows = [row for row in reader if not condition or row[column] in values]
    root = path / "images" if (path / "images").is_dir() else path
    return [root / row[FILENAME_COLUMN] for row in rows if row[FILENAME_COLUMN]]


def _idx_file(path: Path) -> Path | None:
    if path.is_file():
        return path
    return next((f for f in sorted(path.iterdir()) if f.name.endswith(IDX_SUFFIXES)), None)


def _read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Returns the grey pictures ``(n, h, w)`` of an idx file, gzipped or plain."""
    content = path.read_bytes()
    try:
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        magic, *shape = struct.unpack(">4I", content[:16])
        if magic != _IDX_MAGIC:
            raise ValueError(f"its magic number is {magic:#x}")
        return np.frombuffer(content, np.uint8, offset=16).reshape(shape)
    except (OSError, EOFError, struct.error, ValueError) as error:
        raise InvalidField("others", f"{path} is no idx file of pictures ({error})") from error


def _grey_png(picture: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
