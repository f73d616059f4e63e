"""Finds all pairs of products within given distances, exactly; knows no store and no grouping.

FAISS proposes pairs of images in blocks, over coordinates scaled so that every ``alike`` feature's
distance is 1: whatever lies within all of them lies within a ball. Rows are ordered along the
longest axis of those coordinates, so a block is compared only with rows that are near on it.
Candidates are measured in float64.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField
from stylefacet.search.ranking import F32, F64
from stylefacet.search.rows import Items, Keys
from stylefacet.search.scans import gamma

# More pairs than that are no near duplicates, and would fill the memory.
MAX_PAIR_COUNT = 1_000_000
# Distances of one block at once; FAISS keeps up to 12 bytes for each.
_BLOCK_CELLS = 8_000_000
_MAX_BLOCK_ROWS = 1024
_CHUNK = 32_768
# A distance of nothing would scale coordinates beyond all bounds.
_LEAST_DISTANCE = 1e-6
# Pairs drawn to learn how far two products usually are apart.
_SAMPLE_COUNT = 20_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Images as an index had them at a sequence number, and the maps ``(k, d)`` of features."""

    items: Items
    matrices: Mapping[str, F32]
    sequence: int


@dataclass(frozen=True, slots=True)
class ProductPairs:
    """Pairs of products in columns, the most alike first.

    ``first`` and ``second`` are product keys, the smaller first; ``first_rows`` and
    ``second_rows`` are the snapshot's rows of the two images that are most alike.
    ``distances2 (n,)`` is the mean of the squared distances in the ``alike`` features.
    """

    first: Keys
    second: Keys
    first_rows: Keys
    second_rows: Keys
    distances2: F64


class PairFinder:
    """Compares every image of a snapshot with every other. Not thread-safe."""

    def __init__(
        self, snapshot: Snapshot, alike: Mapping[str, float], different: Mapping[str, float]
    ) -> None:
        """Takes the largest distance in each ``alike`` feature, the least in ``different`` ones."""
        self._means = snapshot.items.means
        self._products = snapshot.items.product_keys
        self._matrices = snapshot.matrices
        self._alike = dict(alike)
        self._different = dict(different)
        self._product_rows = _ProductRows(self._products)
        self._found: list[ProductPairs] = []
        self._found_count = 0

    def scan(self) -> Iterator[int]:
        """Does the work; yields the number of rows done after each block.

        Raises:
            InvalidField: when more than a million pairs lie within the distances.
        """
        if not len(self._means):
            return
        coordinates, along = self._order()
        rows, points = coordinates
        radius = len(self._alike) ** 0.5
        longest = float(np.sqrt(np.square(points, dtype=np.float64).sum(axis=1).max()))
        # What float32 and FAISS's way to add may lose; see `scans`.
        slack = 2 * gamma(points.shape[1]) * (2 * longest) ** 2
        reach = (radius**2 + slack) ** 0.5
        start = 0
        while start < len(rows):
            end = min(start + _MAX_BLOCK_ROWS, len(rows))
            beyond = int(np.searchsorted(along, along[end - 1] + reach, side="right"))
            end = min(end, start + max(1, _BLOCK_CELLS // (beyond - start)))
            left, right = _within(points[start:end], points[start:beyond], reach**2)
            later = right > left
            self._keep(rows[start + left[later]], rows[start + right[later]])
            start = end
            yield start

    def pairs(self) -> ProductPairs:
        """Returns what the scan found, each pair of products once, by their nearest images."""
        if not self._found:
            none = np.empty(0, np.int64)
            return ProductPairs(none, none, none, none, np.empty(0))
        found = [
            np.concatenate([getattr(part, name) for part in self._found])
            for name in ("first", "second", "first_rows", "second_rows", "distances2")
        ]
        order = np.lexsort((found[3], found[2], found[4], found[1], found[0]))
        first, second = found[0][order], found[1][order]
        is_new = np.r_[True, (first[1:] != first[:-1]) | (second[1:] != second[:-1])]
        best = order[is_new]
        best = best[np.lexsort((found[1][best], found[0][best], found[4][best]))]
        return ProductPairs(*(column[best] for column in found))

    def image_distances(self, first_rows: Keys, second_rows: Keys, feature: str) -> F64:
        """Returns the distance in a feature of each pair of rows, ``(n,)``."""
        return _distances(self._means, self._matrices[feature], first_rows, second_rows)

    def product_distances(self, first: Keys, second: Keys, feature: str) -> F64:
        """Returns the distance of the nearest images of each pair of products, ``(n,)``."""
        found = np.empty(len(first))
        for start in range(0, len(found), _CHUNK):
            some = slice(start, start + _CHUNK)
            pair, left, right = self._product_rows.cross(first[some], second[some])
            nearest = np.full(len(first[some]), np.inf)
            np.minimum.at(nearest, pair, self.image_distances(left, right, feature))
            found[some] = nearest
        return found

    def _order(self) -> tuple[tuple[Keys, F32], F64]:
        """Returns rows and scaled coordinates along their longest axis, and the place on it."""
        scaled = np.vstack(
            [
                self._matrices[name].astype(np.float64) / max(distance, _LEAST_DISTANCE)
                for name, distance in self._alike.items()
            ]
        )
        centre = self._means.mean(axis=0, dtype=np.float64)
        points = np.empty((len(self._means), len(scaled)), np.float32)
        second_moment = np.zeros((len(scaled), len(scaled)))
        for start in range(0, len(points), _CHUNK):
            some = slice(start, start + _CHUNK)
            wide = (self._means[some] - centre) @ scaled.T
            second_moment += wide.T @ wide
            points[some] = wide
        axis = np.linalg.eigh(second_moment)[1][:, -1]
        along = points @ axis
        rows = np.argsort(along, kind="stable")
        return (rows, points[rows]), along[rows]

    def _keep(self, left: Keys, right: Keys) -> None:
        """Measures candidate pairs of rows and keeps those within the distances."""
        other = self._products[left] != self._products[right]
        left, right = left[other], right[other]
        sums = np.zeros(len(left))
        for name, distance in self._alike.items():
            measured = self.image_distances(left, right, name)
            near = measured <= distance
            left, right, sums = left[near], right[near], sums[near] + measured[near] ** 2
        swapped = self._products[left] > self._products[right]
        left, right = np.where(swapped, right, left), np.where(swapped, left, right)
        first, second = self._products[left], self._products[right]
        for name, distance in self._different.items():
            far = self.product_distances(first, second, name) >= distance
            left, right, sums = left[far], right[far], sums[far]
            first, second = first[far], second[far]
        self._found_count += len(first)
        if self._found_count > MAX_PAIR_COUNT:
            raise InvalidField(
                "alike",
                f"more than {MAX_PAIR_COUNT:,} pairs lie within these distances; "
                "make them smaller, name more features, or narrow the filter; "
                "do many products share one picture?",
            )
        if len(first):
            self._found.append(ProductPairs(first, second, left, right, sums / len(self._alike)))


class _ProductRows:
    """The rows of each product, to set all images of one against all of another."""

    def __init__(self, product_keys: Keys) -> None:
        self._order = np.argsort(product_keys, kind="stable")
        self._keys, self._starts, self._counts = np.unique(
            product_keys[self._order], return_index=True, return_counts=True
        )

    def cross(self, first: Keys, second: Keys) -> tuple[Keys, Keys, Keys]:
        """Returns, for every image of one with every of the other, pair number and both rows."""
        a, b = np.searchsorted(self._keys, first), np.searchsorted(self._keys, second)
        sizes = self._counts[a] * self._counts[b]
        pair = np.repeat(np.arange(len(first)), sizes)
        within = np.arange(len(pair)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        left = self._order[self._starts[a][pair] + within // self._counts[b][pair]]
        right = self._order[self._starts[b][pair] + within % self._counts[b][pair]]
        return pair, left, right


def usual_distances(snapshot: Snapshot, feature: str) -> F64:
    """Returns the distance in a feature of pairs of images of two products, drawn at random.

    All pairs where there are few, 20,000 otherwise, always the same; ``(n,)``.
    """
    n = len(snapshot.items.means)
    if n * (n - 1) // 2 <= _SAMPLE_COUNT:
        first, second = np.triu_indices(n, 1)
    else:
        rng = np.random.default_rng(_SEED)
        first = rng.integers(0, n, _SAMPLE_COUNT)
        second = (first + rng.integers(1, n, _SAMPLE_COUNT)) % n
    products = snapshot.items.product_keys
    other = products[first] != products[second]
    matrix = snapshot.matrices[feature]
    return _distances(snapshot.items.means, matrix, first[other], second[other])


def _distances(means: F32, matrix: F32, first_rows: Keys, second_rows: Keys) -> F64:
    wide = matrix.astype(np.float64)
    found = np.empty(len(first_rows))
    for start in range(0, len(found), _CHUNK):
        some = slice(start, start + _CHUNK)
        # Differences before the map, so that near duplicates keep their digits.
        moved = means[first_rows[some]].astype(np.float64) - means[second_rows[some]]
        found[some] = np.linalg.norm(moved @ wide.T, axis=1)
    return found


def _within(
    queries: F32, points: F32, radius2: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns the places of queries and points that lie within a squared distance."""
    # FAISS keeps its thread count per calling thread; searches go on beside this.
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(np.ascontiguousarray(points))
    limit = float(np.nextafter(np.float32(radius2), np.float32(np.inf)))
    limits, _, found = index.range_search(np.ascontiguousarray(queries), limit)
    ends = np.asarray(limits, np.int64)
    counts = ends[1:] - ends[:-1]
    return np.repeat(np.arange(len(queries)), counts), np.asarray(found, np.int64)
