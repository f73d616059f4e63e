"""Labelled photos: a folder's table beside its letterboxes; knows no encoder.

This is the one place of the training package that reads attribute columns.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet_training.data.image_folder import FILENAME_COLUMN, LABELS, read_image_folder
from stylefacet_training.data.pictures import PictureSet

Values = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class LabelledFolder:
    """The table of a folder of photos: a row a photo, in the table's order.

    ``values[a]`` is ``(n,)``, empty where the photo has no value of attribute ``a``.
    """

    path: Path
    names: tuple[str, ...]
    values: Mapping[str, Values]

    def __len__(self) -> int:
        return len(self.names)

    def letterboxes(
        self,
        height_px: int,
        width_px: int,
        advance: Callable[[int, int], None] = lambda done, total: None,
    ) -> npt.NDArray[np.uint8]:
        """Returns the photos ``(n, height, width, 3)`` as the service would see them.

        Raises:
            InvalidField: when a photo cannot be read: a figure over fewer photos is another.
        """
        pictures = read_image_folder(self.path, height_px, width_px, advance=advance)
        _refuse_skipped(pictures, self.path)
        return pictures.pixels


def read_labelled(folder: Path, attributes: Sequence[str]) -> LabelledFolder:
    """Returns the table of ``folder/labels.csv`` with the named attribute columns.

    Raises:
        ResourceMissing: when the folder or its table does not exist.
        InvalidField: when a column is missing, an attribute is without any value, or no photo is
            listed.
    """
    table = folder / LABELS
    if not table.is_file():
        raise ResourceMissing("file", str(table), f"it lists photos in column {FILENAME_COLUMN!r}")
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        for column in (FILENAME_COLUMN, *attributes):
            if column not in columns:
                raise InvalidField(
                    "attributes", f"{table} has no column {column!r}, only {', '.join(columns)}"
                )
        rows = [row for row in reader if row[FILENAME_COLUMN]]
    values: dict[str, Values] = {
        a: np.array([(row[a] or "").strip() for row in rows], dtype=np.str_) for a in attributes
    }
    if not rows:
        raise InvalidField("data", f"{table} lists no photo")
    for attribute, found in values.items():
        if not (found != "").any():
            raise InvalidField("attributes", f"{attribute!r} has no value at all in {table}")
    return LabelledFolder(folder, tuple(row[FILENAME_COLUMN] for row in rows), values)


def _refuse_skipped(pictures: PictureSet, folder: Path) -> None:
    if pictures.skipped:
        first = pictures.skipped[0]
        raise InvalidField(
            "data",
            f"{len(pictures.skipped)} photos in {folder} cannot be read, the first {first.name} "
            f"({first.cause}); take their rows out of {LABELS}",
        )
