"""Passes over feature columns that measure distances within a proven bound; knows no products.

A scan works in float32 and says how far off it can be; `ranking` then measures the candidates in
float64. The bound is that of any summation of ``m`` products in floating point,
``gamma(m) * sum |a_i b_i|`` with ``gamma(m) = m u / (1 - m u)`` and ``u = 2**-24`` (Higham,
Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), so it holds whatever order
BLAS or FAISS adds in and whether it takes differences or expands the square.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from stylefacet.search.rows import Keys
from stylefacet.search.selection import Selection

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

UNIT64 = 2.0**-53
_UNIT = 2.0**-24
# Operands are rounded to float32 before the sum, and results once after: a few terms more.
_EXTRA_TERMS = 8
# What underflow can add: far above float32's smallest number times any count of terms.
UNDERFLOW = 1e-37
# Rows measured at a time: their distances stay in a core's cache while features are added up.
_CHUNK = 65_536
# Rows whose nearest stands for them while the limit is sought.
_BLOCK = 512


class Scan(Protocol):
    """Approximate squared distances from one query; none is off by more than ``error_bound``."""

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


@dataclass(frozen=True, slots=True)
class ScanPart:
    """One feature's share of a scan: columns ``(m, n)`` float32 and what each is multiplied by."""

    columns: F32
    factors: F32


class ColumnScan:
    """Squared distance of each row as ``offset + sum of factors @ columns``. For one search."""

    def __init__(self, parts: Sequence[ScanPart], offset: float, error_bound: float) -> None:
        self.error_bound = error_bound
        self._parts = parts
        self._offset = offset
        self._measured: tuple[Selection, F32] | None = None

    def nearest(self, count: int, selection: Selection) -> tuple[Keys, float]:
        """Returns about ``count`` rows; as :class:`Scan` says."""
        if count >= len(selection):
            return selection.rows, np.inf
        distances = self._measure(selection)
        edge = _edge(distances, count)
        return _rows_of(selection, _below(distances, edge)), self._offset + float(edge)

    def within(self, distance2: float, selection: Selection) -> Keys:
        """Returns every row within; as :class:`Scan` says."""
        edge = np.float32(distance2 - self._offset)
        # Rounding the edge must not lose a row.
        for _ in range(2):
            edge = np.nextafter(edge, np.float32(np.inf))
        return _rows_of(selection, _below(self._measure(selection), edge))

    def _measure(self, selection: Selection) -> F32:
        """Returns the distances, less the offset, of the selected rows; dead ones are infinite."""
        if self._measured is None or self._measured[0] is not selection:
            self._measured = selection, self._distances(selection)
        return self._measured[1]

    def _distances(self, selection: Selection) -> F32:
        distances = self._pass()
        if selection.given is not None:
            return distances[selection.given]
        distances[selection.dead] = np.inf
        return distances

    def _pass(self) -> F32:
        row_count = self._parts[0].columns.shape[1]
        distances = np.empty(row_count, np.float32)
        for start in range(0, row_count, _CHUNK):
            here = distances[start : start + _CHUNK]
            first, *others = self._parts
            np.matmul(first.factors, first.columns[:, start : start + _CHUNK], out=here)
            for part in others:
                here += part.factors @ part.columns[:, start : start + _CHUNK]
        return distances


def _edge(distances: F32, count: int) -> np.float32:
    """Returns a value that at least ``count`` distances do not exceed, and few more."""
    blocks = len(distances) // _BLOCK
    if blocks > 4 * count:
        # The nearest of each block are different rows, so this is an upper bound; and a pass for
        # the minima costs a tenth of a partition of all.
        minima = distances[: blocks * _BLOCK].reshape(blocks, _BLOCK).min(axis=1)
        edge = np.partition(minima, count - 1)[count - 1]
        if np.isfinite(edge):
            return np.float32(edge)
    return np.float32(np.partition(distances, count - 1)[count - 1])


def _below(distances: F32, edge: np.float32) -> Keys:
    """Returns the positions of distances at most ``edge``."""
    blocks = len(distances) // _BLOCK
    whole = distances[: blocks * _BLOCK].reshape(blocks, _BLOCK)
    near = np.flatnonzero(whole.min(axis=1) <= edge) if blocks else np.empty(0, np.int64)
    block, place = np.nonzero(whole[near] <= edge)
    rest = np.flatnonzero(distances[blocks * _BLOCK :] <= edge) + blocks * _BLOCK
    return np.concatenate([near[block] * _BLOCK + place, rest])


def _rows_of(selection: Selection, positions: Keys) -> Keys:
    return positions if selection.given is None else selection.given[positions]
