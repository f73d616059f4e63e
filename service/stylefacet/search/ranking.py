"""Measures candidates in float64 and ranks products by them; knows nothing of FAISS."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from stylefacet.search.scans import UNDERFLOW, gamma

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]

# From here on candidates are first thinned out in float32 by BLAS, which is fast but whose last
# digits depend on where in the block a row lies; equal vectors must come out equal.
_THIN_FROM = 512
# Rows thinned out at a time: they stay in a core's cache.
_CHUNK = 4096
# Rows looked at beyond the limit, so that crowded groups mostly leave enough others.
_SPARE_ROWS = 64


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
        difference = means.astype(np.float64) - query
        coordinates = np.einsum("nd,kd->nk", difference, self._matrix)
        return np.asarray(np.add.reduceat(np.square(coordinates), self._starts, axis=1))

    def distances(self, query: F32, means: F32) -> F64:
        """Returns ``d2`` of each vector, ``(n,)``; equal vectors have equal distances."""
        return np.asarray(self.contributions(self.squares(query, means)).sum(axis=1))

    def contributions(self, squares: F64) -> F64:
        """Returns what each feature adds to ``d2``."""
        return np.asarray(squares * self._weights)

    def rough_distances(self, query: F32, means: F32, rows: Keys) -> tuple[F32, float]:
        """Returns ``d2`` of some rows, and by how much any may be off: infinite on overflow.

        The bound is that of :mod:`stylefacet.search.scans`, for a difference, a product and a sum.
        """
        row_weights = np.repeat(self._weights, self._sizes)
        weighted = self._matrix * np.sqrt(row_weights)[:, None]
        narrow = weighted.T.astype(np.float32)
        rough = np.empty(len(rows), np.float32)
        longest2 = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(rows), _CHUNK):
                difference = means.take(rows[start : start + _CHUNK], axis=0)
                difference -= query
                coordinates = difference @ narrow
                np.einsum("nk,nk->n", coordinates, coordinates, out=rough[start : start + _CHUNK])
                lengths2 = np.einsum("nd,nd->n", difference, difference)
                longest2 = max(longest2, float(lengths2.max()))
            size = float(np.square(weighted).sum())
            bound = 4 * gamma(sum(weighted.shape)) * (1 + size) * (longest2 + UNDERFLOW)
        return rough, bound if np.isfinite(rough).all() else np.inf


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
    if len(rows) > _THIN_FROM:
        rows = _thin_out(metric, queries, means, rows, keys, limit)
    candidates = means[rows]
    squares = np.stack([metric.squares(query, candidates) for query in queries])
    table = metric.contributions(squares).sum(axis=2)  # (m, n)
    nearest = table.min(axis=0)
    order = _best(nearest, rows, keys, limit)
    numbers = table[:, order].argmin(axis=0)
    return Ranking(rows[order], numbers, nearest[order], squares[numbers, order])


def _thin_out(
    metric: Metric,
    queries: F32,
    means: F32,
    rows: Keys,
    keys: tuple[Keys, Keys, Keys],
    limit: int,
) -> Keys:
    """Returns the rows that may be among the best, and few others."""
    rough = [metric.rough_distances(query, means, rows) for query in queries]
    margin = 2 * max(bound for _, bound in rough)
    if not np.isfinite(margin):
        return rows
    nearest = np.minimum.reduce([distances for distances, _ in rough])
    count = limit + _SPARE_ROWS
    while count < len(rows):
        edge = np.partition(nearest, count - 1)[count - 1]
        near = np.flatnonzero(nearest <= edge)
        best = _best(nearest[near], rows[near], keys, limit)
        if len(best) == limit:
            return np.asarray(rows[nearest <= nearest[near[best[-1]]] + margin])
        count *= 4
    return rows


def _best(distances: F64 | F32, rows: Keys, keys: tuple[Keys, Keys, Keys], limit: int) -> Keys:
    """Returns where among the rows those are that are the best of the ``limit`` best groups."""
    groups, products, images = keys
    order = np.lexsort((images[rows], products[rows], distances))
    best: dict[int, int] = {}
    for place, group in zip(order.tolist(), groups[rows[order]].tolist(), strict=True):
        best.setdefault(group, place)
        if len(best) == limit:
            break
    return np.fromiter(best.values(), np.int64, len(best))
