"""Reads what --data names, folders of photos and what is made or packed; knows no model."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from stylefacet.errors import InvalidField
from stylefacet_training.data import chosen, circles, idx, rendered
from stylefacet_training.data.image_folder import columns_of, read_image_folder
from stylefacet_training.data.pictures import PictureSet

Advance = Callable[[int, int], None]

_PREFIXES = (rendered.PREFIX, circles.PREFIX, idx.PREFIX, chosen.PREFIX)


def read_pictures(
    sources: Sequence[str],
    height_px: int,
    width_px: int,
    *,
    pairs_column: str | None = None,
    advance: Advance = lambda done, total: None,
) -> PictureSet:
    """Returns the pictures of folders and of named sources, in order.

    Named are rendered garments (``garments:COUNT...``), circles (``circles:SET...``) and idx files
    (``idx:FOLDER...``), photos of one value of a column (``chosen:FOLDER...``).

    ``pairs_column`` must be in the ``labels.csv`` of one folder at least; every picture of the
    other folders is a group of its own. Rendered garments know their pairs.

    Raises:
        InvalidField: when a source is malformed or holds no usable photo, or no folder has the
            column.
        ResourceMissing: when a folder does not exist.
    """
    if not any(sources):
        raise InvalidField("data", f"name a folder of photos, or {rendered.FORM}")
    folders = [source for source in sources if not source.startswith(_PREFIXES)]
    if pairs_column is not None and not folders:
        raise InvalidField("pairs-column", "has no table to be in; say colourways=K in --data")
    paired = [folder for folder in folders if pairs_column in columns_of(Path(folder))]
    parts = []
    for source in sources:
        if source not in folders:
            parts.append(_named(source, height_px, width_px, advance))
            continue
        # Where no folder has the column, the first one says so.
        column = pairs_column if source in paired or not paired else None
        folder = Path(source)
        parts.append(
            read_image_folder(folder, height_px, width_px, pairs_column=column, advance=advance)
        )
    return parts[0] if len(parts) == 1 else _joined(parts)


def _named(source: str, height_px: int, width_px: int, advance: Advance) -> PictureSet:
    if source.startswith(circles.PREFIX):
        return circles.draw_circles(circles.CircleSource.parse(source), height_px, width_px)
    if source.startswith(idx.PREFIX):
        return idx.read_idx_pictures(idx.IdxSource.parse(source), height_px, width_px)
    if source.startswith(chosen.PREFIX):
        return chosen.read_chosen(chosen.ChosenSource.parse(source), height_px, width_px)
    asked = rendered.RenderedSource.parse(source)
    return rendered.render_pictures(asked, height_px, width_px, advance)


def _joined(parts: Sequence[PictureSet]) -> PictureSet:
    """Returns the pictures of several sets as one; groups of different sets stay apart."""
    if len({part.pixels.shape[3] for part in parts}) > 1:
        raise InvalidField("data", "grey and coloured pictures do not go together")
    return PictureSet(
        title=" and ".join(f"{len(part)} of {part.title}" for part in parts),
        pixels=np.concatenate([part.pixels for part in parts]),
        names=tuple(f"{i}: {name}" for i, part in enumerate(parts) for name in part.names),
        groups=tuple(f"{i}: {group}" for i, part in enumerate(parts) for group in part.groups),
        skipped=tuple(skipped for part in parts for skipped in part.skipped),
    )
