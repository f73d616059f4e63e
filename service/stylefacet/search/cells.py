"""One narrow feature in FAISS cells, searched with an exact stopping bound; knows no products.

An inverted file keeps a feature's rows by the cell whose centre is nearest. A row of cell ``j`` is
nearer to its centre ``c_j`` than to ``c_0``, the centre nearest to the query ``q``, so it lies on
the far side of the plane half-way between the two, and no nearer to ``q`` than
``(|q - c_j|^2 - |q - c_0|^2) / (2 |c_j - c_0|)``. Cells beyond the distance wanted are not visited.
"""

import math
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np

from stylefacet.search.rows import Keys
from stylefacet.search.scans import F32, F64, UNDERFLOW, FullScan, gamma, to_float32
from stylefacet.search.selection import Selection

# With fewer rows a plain pass is as fast; in more dimensions too many cells touch any ball.
MIN_ROW_COUNT = 40_000
MAX_WIDTH = 8
# Of more queries a plain pass for all of them takes less time and memory.
MAX_QUERY_COUNT = 8
# More cells would cost more time to fill than they save a search.
_MAX_CELL_COUNT = 1024
# Enough for cells to cut the space up: they need not be the best. FAISS assigns more than 32,768
# rows together, 20 times as fast as fewer.
_TRAINING_ROW_COUNT = 40_000
_TRAINING_PASSES = 4
# Visited at first: mostly all that is needed.
_FIRST_CELLS = 6
_FIRST_ROWS_PER_HIT = 8
# Beyond this share of rows a plain pass is faster.
_MAX_VISITED_SHARE = 0.25

# The Python wrapper takes arguments that SWIG's signature hides.
_Parameters: Any = faiss.SearchParametersIVF


class FeatureCells:
    """A feature's coordinates of all rows, grouped by nearness. Not thread-safe to change."""

    def __init__(self, coordinates: F32) -> None:
        """Takes the rows ``(n, k)``, finite; rows are numbered from 0."""
        row_count, width = coordinates.shape
        cell_count = min(int(row_count**0.5), _MAX_CELL_COUNT)
        self._index = faiss.IndexIVFFlat(faiss.IndexFlatL2(width), width, cell_count)
        self._index.cp.niter = _TRAINING_PASSES
        self._index.cp.max_points_per_centroid = -(-_TRAINING_ROW_COUNT // cell_count)
        self._index.cp.min_points_per_centroid = 1
        self._index.train(coordinates)
        self._centres = self._index.quantizer.reconstruct_n(0, cell_count).astype(np.float64)
        self._centre_squares = np.square(self._centres).sum(axis=1)
        self._max_norm = float(self._centre_squares.max()) ** 0.5
        self.append(coordinates)

    def append(self, coordinates: F32) -> None:
        """Adds rows, finite, numbered on from the last."""
        self._index.add(coordinates)
        wide = coordinates.astype(np.float64)
        self._max_norm = max(self._max_norm, float(np.square(wide).sum(axis=1).max() ** 0.5))
        lists: Any = self._index.invlists
        self._sizes = np.array([lists.list_size(cell) for cell in range(self._index.nlist)])

    def scan(self, query: F64, loss: float, fallback: Callable[[], FullScan]) -> "CellScan":
        """Returns the scan from coordinates ``(k,)``; ``loss`` is what those of rows may be off.

        ``fallback`` makes the scan of the same feature that passes over all rows.
        """
        # As far apart as a centre and a row or the query can be.
        reach = max(math.sqrt(float(query @ query)), self._max_norm) + self._max_norm
        # |a|^2 + |b|^2 + 2|a||b| bounds every product of either way to compute |a - b|^2.
        rounding = 2 * gamma(len(query)) * reach**2 + UNDERFLOW
        visits = _Visits(self._nearest_possible(query, 2 * rounding), self._sizes)
        return CellScan(self._index, to_float32(query[None]), visits, rounding + loss, fallback)

    def _nearest_possible(self, query: F64, slack: float) -> F64:
        """Returns how near a row of each cell may be to coordinates ``(k,)``, at the least.

        ``slack`` is by how much FAISS, which assigned the rows, and the squares here may be off.
        """
        # |c_j - q|^2 - |q|^2, and the same from the nearest centre.
        squares = self._centre_squares - 2 * (self._centres @ query)
        first = int(squares.argmin())
        apart2 = self._centre_squares - 2 * (self._centres @ self._centres[first])
        apart2 += self._centre_squares[first] + slack
        ahead = np.maximum(squares - squares[first] - slack, 0.0)
        return np.asarray(ahead / (2 * np.sqrt(apart2)))


class _Visits:
    """Which cells are worth a visit, the nearest first, and what that costs."""

    def __init__(self, nearest: F64, row_counts: Keys) -> None:
        self._nearest = nearest  # no row of the cell is nearer
        self._row_counts = row_counts

    def first(self, row_count: int) -> Keys:
        """Returns the nearest cells, enough of them to hold so many rows, or all."""
        count = _FIRST_CELLS
        while count < len(self._nearest):
            cells = np.argpartition(self._nearest, count - 1)[:count]
            if self._rows_in(cells) >= row_count:
                return cells
            count *= 2
        return np.arange(len(self._nearest))

    def within(self, distance: float) -> Keys:
        """Returns the cells to visit so that no row within is missed."""
        return np.flatnonzero(self._nearest <= distance)

    def are_dear(self, cells: Keys) -> bool:
        """Returns whether a plain pass over all rows is cheaper."""
        return self._rows_in(cells) > _MAX_VISITED_SHARE * int(self._row_counts.sum())

    def _rows_in(self, cells: Keys) -> int:
        return int(self._row_counts[cells].sum())


class CellScan:
    """A scan over all live rows of one feature that visits few cells. For one search.

    Where it would visit many it passes over all rows instead, and its error bound grows to that
    of the pass.
    """

    def __init__(
        self,
        index: Any,
        query: F32,
        visits: _Visits,
        error_bound: float,
        fallback: Callable[[], FullScan],
    ) -> None:
        self.error_bound = error_bound
        self._index = index
        self._query = query
        self._visits = visits
        self._make_fallback = fallback
        self._made: FullScan | None = None

    def nearest(self, count: int, selection: Selection) -> tuple[Keys, float]:
        """Returns about ``count`` rows; as :class:`~stylefacet.search.scans.Scan` says."""
        # Dead rows are found too, and thrown away.
        asked = count + count * len(selection.dead) // max(len(selection), 1)
        cells = self._visits.first(_FIRST_ROWS_PER_HIT * asked)
        if count >= len(selection) or self._visits.are_dear(cells):
            return self._fallback().nearest(count, selection)
        distances, rows = self._visit(asked, cells)
        needed = self._visits.within(float(distances[-1]) ** 0.5)
        # Both are the nearest cells: no more of them are the same, or fewer of the same.
        if len(needed) > len(cells):
            if self._visits.are_dear(needed):
                return self._fallback().nearest(count, selection)
            distances, rows = self._visit(asked, needed)
        return _live(rows, selection), float(distances[-1])

    def within(self, distance2: float, selection: Selection) -> Keys:
        """Returns every row within; as :class:`~stylefacet.search.scans.Scan` says."""
        # Of the rows in a cell left out, what FAISS would have said may be less than what is so.
        cells = self._visits.within(math.sqrt(max(distance2 + self.error_bound, 0.0)))
        if self._made is not None or self._visits.are_dear(cells):
            # Two approximations of one distance differ by no more than both bounds.
            own_bound = self.error_bound
            fallback = self._fallback()
            return fallback.within(distance2 + own_bound + fallback.error_bound, selection)
        # Rounding the radius, and FAISS leaving out what lies on it, must not lose a row.
        radius2 = np.float32(distance2)
        for _ in range(2):
            radius2 = np.nextafter(radius2, np.float32(np.inf))
        found = faiss.RangeSearchResult(1)
        self._assigned(self._index.range_search_preassigned_c, float(radius2), cells, found)
        count = int(faiss.rev_swig_ptr(found.lims, 2)[1])
        return _live(faiss.rev_swig_ptr(found.labels, count).copy(), selection)

    def _fallback(self) -> FullScan:
        if self._made is None:
            self._made = self._make_fallback()
            self.error_bound = max(self.error_bound, self._made.error_bound)
        return self._made

    def _visit(self, count: int, cells: Keys) -> tuple[F32, Keys]:
        distances, rows = np.empty(count, np.float32), np.empty(count, np.int64)
        outputs = faiss.swig_ptr(distances), faiss.swig_ptr(rows)
        self._assigned(self._index.search_preassigned_c, count, cells, *outputs)
        return distances, rows

    def _assigned(self, search: Any, wanted: float, cells: Keys, *outputs: Any) -> None:
        """Calls one of FAISS' searches over some cells.

        The wrapper of these methods takes the count of cells from the index, which searches share.
        """
        # FAISS keeps its thread count per calling thread; one query never gains by several.
        faiss.omp_set_num_threads(1)
        cells = np.ascontiguousarray(cells, np.int64)
        unused_distances = np.zeros(len(cells), np.float32)
        search(
            1,
            faiss.swig_ptr(self._query),
            wanted,
            faiss.swig_ptr(cells),
            faiss.swig_ptr(unused_distances),
            *outputs,
            False,
            _Parameters(nprobe=len(cells)),
        )


def _live(rows: Keys, selection: Selection) -> Keys:
    if not len(selection.dead):
        return rows
    return np.asarray(rows[~np.isin(rows, selection.dead)])
