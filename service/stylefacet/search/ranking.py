"""Measures candidates in float64 and ranks products by them; knows nothing of FAISS."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]

# Rows measured at a time, which bounds the memory that differences in float64 take.
_CHUNK = 65_536


class Metric:
    """The distance under given weights: ``d2 = sum_f w_f |M_f (q - x)|^2``, weights summing to 1.

    Differences are taken before the map, in float64, so near duplicates far from the origin keep
    their digits.
    """

    def __init__(self, matrices: Mapping[str, F32 | F64], weights: Mapping[str, float]) -> None:
        self.names = list(weights)
        self._weights = np.array([weights[name] for name in self.names])
        parts = [np.asarray(matrices[name], np.float64) for name in self.names]
        self._matrix = parts[0] if len(parts) == 1 else np.vstack(parts)
        self._sizes = [len(part) for part in parts]
        self._starts = [0, *accumulate(self._sizes[:-1])]

    def squares(self, query: F32, means: F32) -> F64:
        """Returns the squared distance in each feature, ``(n, feature_count)``."""
        squares = np.empty((len(means), len(self.names)))
        for start in range(0, len(means), _CHUNK):
            difference = np.subtract(means[start : start + _CHUNK], query, dtype=np.float64)
            coordinates = np.einsum("nd,kd->nk", difference, self._matrix)
            here = squares[start : start + _CHUNK]
            np.add.reduceat(np.square(coordinates), self._starts, axis=1, out=here)
        return squares

    def distances(self, query: F32, means: F32) -> F64:
        """Returns ``d2`` of each vector, ``(n,)``; equal vectors have equal distances."""
        return np.asarray(self.contributions(self.squares(query, means)).sum(axis=1))

    def contributions(self, squares: F64) -> F64:
        """Returns what each feature adds to ``d2``."""
        return np.asarray(squares * self._weights)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best row of each of the best groups, nearest first.

    ``rows`` are row numbers, ``query_numbers`` say which query vector was nearest; ``squares`` are
    the squared distances in each feature, ``(n, feature_count)``.
    """

    rows: Keys
    query_numbers: Keys
    distances: F64
    squares: F64


def rank(
    metric: Metric,
    queries: F32,
    means: F32,
    rows: Keys,
    keys: tuple[Keys, Keys, Keys],
    limit: int,
) -> Ranking:
    """Returns the ``limit`` best groups among candidate rows, each by its best row.

    ``keys`` are group, product and image key of every row of the index. Equal distances are
    ordered by product key, then image key.
    """
    candidates = means[rows]
    squares = np.stack([metric.squares(query, candidates) for query in queries])
    table = metric.contributions(squares).sum(axis=2)  # (m, n)
    nearest = table.min(axis=0)
    order = _best(nearest, rows, keys, limit)
    numbers = table[:, order].argmin(axis=0)
    return Ranking(rows[order], numbers, nearest[order], squares[numbers, order])


def _best(distances: F64, rows: Keys, keys: tuple[Keys, Keys, Keys], limit: int) -> Keys:
    """Returns where among the rows those are that are the best of the ``limit`` best groups."""
    groups, products, images = keys
    order = np.lexsort((images[rows], products[rows], distances))
    best: dict[int, int] = {}
    for place, group in zip(order.tolist(), groups[rows[order]].tolist(), strict=True):
        best.setdefault(group, place)
        if len(best) == limit:
            break
    return np.fromiter(best.values(), np.int64, len(best))
