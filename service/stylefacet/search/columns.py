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

    def project(self, means: F32) -> F64:
        """Returns the centred coordinates ``(n, k)`` of latent vectors ``(n, d)``."""
        return np.asarray((means - self._centre) @ self.wide_matrix.T)

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

    def part(self, weight: float, query: F32, radius: float, term_count: int) -> "WeightedPart":
        """Returns what the feature adds to a scan from a latent vector ``(d,)``.

        No row is farther than ``radius`` from the centre; ``term_count`` products are summed.
        """
        own = self.project(query[None])[0]
        factors = np.empty(len(own) + 1)
        factors[:-1], factors[-1] = -2 * weight * own, weight
        # Weight zero times an overflowed column is NaN: no bound, just as infinity is none.
        with np.errstate(invalid="ignore"):
            rounding = gamma(term_count) * float(np.abs(factors) @ self._max_abs)
        rounding += UNDERFLOW * (1 + float(self._max_abs.sum()))
        return WeightedPart(
            ColumnPart(self._columns.values, to_float32(factors)),
            offset=weight * float(own @ own),
            error_bound=rounding + weight * self._projection_loss(query, radius),
        )

    def scan(self, query: F32, radius: float) -> Scan:
        """Returns the scan of this feature alone over all live rows."""
        if self._cells is None:
            return column_scan([self], [1.0], query, radius)
        return self._cells.scan(
            self.project(query[None])[0],
            self._projection_loss(query, radius),
            partial(column_scan, [self], [1.0], query, radius),
        )

    def _projection_loss(self, query: F32, radius: float) -> float:
        """Returns what projecting, in float64, may lose of a squared distance."""
        moved = query - self._centre
        longest = radius + math.sqrt(float(moved @ moved))
        return 3 * gamma(len(query), UNIT64) * self._size * longest**2


@dataclass(frozen=True, slots=True)
class WeightedPart:
    """A feature's part in a scan, the part of the offset that it brings, and of the error."""

    part: ColumnPart
    offset: float
    error_bound: float


def column_scan(
    columns: Sequence[FeatureColumns], weights: Sequence[float], query: F32, radius: float
) -> FullScan:
    """Returns a pass over several features under a weight for each; see ``FeatureColumns.part``."""
    term_count = sum(len(column.matrix) + 1 for column in columns)
    parts = [
        column.part(weight, query, radius, term_count)
        for column, weight in zip(columns, weights, strict=True)
    ]
    return FullScan(
        partial(pass_over_columns, [part.part for part in parts]),
        sum(part.error_bound for part in parts),
        sum(part.offset for part in parts),
    )


def row_scan(
    columns: Sequence[FeatureColumns],
    weights: Sequence[float],
    query: F32,
    means: F32,
    longest: float,
) -> FullScan:
    """Returns a scan that fetches the vectors of the rows selected, which had better be few.

    No row is farther than ``longest`` from the query.
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
    return FullScan(partial(fetch_rows, means, to_float32(matrix), query), bound)
