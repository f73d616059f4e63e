"""The index: products by distance under any weights, exactly; a cache that the store can rebuild.

It knows features as named maps and nothing of how they were made; the arrays come from the store.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stylefacet.errors import ResourceMissing
from stylefacet.search.content import Content
from stylefacet.search.locks import ReadWriteLock
from stylefacet.search.pairs import Snapshot
from stylefacet.search.ranking import F32, F64, Metric, Ranking, rank
from stylefacet.search.rows import Items, Keys
from stylefacet.search.scans import Scan
from stylefacet.search.selection import Selection
from stylefacet.search.weights import normalise_weights
from stylefacet.stages import Stage, stage

# Rows asked for beyond the limit, so that the bound usually holds at once.
_SPARE_ROWS = 16
# So few rows are measured at once.
_FEW_ROWS = 512


# A search makes hundreds of these two, and a named tuple in a fifth of a frozen dataclass's time.
class FeatureShare(NamedTuple):
    """One feature's part in a hit: plain distance, and what it adds to the squared distance."""

    feature: str
    distance: float
    contribution: float


class Hit(NamedTuple):
    """A product found: the image that matched, which query vector it matched, and why.

    ``distance2`` is the weighted mean of the squared feature distances; the contributions of
    ``shares`` add up to it.
    """

    product_key: int
    image_key: int
    query_number: int
    distance2: float
    shares: tuple[FeatureShare, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, nearest first, and the sequence number of the store that they reflect."""

    hits: list[Hit]
    sequence: int


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean ``(d,)`` and covariance ``(d, d)`` of the indexed vectors, float64.

    Two random items lie ``2 * trace(M covariance M')`` apart in mean square under a map ``M``.
    """

    count: int
    mean: F64
    covariance: F64


class SimilarityIndex:
    """Ranks products by the smallest distance between their images and the query's.

    Exact: the hits are those of brute force in float64. FAISS proposes candidates with a proven
    error bound, they are measured in float64, and if the bound leaves a doubt FAISS is asked for
    every row within it. Equal distances are ordered by product key.

    Thread-safe. ``_lock`` guards ``_content`` and ``_sequence``: searches share it, and the short
    part of a change that touches the arrays has it alone. ``_writer`` lets one change at a time
    prepare its arrays, while searches go on.
    """

    def __init__(self, d: int) -> None:
        """Makes an empty index over latent vectors of ``d`` dimensions, without features."""
        self._content = Content(d)
        self._sequence = 0
        self._lock = ReadWriteLock()
        self._writer = threading.Lock()

    @property
    def image_count(self) -> int:
        """How many images can be found."""
        with self._lock.reading():
            return self._content.live_count

    @property
    def sequence(self) -> int:
        """The sequence number of the store up to which the index follows it."""
        with self._lock.reading():
            return self._sequence

    @property
    def feature_names(self) -> list[str]:
        """The features that weights may name, in order."""
        with self._lock.reading():
            return sorted(self._content.matrices)

    # Changes

    def set_features(self, matrices: Mapping[str, F32]) -> None:
        """Makes these the features: maps ``(k, d)`` float32, each multiplied by its scale."""
        with self._writer:
            self._swap(self._content.with_features(matrices), self._sequence)

    def add_feature(self, name: str, matrix: F32) -> None:
        """Adds a feature, or replaces the one of that name."""
        with self._writer:
            matrices = dict(self._content.matrices) | {name: matrix}
            self._swap(self._content.with_features(matrices), self._sequence)

    def remove_feature(self, name: str) -> None:
        """Removes a feature; an unknown one is passed over."""
        with self._writer:
            matrices = dict(self._content.matrices)
            if matrices.pop(name, None) is not None:
                self._swap(self._content.with_features(matrices), self._sequence)

    def add(self, items: Items, sequence: int | None = None) -> None:
        """Adds images, also to products that are there."""
        self._change(np.empty(0, np.int64), items, sequence)

    def replace(self, product_keys: Keys, items: Items | None, sequence: int | None = None) -> None:
        """Forgets every image of some products and adds others, in one step.

        That is how a change of the store is followed: ``product_keys`` are the products that
        changed or were deleted, ``items`` what the store has of them now.
        """
        self._change(np.unique(np.asarray(product_keys, np.int64)), items, sequence)

    def _change(self, removed: Keys, items: Items | None, sequence: int | None) -> None:
        with stage(Stage.INDEXING), self._writer:
            content = self._content
            rows = content.prepare(items) if items is not None and len(items.means) else None
            with self._lock.writing():
                content.remove(removed)
                if rows is not None:
                    content.append(rows)
                if sequence is not None:
                    self._sequence = sequence
            if content.wants_rebuild:
                self._swap(content.rebuilt(), self._sequence)

    def _swap(self, content: Content, sequence: int) -> None:
        with self._lock.writing():
            self._content, self._sequence = content, sequence

    # Questions

    def search(
        self,
        queries: F32,
        weights: Mapping[str, float],
        limit: int,
        *,
        among: Keys | None = None,
        without: Sequence[int] = (),
        grouped: bool = False,
    ) -> SearchResult:
        """Returns the ``limit`` products nearest to any of the query vectors ``(m, d)``.

        Only products ``among`` those keys (all, for None) and not ``without`` those; with
        ``grouped``, only the best product of each group. Fewer hits only if fewer products match.

        Raises: InvalidField for weights that cannot be used; ResourceMissing for a feature that
        is not there.
        """
        normalised = normalise_weights(weights)
        with stage(Stage.SEARCH), self._lock.reading():
            content = self._content
            metric = _metric(content, normalised)
            ranking = _Search(content, metric, normalised, queries, limit, grouped).run(
                content.select(among), np.unique(np.asarray(without, np.int64))
            )
            hits = _hits(content, metric, ranking)
            return SearchResult(hits, self._sequence)

    def moments(self) -> Moments:
        """Returns the moments of all indexed vectors, from which the spread of any map follows."""
        with self._lock.reading():
            return Moments(*self._content.moments())

    def sample(self, count: int, rng: np.random.Generator) -> F32:
        """Returns up to ``count`` vectors ``(n, d)``, each of another image, drawn at random."""
        with self._lock.reading():
            live = self._content.rows.live_rows()
            rows = rng.choice(live, min(count, len(live)), replace=False)
            return np.array(self._content.means[rows])

    def snapshot(self, among: Keys | None = None) -> Snapshot:
        """Returns a copy of the images of some products (all, for None), to work on at leisure."""
        with self._lock.reading():
            table = self._content.rows
            rows = np.sort(self._content.select(among).rows)
            items = Items(
                table.image_keys[rows],
                table.product_keys[rows],
                table.group_keys[rows],
                self._content.means[rows],
            )
            return Snapshot(items, dict(self._content.matrices), self._sequence)


class _Search:
    """One search over content that does not change meanwhile."""

    def __init__(
        self,
        content: Content,
        metric: Metric,
        weights: Mapping[str, float],
        queries: F32,
        limit: int,
        grouped: bool,
    ) -> None:
        self._content = content
        self._metric = metric
        self._queries = queries
        self._limit = limit
        self._weights = weights
        table = content.rows
        groups = table.group_keys if grouped else table.product_keys
        self._keys = (groups, table.product_keys, table.image_keys)

    def run(self, selection: Selection, without: Keys) -> Ranking:
        """Returns the exact ranking."""
        if not len(selection) or self._limit <= 0:
            return self._rank(np.empty(0, np.int64), without)
        if len(selection) <= _FEW_ROWS:
            return self._rank(selection.rows, without)
        scan = self._content.scan(self._queries, self._weights, selection)
        if not np.isfinite(scan.error_bound):
            return self._rank(selection.rows, without)
        count = self._limit + _SPARE_ROWS + len(self._content.rows.rows_of(without))
        while True:
            rows, edge = scan.nearest(count, selection)
            ranking = self._rank(rows, without)
            if len(ranking.rows) == self._limit or edge == np.inf:
                return self._settle(ranking, scan, edge, selection, without)
            # Groups are crowded, or have many rows; all rows at last.
            count *= 4

    def _settle(
        self, ranking: Ranking, scan: Scan, edge: float, selection: Selection, without: Keys
    ) -> Ranking:
        """Returns the ranking if no row left out can belong in it, else that of every such row."""
        worst = float(ranking.distances[-1]) if len(ranking.distances) else np.inf
        if edge == np.inf or edge > worst + scan.error_bound:
            return ranking
        return self._rank(scan.within(worst + scan.error_bound, selection), without)

    def _rank(self, rows: Keys, without: Keys) -> Ranking:
        if len(without):
            rows = rows[~np.isin(self._content.rows.product_keys[rows], without)]
        return rank(self._metric, self._queries, self._content.means, rows, self._keys, self._limit)


def _metric(content: Content, weights: Mapping[str, float]) -> Metric:
    try:
        matrices = {name: content.wide_matrix(name) for name in weights}
    except KeyError as error:
        raise ResourceMissing(
            "feature", str(error.args[0]), "list the features to see their names"
        ) from None
    return Metric(matrices, weights)


def _hits(content: Content, metric: Metric, ranking: Ranking) -> list[Hit]:
    products = content.rows.product_keys[ranking.rows].tolist()
    images = content.rows.image_keys[ranking.rows].tolist()
    distances = np.sqrt(ranking.squares).tolist()
    contributions = metric.contributions(ranking.squares).tolist()
    numbers, distances2 = ranking.query_numbers.tolist(), ranking.distances.tolist()
    return [
        Hit(
            products[i],
            images[i],
            numbers[i],
            distances2[i],
            tuple(map(FeatureShare, metric.names, distances[i], contributions[i])),
        )
        for i in range(len(products))
    ]
