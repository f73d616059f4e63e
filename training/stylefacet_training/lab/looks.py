"""What product photos show, measured and read from their labels, to name latents by; no model.

The thesis names latents of tops by eye. Here height, width and darkness of the garment are
measured in the photo, and sleeve, neck, pattern and colour are those of the shop's table.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField
from stylefacet_training.data.image_folder import FILENAME_COLUMN, LABELS, columns_of
from stylefacet_training.lab.meanings import ACTIVE_VARIANCE, correlations

# Difference from the background, of 255, from which a pixel is the garment's.
GARMENT_STEP = 24
# Share of a row or column that the garment must fill to count as its extent.
FILLED_SHARE = 0.05
# Columns of the table, and what the thesis calls them.
LABELLED: Mapping[str, str] = {
    "sleeve_length": "sleeve",
    "neck": "neck",
    "pattern": "print",
    "colour_master": "colour",
}
MEASURED = ("height", "width", "darkness")


def measured(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Returns height, width and darkness of each photo's garment, ``(n, 3)`` in 0..1."""
    values = pixels.astype(np.float64)
    border = np.concatenate([values[:, 0], values[:, -1]], axis=1)
    background = np.median(border, axis=1)[:, None, None]
    garment = np.abs(values - background).max(axis=3) > GARMENT_STEP  # (n, h, w)
    height = (garment.mean(axis=2) > FILLED_SHARE).mean(axis=1)
    width = (garment.mean(axis=1) > FILLED_SHARE).mean(axis=1)
    count = np.maximum(garment.sum(axis=(1, 2)), 1)
    light = (values.mean(axis=3) * garment).sum(axis=(1, 2)) / count / 255.0
    return np.stack([height, width, np.where(garment.any(axis=(1, 2)), 1.0 - light, 0.0)], 1)


def labels_of(folder: Path, names: Sequence[str]) -> Mapping[str, npt.NDArray[np.str_]]:
    """Returns the labels of photos by the thesis' word, ``(n,)``; empty where there is none.

    Raises:
        InvalidField: when the folder has no table with the columns.
    """
    missing = set(LABELLED) - set(columns_of(folder))
    if missing:
        raise InvalidField("data", f"{folder / LABELS} has no column {min(missing)!r}")
    with (folder / LABELS).open(newline="", encoding="utf-8-sig") as file:
        rows = {row[FILENAME_COLUMN]: row for row in csv.DictReader(file)}
    return {
        word: np.array([rows[name][column] for name in names]) for column, word in LABELLED.items()
    }


def association(
    mean: npt.NDArray[np.float32],
    pixels: npt.NDArray[np.uint8],
    labels: Mapping[str, npt.NDArray[np.str_]],
) -> tuple[npt.NDArray[np.float64], Sequence[str]]:
    """Returns how strongly each latent goes with each look, ``(d, f)`` in 0..1, and their names.

    |Spearman's correlation| with what is measured, the correlation ratio with labels.
    """
    columns = [correlations(mean, measured(pixels))]
    columns += [correlation_ratio(mean, values)[:, None] for values in labels.values()]
    return np.concatenate(columns, axis=1), (*MEASURED, *labels)


def correlation_ratio(
    mean: npt.NDArray[np.float32], values: npt.NDArray[np.str_]
) -> npt.NDArray[np.float64]:
    """Returns the square root of the share of each latent's variance that labels explain, ``(d,)``.

    Photos without a label take no part; a latent that does not vary has 0.
    """
    known = values != ""
    codes, names = mean[known].astype(np.float64), values[known]
    spread = np.square(codes - codes.mean(axis=0)).sum(axis=0)
    between = np.zeros(codes.shape[1])
    for name in np.unique(names):
        mine = codes[names == name]
        between += len(mine) * np.square(mine.mean(axis=0) - codes.mean(axis=0))
    share = np.where(spread > 0, between / np.where(spread > 0, spread, 1.0), 0.0)
    return np.asarray(np.where(mean.var(axis=0) > ACTIVE_VARIANCE, np.sqrt(share), 0.0))
