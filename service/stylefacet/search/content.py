"""What an index holds: rows, latent vectors and feature columns; knows no locks and no ranking."""

import math
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np

from stylefacet.search.columns import FeatureColumns, column_scan, row_scan
from stylefacet.search.growing import GrowingArray
from stylefacet.search.rows import Items, Keys, RowTable
from stylefacet.search.scans import F32, F64, Scan
from stylefacet.search.selection import Selection

# Dead rows cost scan time and memory; below the count a rebuild is not worth its while.
_MAX_DEAD_SHARE = 0.25
_MIN_DEAD_COUNT = 1024
# Rows worked on at a time: they stay in a core's cache, and the system is asked for no memory.
_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """Items with all that the arrays need of them, computed before any lock is taken."""

    items: Items
    coordinates: dict[str, F64]  # per feature (n, k), centred
    longest: float  # the longest distance from the centre


class Content:
    """Arrays over all rows, consistent with one another. Not thread-safe: the index guards it.

    Coordinates are centred where precision is wanted most: at the mean of the rows that were there
    when the features came. Rows without features have no centre.
    """

    def __init__(self, d: int) -> None:
        """Makes empty content without features."""
        self.rows = RowTable()
        self._d = d
        self._means = GrowingArray(np.float32, (0, d))
        self._columns: dict[str, FeatureColumns] = {}
        self._centre = np.zeros(d)
        self._centred_count = 0  # the rows that the centre was taken over
        self._radius = 0.0  # the longest distance of a row from the centre

    @property
    def matrices(self) -> dict[str, F32]:
        """The map of each feature."""
        return {name: columns.matrix for name, columns in self._columns.items()}

    def wide_matrix(self, feature: str) -> F64:
        """Returns the map of a feature as float64."""
        return self._columns[feature].wide_matrix

    @property
    def live_count(self) -> int:
        """How many rows count."""
        return len(self.rows) - len(self.rows.dead)

    @property
    def means(self) -> F32:
        """The latent vectors of all rows, dead ones included; stale after the next append."""
        return self._means.values

    @property
    def wants_rebuild(self) -> bool:
        """Whether too many rows are dead, or the centre was taken over too few."""
        dead_count = len(self.rows.dead)
        is_sparse = dead_count > max(_MIN_DEAD_COUNT, _MAX_DEAD_SHARE * len(self.rows))
        is_off_centre = self.live_count > 2 * self._centred_count + 256
        return is_sparse or (bool(self._columns) and is_off_centre)

    def prepare(self, items: Items) -> PreparedRows:
        """Returns items ready to be appended."""
        means = np.ascontiguousarray(items.means, np.float32)
        items = Items(items.image_keys, items.product_keys, items.group_keys, means)
        if not self._columns or not len(means):
            return PreparedRows(items, {}, 0.0)
        centred = means - self._centre
        coordinates = {name: column.project(centred) for name, column in self._columns.items()}
        return PreparedRows(items, coordinates, _longest(centred))

    def append(self, prepared: PreparedRows) -> None:
        """Adds rows."""
        self._radius = max(self._radius, prepared.longest)
        self._means.extend(prepared.items.means)
        for name, values in prepared.coordinates.items():
            self._columns[name].append(values)
        self.rows.append(prepared.items)

    def remove(self, product_keys: Keys) -> None:
        """Makes the rows of some products dead."""
        self.rows.remove(product_keys)

    def with_features(self, matrices: Mapping[str, F32]) -> "Content":
        """Returns the same rows under these features.

        It shares its arrays with this content, which must not be changed any more: a feature that
        stays costs nothing.
        """
        content = copy(self)
        if not self._columns:
            content._take_centre()
        kept = {
            name: columns
            for name, columns in self._columns.items()
            if name in matrices and np.array_equal(columns.matrix, matrices[name])
        }
        new = {
            name: FeatureColumns(matrix, content._centre)
            for name, matrix in matrices.items()
            if name not in kept
        }
        content._fill(list(new.values()))
        content._columns = {name: (kept | new)[name] for name in matrices}
        return content

    def rebuilt(self) -> "Content":
        """Returns the live rows, centred anew; this content stays as it is."""
        live = self.rows.live_rows()
        fresh = Content(self._d)
        fresh._means.reserve(len(live))
        for start in range(0, len(live), _CHUNK):
            rows = live[start : start + _CHUNK]
            items = Items(
                self.rows.image_keys[rows],
                self.rows.product_keys[rows],
                self.rows.group_keys[rows],
                self.means[rows],
            )
            fresh.append(fresh.prepare(items))
        return fresh.with_features(self.matrices)

    def select(self, among: Keys | None) -> Selection:
        """Returns the live rows of some products, or all live rows."""
        if among is None:
            return Selection(len(self.rows), self.rows.dead)
        # A store selects in order; only what is not in order may name a product twice.
        is_ascending = bool((among[1:] > among[:-1]).all())
        keys = among if is_ascending else np.unique(among)
        return Selection(len(self.rows), self.rows.dead, self.rows.rows_of(keys))

    def scan(self, queries: F32, weights: Mapping[str, float], selection: Selection) -> Scan:
        """Returns the cheapest scan from latent vectors under weights that sum to 1."""
        columns, factors = [self._columns[name] for name in weights], list(weights.values())
        if selection.is_narrow:
            moved = np.linalg.norm(queries - self._centre, axis=1).max()
            return row_scan(columns, factors, queries, self.means, self._radius + float(moved))
        if len(columns) == 1 and selection.given is None:
            return columns[0].scan(queries, self._radius)
        return column_scan(columns, factors, queries, self._radius)

    def moments(self) -> tuple[int, F64, F64]:
        """Returns count, mean ``(d,)`` and covariance ``(d, d)`` of the live rows."""
        live, d = self.rows.live_rows(), self._d
        total, products = np.zeros(d), np.zeros((d, d))
        for start in range(0, len(live), _CHUNK):
            centred = self.means[live[start : start + _CHUNK]] - self._centre
            total += centred.sum(axis=0)
            products += centred.T @ centred
        count = max(len(live), 1)
        mean = total / count
        return len(live), mean + self._centre, products / count - np.outer(mean, mean)

    def _take_centre(self) -> None:
        self._centred_count = self.live_count
        if self._centred_count:
            alive = self.rows.alive[:, None]
            self._centre = self.means.mean(axis=0, where=alive, dtype=np.float64)
        self._radius = max((_longest(centred) for centred in self._centred()), default=0.0)

    def _fill(self, new: list[FeatureColumns]) -> None:
        """Gives new features the coordinates of all rows."""
        if not new:
            return
        for columns in new:
            columns.reserve(len(self.means))
        for centred in self._centred():
            for columns in new:
                columns.append(columns.project(centred))
        for columns in new:
            columns.build_cells()

    def _centred(self) -> Iterator[F64]:
        """Yields all latent vectors relative to the centre, some rows at a time."""
        for start in range(0, len(self.means), _CHUNK):
            yield self.means[start : start + _CHUNK] - self._centre


def _longest(vectors: F64) -> float:
    return math.sqrt(float(np.einsum("nd,nd->n", vectors, vectors).max()))
