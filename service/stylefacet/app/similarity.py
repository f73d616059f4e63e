"""Answers feature-level similarity over the catalogue; knows no RPC."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.app.features import FeatureBook
from stylefacet.app.follower import IndexFollower
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.app.selections import FilterSelections
from stylefacet.app.vectors import VectorReader
from stylefacet.catalog.assignment import EVERYTHING, Scope
from stylefacet.catalog.entities import Product, Sequences
from stylefacet.catalog.store import Store
from stylefacet.errors import InvalidField
from stylefacet.inference import EmbeddedPhoto
from stylefacet.search.index import FeatureShare, SimilarityIndex
from stylefacet.search.rows import Keys

# Pages end here: nobody reads on, and every page ranks anew.
MAX_RESULT_COUNT = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """What to be like: latent vectors ``(m, d)`` float32, the nearest of which counts."""

    means: npt.NDArray[np.float32]
    # Where the store stood when the query was read; what it is answered from is no older.
    seen: Sequences
    # A stored product and its key in the index: left out of the results.
    product_id: str = ""
    product_key: int | None = None
    novelty: float = 0.0
    # Of a stored product: which image each vector is.
    image_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SimilarityHit:
    """A hit: the product, the images that matched, and what each feature adds to the distance.

    ``other_style_product_count`` is that of a search by style, zero otherwise.
    """

    product: Product
    image_id: str
    query_image_id: str
    squared_distance: float
    shares: tuple[FeatureShare, ...]
    other_style_product_count: int


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """A page of hits, whether more follow, and what the search saw."""

    hits: list[SimilarityHit]
    has_more: bool
    sequence: int


class SimilaritySearch:
    """Searches the active encoder's vectors. Thread-safe."""

    def __init__(
        self,
        store: Store,
        index: SimilarityIndex,
        follower: IndexFollower,
        features: FeatureBook,
        embedder: PhotoEmbedder,
        scope: Scope = EVERYTHING,
    ) -> None:
        """Makes a search over the products within a scope, which the index holds."""
        self._store = store
        self._index = index
        self._follower = follower
        self._features = features
        self._embedder = embedder
        self._scope = scope
        self._vectors = VectorReader(store, embedder)
        self._selections = FilterSelections(store)

    def query_by_product(self, product_id: str) -> Query:
        """Returns the query of a stored product, by all its images.

        Raises:
            ResourceMissing: for an unknown product or one without an embedded image.
        """
        found = self._vectors.read_query(product_id)
        return Query(
            np.stack([embedding.mean for _, embedding in found.embeddings]),
            found.sequences,
            product_id,
            found.product_key,
            image_ids=tuple(image_id for image_id, _ in found.embeddings),
        )

    def query_by_photo(self, photo: EmbeddedPhoto) -> Query:
        """Returns the query of a photo that is not stored."""
        return Query(photo.mean[None], self._store.sequences(), novelty=photo.novelty)

    def query_by_embedding(self, encoder_id: str, mean: npt.NDArray[np.float32]) -> Query:
        """Returns the query of a latent vector ``(d,)``, possibly edited by the caller.

        Raises:
            EncoderMismatch: for a vector of another encoder.
            InvalidField: for a vector of another length or with a number that is not finite.
        """
        return Query(self._vectors.check(encoder_id, mean)[None], self._store.sequences())

    def search(
        self,
        query: Query,
        weights: Mapping[str, float],
        filter_text: str,
        offset: int,
        limit: int,
        group_by_style: bool,
    ) -> SearchAnswer:
        """Returns hits ``offset`` to ``offset + limit``, nearest first.

        No weights count every latent block once. The filter applies before the ranking.

        Raises:
            InvalidField: for bad weights or a bad filter.
            ResourceMissing: for an unknown feature.
        """
        self._follower.catch_up(query.seen.latest)
        self._features.catch_up(query.seen.of_features)
        among = self._selections.select(filter_text, query.seen.latest)
        without = [] if query.product_key is None else [query.product_key]
        wanted = min(offset + limit + 1, MAX_RESULT_COUNT)
        result = self._index.search(
            query.means,
            weights or self._features.block_weights(),
            wanted,
            among=among,
            without=without,
            grouped=group_by_style,
        )
        page = result.hits[offset : offset + limit]
        found = self._store.products_by_images(hit.image_key for hit in page)
        counts: Counter[str] = Counter()
        if group_by_style:
            styles = {product.style_id for product, _ in found.values()} - {""}
            counts = self._count_by_style(styles, among, without)
        hits = [
            SimilarityHit(
                product,
                image_id,
                query.image_ids[hit.query_number] if query.image_ids else "",
                hit.distance2,
                hit.shares,
                # The hit itself is counted too, unless it was changed since the search.
                max(counts[product.style_id] - 1, 0),
            )
            for hit in page
            # An image or product deleted since the search is no hit any more.
            if hit.image_key in found
            for product, image_id in [found[hit.image_key]]
        ]
        return SearchAnswer(hits, len(result.hits) > offset + limit, result.sequence)

    def _count_by_style(
        self, styles: Collection[str], among: Keys | None, without: Collection[int]
    ) -> Counter[str]:
        """Returns how many products of each style a search could find."""
        found = self._store.find_of_styles(styles, self._embedder.encoder.id, self._scope)
        if among is not None:
            keys = np.array([key for key, _ in found], np.int64)
            passes = among.take(np.searchsorted(among, keys), mode="clip") == keys
            found = [pair for pair, passed in zip(found, passes, strict=True) if passed]
        return Counter(style for key, style in found if key not in without)

    def wait_for(self, sequence: int, timeout_s: float) -> None:
        """Returns once searches see a change of the catalogue.

        Raises:
            InvalidField: for a negative number; ChangeNotSeen when the time is over.
        """
        if sequence < 0:
            raise InvalidField("min_sequence", f"{sequence} is negative")
        if sequence:
            self._follower.wait_for(sequence, timeout_s)

    def ordering(
        self, query: Query, weights: Collection[str], adjusted: Collection[str]
    ) -> dict[str, str]:
        """Returns what the order of results hangs on: the version of each feature that counts.

        Raises:
            ResourceMissing: for an unknown feature.
        """
        counted = weights or self._features.block_weights()
        live = self._features.select((*counted, *adjusted), query.seen.of_features)
        return {
            feature.name: f"{feature.version} {feature.projection.scale!r} {feature.create_time}"
            for feature in live
        }
