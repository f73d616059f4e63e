"""Reads a folder of product photos as letterboxes; reads file names and pairs, never attributes."""

import csv
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylefacet.errors import ImageTooLarge, ImageUndecodable, InvalidField, ResourceMissing
from stylefacet.imaging import read_letterbox
from stylefacet_training.data.pictures import PictureSet, SkippedPicture

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
LABELS = "labels.csv"
FILENAME_COLUMN = "filename"


def read_image_folder(
    folder: Path,
    height_px: int,
    width_px: int,
    *,
    pairs_column: str | None = None,
    where: tuple[str, str] | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> PictureSet:
    """Returns the photos of a folder as letterboxes of one size.

    A folder with ``labels.csv`` is read in its order, from ``images/`` beside it where that
    exists; of the table only ``filename`` and ``pairs_column`` are looked at, and the column of
    ``where``, a column and a value, which leaves only the photos of that value. Any other folder
    is searched with all folders under it. A picture that cannot be read is left out and listed in
    ``skipped``. ``advance(done, total)`` is called after every picture.

    Raises:
        ResourceMissing: when ``folder`` is no folder.
        InvalidField: when no photo is found or none can be read, or a column is missing.
    """
    if not folder.is_dir():
        raise ResourceMissing("folder", str(folder))
    labels = folder / LABELS
    if labels.is_file():
        root = folder / "images" if (folder / "images").is_dir() else folder
        names, groups = _read_names(labels, pairs_column, where)
    else:
        if pairs_column is not None or where is not None:
            raise InvalidField(
                "pairs-column" if pairs_column else "data", f"needs {LABELS} in {folder}"
            )
        root = folder
        names = _find_names(folder)
        groups = names
    if not names and where:
        raise InvalidField("data", f"{folder} has no photo of {where[0]} {where[1]!r}")
    if not names:
        raise InvalidField(
            "data", f"{folder} holds no photo; photos end in {', '.join(sorted(SUFFIXES))}"
        )
    pixels = np.empty((len(names), height_px, width_px, 3), dtype=np.uint8)
    skipped: list[SkippedPicture] = []
    kept: list[int] = []
    for i, cause in enumerate(_decode(root, names, pixels)):
        if cause is None:
            kept.append(i)
        else:
            skipped.append(SkippedPicture(names[i], cause))
        advance(i + 1, len(names))
    if not kept:
        raise InvalidField(
            "data", f"none of the {len(names)} photos in {folder} can be read: {skipped[0].cause}"
        )
    return PictureSet(
        title=folder.resolve().name,
        pixels=pixels if not skipped else pixels[kept],
        names=tuple(names[i] for i in kept),
        groups=tuple(groups[i] for i in kept),
        skipped=tuple(skipped),
    )


def columns_of(folder: Path) -> tuple[str, ...]:
    """Returns the columns of a folder's ``labels.csv``; none where there is no such file."""
    labels = folder / LABELS
    if not labels.is_file():
        return ()
    with labels.open(newline="", encoding="utf-8-sig") as file:
        return tuple(csv.DictReader(file).fieldnames or ())


def _decode(
    root: Path, names: Iterable[str], pixels: npt.NDArray[np.uint8]
) -> Iterable[str | None]:
    """Fills ``pixels`` a row a name and yields, in order, why a row stayed empty, or None."""
    height_px, width_px = pixels.shape[1:3]

    def decode(i: int, name: str) -> str | None:
        try:
            content = (root / name).read_bytes()
            pixels[i] = read_letterbox(content, height_px, width_px).pixels
        except (ImageUndecodable, ImageTooLarge) as error:
            return error.message
        except OSError as error:
            return f"the file cannot be read ({error.strerror})"
        return None

    # Threads, not processes: Pillow decodes without the interpreter lock.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda row: decode(*row), enumerate(names))


def _find_names(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(str(path.relative_to(folder)) for path in found if not path.name.startswith("."))


def _read_names(
    labels: Path, pairs_column: str | None, where: tuple[str, str] | None
) -> tuple[list[str], list[str]]:
    """Returns file names and group names, a row each, in the table's order."""
    with labels.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        needed = [("data", FILENAME_COLUMN), ("pairs-column", pairs_column)]
        for flag, column in [*needed, ("data", where and where[0])]:
            if column is not None and column not in columns:
                raise InvalidField(
                    flag, f"{labels} has no column {column!r}, only {', '.join(columns)}"
                )
        rows = [
            (row[FILENAME_COLUMN], (pairs_column and row[pairs_column]) or row[FILENAME_COLUMN])
            for row in reader
            if row[FILENAME_COLUMN] and (where is None or row[where[0]] == where[1])
        ]
    return [name for name, _ in rows], [group for _, group in rows]
