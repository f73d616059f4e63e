"""One feature's coordinates of all rows, ready to be scanned; knows no products."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from stylefacet.search import cells
from stylefacet.search.cells import FeatureCells
from stylefacet.search.growing import GrowingArray
from stylefacet.search.scans import (
    F32,
    F64,
    UNDERFLOW,
    UNIT64,
    ColumnPart,
    FullScan,
    NearestOf,
    Scan,
    fetch_rows,
    gamma,
    pass_over_columns,
    to_float32,
)

# Beyond, squares overflow.
_FLOAT32_MAX = float(np.finfo(np.float32).max)


class FeatureColumns:
    """Coordinates ``y`` of all rows in one feature, a column each, and the column ``|y|^2``.

    Coordinates are taken relative to ``centre``, which keeps them small and so precise. The
    squared distance is ``|y(q)|^2 - 2 y(q) . y + |y|^2``, so under any weights the distances of
    several features are sums over their columns.
    """

    def __init__(self, matrix: F32, centre: F64) -> None:
        self.matrix = matrix
        self.wide_matrix = matrix.astype(np.float64)
        self._size = float(np.square(self.wide_matrix).sum())
        self._centre = centre
        width = len(matrix)
        self._columns = GrowingArray(np.float32, (width + 1, 0), axis=1)
        self._max_abs = np.zeros(width + 1)
        self._cells: FeatureCells | None = None

    def project(self, centred: F64) -> F64:
        """Returns the coordinates ``(n, k)`` of latent vectors ``(n, d)`` less the centre."""
        return np.asarray(centred @ self.wide_matrix.T)

    def reserve(self, row_count: int) -> None:
        """Makes room for so many rows."""
        self._columns.reserve(row_count)

    def append(self, coordinates: F64) -> None:
        """Adds rows."""
        if not len(coordinates):
            return
        columns = np.vstack([coordinates.T, np.square(coordinates).sum(axis=1)])
        narrow = to_float32(columns)
        self._max_abs = np.maximum(self._max_abs, np.abs(narrow).max(axis=1))
        self._columns.extend(narrow)
        if self._cells is not None:
            if np.isfinite(narrow).all():
                self._cells.append(np.ascontiguousarray(narrow[:-1].T))
            else:
                self._cells = None

    def build_cells(self) -> None:
        """Groups the rows into cells where that pays."""
        columns = self._columns.values
        width, row_count = len(self.matrix), columns.shape[1]
        if width <= cells.MAX_WIDTH and row_count >= cells.MIN_ROW_COUNT:
            coordinates = np.ascontiguousarray(columns[:-1].T)
            if np.isfinite(columns).all():
                self._cells = FeatureCells(coordinates)

    def part(self, weight: float, queries: F32, radius: float, term_count: int) -> "WeightedPart":
        """Returns what the feature adds to a scan from latent vectors ``(m, d)``.

        No row is farther than ``radius`` from the centre; ``term_count`` products are summed.
        """
        own = self.project(queries - self._centre)
        factors = np.full((len(own), len(self.matrix) + 1), weight)
        factors[:, :-1] = -2 * weight * own
        # Weight zero times an overflowed column is NaN: no bound, just as infinity is none.
        with np.errstate(invalid="ignore"):
            rounding = gamma(term_count) * float((np.abs(factors) @ self._max_abs).max())
        rounding += UNDERFLOW * (1 + float(self._max_abs.sum()))
        return WeightedPart(
            ColumnPart(self._columns.values, to_float32(factors)),
            offsets=weight * np.square(own).sum(axis=1),
            error_bound=rounding + weight * self._projection_loss(queries, radius),
        )

    def scan(self, queries: F32, radius: float) -> Scan:
        """Returns the scan of this feature alone over all live rows."""
        if self._cells is None or len(queries) > cells.MAX_QUERY_COUNT:
            return column_scan([self], [1.0], queries, radius)
        scans = [
            self._cells.scan(
                self.project(query - self._centre)[0],
                self._projection_loss(query, radius),
                partial(column_scan, [self], [1.0], query, radius),
            )
            for query in queries[:, None]
        ]
        return scans[0] if len(scans) == 1 else NearestOf(scans)

    def _projection_loss(self, queries: F32, radius: float) -> float:
        """Returns what projecting, in float64, may lose of a squared distance."""
        moved2 = np.square(queries - self._centre).sum(axis=1).max()
        longest = radius + math.sqrt(float(moved2))
        return 3 * gamma(queries.shape[1], UNIT64) * self._size * longest**2


@dataclass(frozen=True, slots=True)
class WeightedPart:
    """A feature's part in a scan, of the offset of each query ``(m,)``, and of the error."""

    part: ColumnPart
    offsets: F64
    error_bound: float


def column_scan(
    columns: Sequence[FeatureColumns], weights: Sequence[float], queries: F32, radius: float
) -> FullScan:
    """Returns a pass over several features under a weight for each; see ``FeatureColumns.part``."""
    # One more where the queries' offsets differ.
    term_count = sum(len(column.matrix) + 1 for column in columns) + (len(queries) > 1)
    parts = [
        column.part(weight, queries, radius, term_count)
        for column, weight in zip(columns, weights, strict=True)
    ]
    offsets = np.sum([part.offsets for part in parts], axis=0)
    offset = float(offsets.min())
    ahead = to_float32(offsets - offset)
    error_bound = sum(part.error_bound for part in parts) + gamma(term_count) * float(ahead.max())
    measure = partial(pass_over_columns, [part.part for part in parts], ahead)
    return FullScan(measure, error_bound, offset)


def row_scan(
    columns: Sequence[FeatureColumns],
    weights: Sequence[float],
    queries: F32,
    means: F32,
    longest: float,
) -> FullScan:
    """Returns a scan that fetches the vectors of the rows selected, which had better be few.

    No row is farther than ``longest`` from any query.
    """
    matrix = np.vstack(
        [
            math.sqrt(weight) * column.wide_matrix
            for column, weight in zip(columns, weights, strict=True)
        ]
    )
    # The bound of a difference, a product and a sum of squares.
    largest2 = (1 + float(np.square(matrix).sum())) * (longest**2 + UNDERFLOW)
    bound = 4 * gamma(sum(matrix.shape)) * largest2 if largest2 < _FLOAT32_MAX else math.inf
    return FullScan(partial(fetch_rows, means, to_float32(matrix), queries), bound)
