"""Scans: what measures many rows in float32, within a proven bound; they know no products.

A scan works in float32 and says how far off it can be; `ranking` then measures the candidates in
float64. The bound is that of any summation of ``m`` products in floating point,
``gamma(m) * sum |a_i b_i|`` with ``gamma(m) = m u / (1 - m u)`` and ``u = 2**-24`` (Higham,
Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), so it holds whatever order
BLAS or FAISS adds in and whether it takes differences or expands the square.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stylefacet.search.rows import Keys
from stylefacet.search.selection import Selection

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Measure = Callable[[Selection], F32]

UNIT64 = 2.0**-53
_UNIT = 2.0**-24
# Operands are rounded to float32 before the sum, and results once after: a few terms more.
_EXTRA_TERMS = 8
# What underflow can add: far above float32's smallest number times any count of terms.
UNDERFLOW = 1e-37
# Rows measured at a time: their distances stay in a core's cache while features are added up.
_PASS_CHUNK = 65_536
# Rows fetched at a time: their vectors stay there.
_FETCH_CHUNK = 2048
# Rows whose nearest stands for them while the limit is sought, where there are many.
_BLOCK = 512
_MANY = 16_384


class Scan(Protocol):
    """Approximate squared distances from the nearest of some queries.

    None is off by more than ``error_bound``.
    """

    @property
    def error_bound(self) -> float:
        """The largest error of an approximate distance; infinite where float32 overflows."""

    def nearest(self, count: int, selection: Selection) -> tuple[Keys, float]:
        """Returns rows, and a bound that every row left out lies at or beyond, approximately.

        All selected rows when there are at most ``count``; the bound is then infinite.
        """

    def within(self, distance2: float, selection: Selection) -> Keys:
        """Returns every selected row whose approximate squared distance is at most that."""


def gamma(term_count: int, unit: float = _UNIT) -> float:
    """Returns the relative error bound of a floating-point sum of so many products."""
    m = term_count + _EXTRA_TERMS
    return m * unit / (1 - m * unit)


def to_float32(values: F64) -> F32:
    """Returns values as float32; what is beyond becomes infinite, and so does the scan's bound."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)


class FullScan:
    """A scan that measures every selected row, once, and then looks among them. For one search."""

    def __init__(self, measure: Measure, error_bound: float, offset: float = 0.0) -> None:
        """Takes what returns the distances, less the offset, of selected rows; dead: infinite."""
        self.error_bound = error_bound
        self._measure = measure
        self._offset = offset
        self._measured: tuple[Selection, _Distances] | None = None

    def nearest(self, count: int, selection: Selection) -> tuple[Keys, float]:
        """Returns about ``count`` rows; as :class:`Scan` says."""
        if count >= len(selection):
            return selection.rows, np.inf
        distances = self._distances(selection)
        edge = distances.edge(count)
        return _rows_of(selection, distances.within(edge)), self._offset + float(edge)

    def within(self, distance2: float, selection: Selection) -> Keys:
        """Returns every row within; as :class:`Scan` says."""
        edge = np.float32(distance2 - self._offset)
        # Rounding the edge must not lose a row.
        for _ in range(2):
            edge = np.nextafter(edge, np.float32(np.inf))
        return _rows_of(selection, self._distances(selection).within(edge))

    def _distances(self, selection: Selection) -> "_Distances":
        if self._measured is None or self._measured[0] is not selection:
            self._measured = selection, _Distances(self._measure(selection))
        return self._measured[1]


class NearestOf:
    """The scan from several queries as the scans from each: their rows together."""

    def __init__(self, scans: Sequence[Scan]) -> None:
        self._scans = scans

    @property
    def error_bound(self) -> float:
        """The largest of all."""
        return max(scan.error_bound for scan in self._scans)

    def nearest(self, count: int, selection: Selection) -> tuple[Keys, float]:
        """Returns about ``count`` rows for each query; as :class:`Scan` says."""
        found = [scan.nearest(count, selection) for scan in self._scans]
        return np.unique(np.concatenate([rows for rows, _ in found])), min(e for _, e in found)

    def within(self, distance2: float, selection: Selection) -> Keys:
        """Returns every row within; as :class:`Scan` says."""
        return np.unique(
            np.concatenate([scan.within(distance2, selection) for scan in self._scans])
        )


@dataclass(frozen=True, slots=True)
class ColumnPart:
    """One feature's share of a pass: columns ``(k, n)`` and factors ``(m, k)``, both float32."""

    columns: F32
    factors: F32


def pass_over_columns(parts: Sequence[ColumnPart], ahead: F32, selection: Selection) -> F32:
    """Returns the least of ``ahead + sum of factors @ columns`` of each selected row.

    ``ahead`` is ``(m,)``, zero of one query alone. Passes over all rows as they lie and then takes
    those that are wanted; dead ones are infinite.
    """
    row_count, query_count = parts[0].columns.shape[1], len(ahead)
    distances = np.empty(row_count, np.float32)
    size = _PASS_CHUNK if query_count == 1 else max(4 * _PASS_CHUNK // query_count, 1)
    for start in range(0, row_count, size):
        some = slice(start, start + size)
        here = distances[some]
        sums = here[None] if query_count == 1 else np.empty((query_count, len(here)), np.float32)
        first, *others = parts
        np.matmul(first.factors, first.columns[:, some], out=sums)
        for part in others:
            sums += part.factors @ part.columns[:, some]
        if query_count > 1:
            sums += ahead[:, None]
            sums.min(axis=0, out=here)
    if selection.given is not None:
        return distances.take(selection.given)
    distances[selection.dead] = np.inf
    return distances


def fetch_rows(means: F32, matrix: F32, queries: F32, selection: Selection) -> F32:
    """Returns the least ``|matrix (x - query)|^2`` of each given row ``x``, fetched from ``means``.

    ``means`` is ``(n, d)``, ``matrix`` ``(k, d)``, ``queries`` ``(m, d)``.
    """
    rows = selection.rows
    distances = np.empty(len(rows), np.float32)
    length = max(min(len(rows), _FETCH_CHUNK, 4 * _FETCH_CHUNK // len(queries)), 1)
    # Subtracting arrays of one shape is several times as fast as many times a short one.
    tiles = [np.tile(query, (length, 1)) for query in queries]
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(rows), length):
            fetched = means.take(rows[start : start + length], axis=0)
            squares = []
            for tile in tiles:
                coordinates = matrix @ (fetched - tile[: len(fetched)]).T
                squares.append(np.einsum("kn,kn->n", coordinates, coordinates))
            distances[start : start + length] = np.minimum.reduce(squares)
    return distances


class _Distances:
    """Distances, of which the nearest are sought, and the least of each block of them."""

    def __init__(self, values: F32) -> None:
        self._values = values
        block_count = len(values) // _BLOCK if len(values) >= _MANY else 0
        self._whole = values[: block_count * _BLOCK].reshape(block_count, _BLOCK)
        self._rest = values[block_count * _BLOCK :]
        self._minima = self._whole.min(axis=1)

    def edge(self, count: int) -> np.float32:
        """Returns a value that at least ``count`` distances do not exceed, and few more."""
        if len(self._minima) > 4 * count:
            # The nearest of each block are different rows, so this is an upper bound; and a pass
            # for the minima costs a tenth of a partition of all.
            edge = np.partition(self._minima, count - 1)[count - 1]
            if np.isfinite(edge):
                return np.float32(edge)
        return np.float32(np.partition(self._values, count - 1)[count - 1])

    def within(self, edge: np.float32) -> Keys:
        """Returns the positions of distances at most ``edge``."""
        if not len(self._minima):
            return np.flatnonzero(self._values <= edge)
        near = np.flatnonzero(self._minima <= edge)
        block, place = np.nonzero(self._whole[near] <= edge)
        rest = np.flatnonzero(self._rest <= edge) + self._whole.size
        return np.concatenate([near[block] * _BLOCK + place, rest])


def _rows_of(selection: Selection, positions: Keys) -> Keys:
    return positions if selection.given is None else selection.given[positions]
