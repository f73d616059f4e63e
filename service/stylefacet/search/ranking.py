"""Measures candidates in float64 and ranks products by them; knows nothing of FAISS."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]

# From here on candidates are first thinned out by BLAS, which is fast but whose last digits
# depend on where in the block a row lies; equal vectors must come out equal.
_THIN_FROM = 4096
_CHUNK = 65_536


class Metric:
    """The distance under given weights: ``d2 = sum_f w_f |M_f (q - x)|^2``, weights summing to 1.

    Differences are taken before the map, in float64, so near duplicates far from the origin keep
    their digits.
    """

    def __init__(self, matrices: Mapping[str, F32], weights: Mapping[str, float]) -> None:
        self.names = list(weights)
        self._weights = np.array([weights[name] for name in self.names])
        parts = [matrices[name].astype(np.float64) for name in self.names]
        self._matrix = np.vstack(parts)
        self._starts = np.cumsum([0] + [len(part) for part in parts[:-1]])
        self._column_weights = np.repeat(self._weights, [len(part) for part in parts])

    def squares(self, query: F32, means: F32) -> F64:
        """Returns the squared distance in each feature, ``(n, feature_count)``."""
        difference = means.astype(np.float64) - query
        coordinates = np.einsum("nd,kd->nk", difference, self._matrix)
        return np.asarray(np.add.reduceat(np.square(coordinates), self._starts, axis=1))

    def distances(self, query: F32, means: F32) -> F64:
        """Returns ``d2`` of each vector, ``(n,)``; equal vectors have equal distances."""
        return np.asarray(self.contributions(self.squares(query, means)).sum(axis=1))

    def contributions(self, squares: F64) -> F64:
        """Returns what each feature adds to ``d2``."""
        return np.asarray(squares * self._weights)

    def rough_distances(self, query: F32, means: F32) -> tuple[F64, float]:
        """Returns ``d2`` of each vector within a margin, and the margin."""
        rough = np.empty(len(means))
        longest = 0.0
        for start in range(0, len(means), _CHUNK):
            difference = means[start : start + _CHUNK].astype(np.float64) - query
            coordinates = difference @ self._matrix.T
            rough[start : start + _CHUNK] = np.square(coordinates) @ self._column_weights
            longest = max(longest, float(np.square(difference).sum(axis=1).max()))
        size = float(self._column_weights @ np.square(self._matrix).sum(axis=1))
        return rough, 1e-12 * size * longest


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best row of each of the best groups, nearest first.

    ``rows`` are row numbers, ``query_numbers`` say which query vector was nearest.
    """

    rows: Keys
    query_numbers: Keys
    distances: F64


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
    if len(rows) > _THIN_FROM:
        rows = _thin_out(metric, queries, means, rows, keys, limit)
    candidates = means[rows]
    table = np.stack([metric.distances(query, candidates) for query in queries])
    order = _best(table.min(axis=0), rows, keys, limit)
    return Ranking(rows[order], table.argmin(axis=0)[order], table.min(axis=0)[order])


def _thin_out(
    metric: Metric,
    queries: F32,
    means: F32,
    rows: Keys,
    keys: tuple[Keys, Keys, Keys],
    limit: int,
) -> Keys:
    candidates = means[rows]
    rough = [metric.rough_distances(query, candidates) for query in queries]
    nearest = np.minimum.reduce([distances for distances, _ in rough])
    best = _best(nearest, rows, keys, limit)
    if len(best) < limit:
        return rows
    margin = 2 * max(margin for _, margin in rough)
    return np.asarray(rows[nearest <= nearest[best[-1]] + margin])


def _best(distances: F64, rows: Keys, keys: tuple[Keys, Keys, Keys], limit: int) -> Keys:
    groups, products, images = keys
    order = np.lexsort((images[rows], products[rows], distances))
    _, first = np.unique(groups[rows[order]], return_index=True)
    return np.asarray(order[np.sort(first)[:limit]], np.int64)
