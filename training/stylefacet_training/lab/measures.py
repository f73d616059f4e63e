"""Figures that several experiments take of pictures and codes; knows no experiment."""

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors


def neighbour_accuracy(
    codes: npt.NDArray[np.float32], classes: npt.NDArray[np.int64], count: int = 10
) -> float:
    """Returns the share of codes whose ``count`` nearest others, by vote, have their class."""
    near = NearestNeighbors(n_neighbors=count + 1).fit(codes).kneighbors(codes)[1][:, 1:]
    votes = np.zeros((len(codes), int(classes.max()) + 1))
    for column in near.T:
        np.add.at(votes, (np.arange(len(codes)), classes[column]), 1)
    return float((votes.argmax(axis=1) == classes).mean())


def sharpness(pixels: npt.NDArray[np.uint8]) -> float:
    """Returns the mean absolute difference of neighbouring pixels, for blur to be told by."""
    values = pixels.astype(np.float64)
    return float(np.abs(np.diff(values, axis=1)).mean() + np.abs(np.diff(values, axis=2)).mean())
