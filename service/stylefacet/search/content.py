"""What an index holds: rows, latent vectors and feature columns; knows no locks and no ranking."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stylefacet.search.rows import Items, Keys, RowTable
from stylefacet.search.scans import F32, F64, FeatureColumn, LatentMatrix, Scan, Selection

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
        self.matrices = dict(matrices)
        self.rows = RowTable()
        self._centre = np.zeros(d) if centre is None else centre
        self._centred_count = centred_count
        self._radius = 0.0  # the longest distance of a row from the centre
        self._latents = LatentMatrix(d, len(matrices))
        self._columns = {
            name: FeatureColumn(matrix, self._centre) for name, matrix in self.matrices.items()
        }
        self._grams = {}
        for name, matrix in self.matrices.items():
            wide = matrix.astype(np.float64)
            self._grams[name] = wide.T @ wide

    @property
    def live_count(self) -> int:
        """How many rows count."""
        return len(self.rows) - self.rows.dead_count

    @property
    def means(self) -> F32:
        """The latent vectors of all rows, dead ones included; stale after the next append."""
        return self._latents.means

    @property
    def wants_rebuild(self) -> bool:
        """Whether too many rows are dead, or the centre was taken over too few."""
        dead = self.rows.dead_count
        is_sparse = dead > max(_MIN_DEAD_COUNT, _MAX_DEAD_SHARE * len(self.rows))
        return is_sparse or self.live_count > 2 * self._centred_count + 256

    def prepare(self, items: Items) -> PreparedRows:
        """Returns items ready to be appended."""
        means = np.ascontiguousarray(items.means, np.float32)
        columns = {name: column.project(means) for name, column in self._columns.items()}
        items = Items(items.image_keys, items.product_keys, items.group_keys, means)
        return PreparedRows(items, columns)

    def append(self, prepared: PreparedRows) -> None:
        """Adds rows."""
        norms = [np.square(values).sum(axis=1) for values in prepared.coordinates.values()]
        means = prepared.items.means
        if len(means):
            longest = np.linalg.norm(means - self._centre, axis=1).max()
            self._radius = max(self._radius, float(longest))
        self._latents.append(means, np.stack(norms, axis=1) if norms else np.empty((len(means), 0)))
        for name, values in prepared.coordinates.items():
            self._columns[name].append(values)
        self.rows.append(prepared.items)

    def remove(self, product_keys: Keys) -> None:
        """Makes the rows of some products dead."""
        self.rows.remove(product_keys)

    def rebuilt(self, matrices: Mapping[str, F32]) -> "Content":
        """Returns the live rows under these features, centred anew; this content stays as it is."""
        live = self.rows.live_rows()
        centre = None
        if len(live):
            alive = self.rows.alive[:, None]
            centre = self.means.mean(axis=0, where=alive, dtype=np.float64)
        fresh = Content(self._latents.d, matrices, centre, len(live))
        for start in range(0, len(live), _CHUNK):
            rows = live[start : start + _CHUNK]
            items = Items(
                self.rows.image_keys[rows],
                self.rows.product_keys[rows],
                self.rows.group_keys[rows],
                self.means[rows],
            )
            fresh.append(fresh.prepare(items))
        return fresh

    def select(self, among: Keys | None) -> Selection:
        """Returns the live rows of some products, or all live rows."""
        if among is not None:
            # A store selects in order; only what is not in order may name a product twice.
            is_ascending = bool((among[1:] > among[:-1]).all())
            keys = among if is_ascending else np.unique(among)
            return Selection(len(self.rows), self.rows.rows_of(keys))
        if self.rows.dead_count:
            return Selection(len(self.rows), self.rows.live_rows())
        return Selection(len(self.rows), None)

    def scan(self, query: F32, weights: Mapping[str, float]) -> Scan:
        """Returns the cheapest scan from a latent vector under weights that sum to 1."""
        if len(weights) == 1:
            return self._columns[next(iter(weights))].scan(query, self._radius)
        gram = sum(
            (weight * self._grams[name] for name, weight in weights.items()),
            start=np.zeros((self._latents.d, self._latents.d)),
        )
        by_column = np.array([weights.get(name, 0.0) for name in self.matrices])
        return self._latents.scan(query, gram, by_column, self._centre, self._radius)

    def moments(self) -> tuple[int, F64, F64]:
        """Returns count, mean ``(d,)`` and covariance ``(d, d)`` of the live rows."""
        live, d = self.rows.live_rows(), self._latents.d
        total, products = np.zeros(d), np.zeros((d, d))
        for start in range(0, len(live), _CHUNK):
            centred = self.means[live[start : start + _CHUNK]] - self._centre
            total += centred.sum(axis=0)
            products += centred.T @ centred
        count = max(len(live), 1)
        mean = total / count
        return len(live), mean + self._centre, products / count - np.outer(mean, mean)
