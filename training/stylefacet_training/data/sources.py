"""Reads what --data names, a folder of photos or rendered garments; knows no model."""

from collections.abc import Callable
from pathlib import Path

from stylefacet.errors import InvalidField
from stylefacet_training.data import rendered
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
    """Returns the pictures of a folder, or of ``garments:COUNT[,seed=S][,colourways=K]``.

    Raises:
        InvalidField: when the source is malformed or holds no usable photo.
        ResourceMissing: when the folder does not exist.
    """
    if not source:
        raise InvalidField("data", f"name a folder of photos, or {rendered.FORM}")
    if not source.startswith(rendered.PREFIX):
        return read_image_folder(
            Path(source), height_px, width_px, pairs_column=pairs_column, advance=advance
        )
    if pairs_column is not None:
        raise InvalidField("pairs-column", "has no table to be in; say colourways=K in --data")
    wanted = rendered.RenderedSource.parse(source)
    return rendered.render_pictures(wanted, height_px, width_px, advance)
