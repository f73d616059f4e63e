"""FAISS scans that return approximate distances with a proven bound; knows nothing of products.

Both scans work in float32 and say how far off they can be; `ranking` then measures the candidates
in float64. A scan's bound is that of any summation of ``m`` products in floating point,
``gamma(m) * sum |a_i b_i|`` with ``gamma(m) = m u / (1 - m u)`` and ``u = 2**-24`` (Higham,
Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), so it holds whatever order
FAISS adds in and whether it takes differences or expands the square.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import faiss
import numpy as np
import numpy.typing as npt

from stylefacet.search.rows import Keys

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

# The Python wrappers take arguments that SWIG's signatures hide.
_SearchParameters: Any = faiss.SearchParameters
_IDSelectorBitmap: Any = faiss.IDSelectorBitmap

_UNIT = 2.0**-24
_UNIT64 = 2.0**-53
# Operands are rounded to float32 before the sum, and results once after: a few terms more.
_EXTRA_TERMS = 8
# What underflow can add: far above float32's smallest number times any count of terms.
_UNDERFLOW = 1e-37
# Below this share of rows FAISS does better to visit the selected rows than to test every one.
_SPARSE = 0.1


class Selection:
    """The rows that a search looks at: all, or those given. Belongs to one search."""

    def __init__(self, row_count: int, rows: Keys | None) -> None:
        """Takes None for all rows, without a test for each."""
        self._row_count = row_count
        self._rows = rows

    @property
    def rows(self) -> Keys:
        """The row numbers."""
        return np.arange(self._row_count) if self._rows is None else self._rows

    def __len__(self) -> int:
        return self._row_count if self._rows is None else len(self._rows)

    def for_nearest(self) -> Any:
        """Returns what narrows a k-nearest search."""
        if self._rows is not None and len(self._rows) < _SPARSE * self._row_count:
            return _SearchParameters(sel=faiss.IDSelectorArray(self._rows))
        return self.for_range()

    def for_range(self) -> Any:
        """Returns what narrows a range search."""
        if self._rows is None:
            return None
        chosen = np.zeros(self._row_count, np.bool_)
        chosen[self._rows] = True
        bits = np.packbits(chosen, bitorder="little")
        return _SearchParameters(sel=_IDSelectorBitmap(bits))


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


class FeatureColumn:
    """One feature's coordinates of all rows, side by side: the scan for a single feature.

    Coordinates are taken relative to ``centre``, which keeps them small and so precise.
    """

    def __init__(self, matrix: F32, centre: F64) -> None:
        self._matrix = matrix.astype(np.float64)
        self._centre = centre
        self._index = faiss.IndexFlatL2(matrix.shape[0])
        self._max_norm = 0.0  # of coordinates

    def project(self, means: F32) -> F64:
        """Returns the centred coordinates ``(n, k)`` of latent vectors ``(n, d)``."""
        return np.asarray((means - self._centre) @ self._matrix.T)

    def append(self, coordinates: F64) -> None:
        """Adds rows."""
        if len(coordinates):
            largest = float(np.square(coordinates).sum(axis=1).max() ** 0.5)
            self._max_norm = max(self._max_norm, largest)
            self._index.add(_to_float32(coordinates))

    def scan(self, query: F32, radius: float) -> Scan:
        """Returns the scan from one latent vector ``(d,)``; no row is farther from the centre."""
        coordinates = self.project(query[None])
        reach = float(np.linalg.norm(coordinates)) + self._max_norm
        k = coordinates.shape[1]
        # |a|^2 + |b|^2 + 2|a||b| bounds every product of either way to compute |a - b|^2.
        bound = 2 * gamma(k) * reach**2 + _UNDERFLOW
        # What the projection itself, in float64, may lose where the map cancels.
        longest = radius + float(np.linalg.norm(query - self._centre))
        bound += 3 * gamma(len(query), _UNIT64) * float(np.square(self._matrix).sum()) * longest**2
        return _FlatScan(self._index, _to_float32(coordinates), bound, sign=1.0, offset=0.0)


class LatentMatrix:
    """The latent vectors of all rows beside their squared norm in each feature.

    One inner product gives the distance under any weights: with ``y_f`` centred coordinates,
    ``A = sum_f w_f M_f' M_f``, query ``q`` and row ``x``,
    ``d2 = sum_f w_f |y_f(q)|^2 - 2 (q - c)' A x' + sum_f w_f |y_f(x)|^2`` where ``x' = x - c``.
    The vectors are stored as they came, so that they can be measured exactly afterwards; the
    centre's part ``2 (q - c)' A c`` is known per query and added there.
    """

    def __init__(self, d: int, feature_count: int) -> None:
        self.d = d
        self._index = faiss.IndexFlatIP(d + feature_count)
        self._max_abs = np.zeros(d + feature_count)

    @property
    def means(self) -> F32:
        """The latent vectors ``(n, d)``, a view that the next append makes stale."""
        n, width = self._index.ntotal, self._index.d
        if n == 0:
            return np.empty((0, self.d), np.float32)
        stored: F32 = faiss.rev_swig_ptr(self._index.get_xb(), n * width).reshape(n, width)
        return stored[:, : self.d]

    def append(self, means: F32, norms: F64) -> None:
        """Adds rows: vectors ``(n, d)`` and squared feature norms ``(n, feature_count)``."""
        if len(means):
            rows = np.hstack([means, _to_float32(norms)])
            self._max_abs = np.maximum(self._max_abs, np.abs(rows).max(axis=0))
            self._index.add(rows)

    def scan(self, query: F32, gram: F64, weights: F64, centre: F64, radius: float) -> Scan:
        """Returns the scan from one latent vector ``(d,)`` under ``A = gram (d, d)``.

        ``weights`` has one for each feature; no row is farther than ``radius`` from the centre.
        """
        moved = query - centre
        slope = 2 * gram @ moved
        factors = np.r_[slope, -weights]
        # Weight zero times an overflowed norm is NaN: no bound, just as infinity is none.
        with np.errstate(invalid="ignore"):
            bound = gamma(len(factors)) * float(np.abs(factors) @ self._max_abs)
        bound += _UNDERFLOW * (1 + float(self._max_abs.sum()))
        # What float64 itself may lose: in the norms, and where the offset cancels against the sum.
        size = float(np.abs(moved) @ np.abs(gram) @ (np.abs(moved) + 2 * np.abs(centre)))
        bound += gamma(self.d, _UNIT64) * (3 * float(np.trace(gram)) * radius**2 + 8 * size)
        offset = float(moved @ gram @ moved + slope @ centre)
        return _FlatScan(self._index, _to_float32(factors[None]), bound, sign=-1.0, offset=offset)


@dataclass(frozen=True, slots=True)
class _FlatScan:
    """A flat index asked from one point: squared distance is ``offset + sign * score``."""

    index: faiss.IndexFlat
    query: F32
    error_bound: float
    sign: float
    offset: float

    def nearest(self, count: int, selection: Selection) -> tuple[Keys, float]:
        if count >= len(selection):
            return selection.rows, np.inf
        # FAISS keeps its thread count per calling thread; one query never gains by several.
        faiss.omp_set_num_threads(1)
        scores, rows = self.index.search(self.query, count, params=selection.for_nearest())
        return rows[0], self.offset + self.sign * float(scores[0, -1])

    def within(self, distance2: float, selection: Selection) -> Keys:
        faiss.omp_set_num_threads(1)
        radius = np.float32((distance2 - self.offset) * self.sign)
        # Rounding the radius, and FAISS leaving out what lies on it, must not lose a row.
        for _ in range(2):
            radius = np.nextafter(radius, np.float32(np.inf * self.sign))
        _, _, rows = self.index.range_search(
            self.query, float(radius), params=selection.for_range()
        )
        return np.asarray(rows, np.int64)


def _to_float32(values: F64) -> F32:
    # Beyond float32 becomes infinite: the bound is then infinite too and the scan is not used.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)
