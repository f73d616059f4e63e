"""Reads what --data names; knows no model."""

from collections.abc import Callable
from pathlib import Path

from stylefacet.errors import InvalidField
from stylefacet_training.data.image_folder import read_image_folder
from stylefacet_training.data.pictures import PictureSet


def read_pictures(
    source: str,
    height_px: int,
    width_px: int,
    *,
    pairs_column: str | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> PictureSet:
    """Returns the pictures of a folder.

    Raises:
        InvalidField: when the source holds no usable photo.
        ResourceMissing: when the folder does not exist.
    """
    if not source:
        raise InvalidField("data", "name a folder of photos")
    return read_image_folder(
        Path(source), height_px, width_px, pairs_column=pairs_column, advance=advance
    )
