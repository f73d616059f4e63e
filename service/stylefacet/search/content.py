"""What an index holds: rows, latent vectors and feature columns; knows no locks and no ranking."""

from collections.abc import Mapping
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
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """Items with all that the arrays need of them, computed before any lock is taken."""

    items: Items
    coordinates: dict[str, F64]  # per feature (n, k), centred


class Content:
    """Arrays over all rows, consistent with one another. Not thread-safe: the index guards it."""

    def __init__(
        self, d: int, matrices: Mapping[str, F32], centre: F64 | None = None, centred_count: int = 0
    ) -> None:
        """Makes empty content; ``centre (d,)`` is where precision is wanted most."""
        self.rows = RowTable()
        self._d = d
        self._centre = np.zeros(d) if centre is None else centre
        self._centred_count = centred_count
        self._radius = 0.0  # the longest distance of a row from the centre
        self._means = GrowingArray(np.float32, (0, d))
        self._columns = {
            name: FeatureColumns(matrix, self._centre) for name, matrix in matrices.items()
        }

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
        return is_sparse or self.live_count > 2 * self._centred_count + 256

    def prepare(self, items: Items) -> PreparedRows:
        """Returns items ready to be appended."""
        means = np.ascontiguousarray(items.means, np.float32)
        columns = {name: column.project(means) for name, column in self._columns.items()}
        items = Items(items.image_keys, items.product_keys, items.group_keys, means)
        return PreparedRows(items, columns)

    def append(self, prepared: PreparedRows) -> None:
        """Adds rows."""
        means = prepared.items.means
        if len(means):
            longest = np.linalg.norm(means - self._centre, axis=1).max()
            self._radius = max(self._radius, float(longest))
        self._means.extend(means)
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
        content._columns = {
            name: self._columns[name]
            if name in self._columns and np.array_equal(self._columns[name].matrix, matrix)
            else self._new_columns(matrix)
            for name, matrix in matrices.items()
        }
        return content

    def rebuilt(self) -> "Content":
        """Returns the live rows, centred anew; this content stays as it is."""
        live = self.rows.live_rows()
        centre = None
        if len(live):
            alive = self.rows.alive[:, None]
            centre = self.means.mean(axis=0, where=alive, dtype=np.float64)
        fresh = Content(self._d, self.matrices, centre, len(live))
        for start in range(0, len(live), _CHUNK):
            rows = live[start : start + _CHUNK]
            items = Items(
                self.rows.image_keys[rows],
                self.rows.product_keys[rows],
                self.rows.group_keys[rows],
                self.means[rows],
            )
            fresh.append(fresh.prepare(items))
        for columns in fresh._columns.values():
            columns.build_cells()
        return fresh

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

    def _new_columns(self, matrix: F32) -> FeatureColumns:
        columns = FeatureColumns(matrix, self._centre)
        for start in range(0, len(self.means), _CHUNK):
            columns.append(columns.project(self.means[start : start + _CHUNK]))
        columns.build_cells()
        return columns
