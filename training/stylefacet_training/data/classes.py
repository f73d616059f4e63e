"""Reads the classes of a run's pictures, for what is told them; the pictures never hold them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet_training.data import idx
from stylefacet_training.data.image_folder import FILENAME_COLUMN, LABELS
from stylefacet_training.data.pictures import PictureSet


def read_classes(
    sources: Sequence[str], pictures: PictureSet, column: str | None = None
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Returns the class of every picture, ``(n,)`` from 0, and the classes' names.

    idx files bring their classes; those of one folder of photos stand in ``column`` of its
    ``labels.csv``. ``pictures`` are what ``read_pictures`` made of the same sources.

    Raises:
        InvalidField: when the sources have no classes.
        ResourceMissing: when a file is not there.
    """
    if len(sources) == 1 and sources[0].startswith(idx.PREFIX):
        found = idx.read_idx_classes(idx.IdxSource.parse(sources[0]))
        return found, tuple(str(number) for number in range(int(found.max()) + 1))
    if len(sources) != 1 or column is None:
        raise InvalidField("classes-column", "name the column of labels.csv that holds classes")
    values = _column(Path(sources[0]), column)
    names = tuple(sorted({values[name] for name in pictures.names}))
    number = {name: i for i, name in enumerate(names)}
    return np.array([number[values[name]] for name in pictures.names], np.int64), names


def _column(folder: Path, column: str) -> dict[str, str]:
    labels = folder / LABELS
    if not labels.is_file():
        raise ResourceMissing("file", str(labels))
    with labels.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if column not in (reader.fieldnames or ()):
            raise InvalidField("classes-column", f"{labels} has no column {column!r}")
        return {row[FILENAME_COLUMN]: row[column] for row in reader}
