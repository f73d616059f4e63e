"""Answers feature-level similarity over the catalogue; knows no RPC."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.app.features import FeatureBook
from stylefacet.app.follower import IndexFollower
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.app.vectors import VectorReader
from stylefacet.catalog.entities import Product
from stylefacet.catalog.filter import parse_filter
from stylefacet.catalog.store import Store
from stylefacet.search.index import FeatureShare, SimilarityIndex

# Pages end here: nobody reads on, and every page ranks anew.
MAX_RESULT_COUNT = 1000


@dataclass(frozen=True, slots=True)
class Query:
    """What to be like: latent vectors ``(m, d)`` float32, the nearest of which counts."""

    means: npt.NDArray[np.float32]
    # Left out of the results.
    product_id: str = ""
    novelty: float = 0.0


@dataclass(frozen=True, slots=True)
class SimilarityHit:
    """A hit: the product, the image that matched, and what each feature adds to the distance."""

    product: Product
    image_id: str
    squared_distance: float
    shares: tuple[FeatureShare, ...]


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
    ) -> None:
        self._store = store
        self._index = index
        self._follower = follower
        self._features = features
        self._embedder = embedder
        self._vectors = VectorReader(store, embedder)

    def query_by_product(self, product_id: str) -> Query:
        """Returns the query of a stored product, by all its images.

        Raises:
            ResourceMissing: for an unknown product or one without an embedded image.
        """
        found = self._vectors.of_product(product_id)
        return Query(np.stack([embedding.mean for _, embedding in found]), product_id)

    def query_by_photo(self, content: bytes) -> Query:
        """Returns the query of an encoded photo, which is not stored."""
        photo = self._embedder.embed(content)
        return Query(photo.mean[None], novelty=photo.novelty)

    def query_by_embedding(self, encoder_id: str, mean: npt.NDArray[np.float32]) -> Query:
        """Returns the query of a latent vector ``(d,)``, possibly edited by the caller.

        Raises:
            EncoderMismatch: for a vector of another encoder.
            InvalidField: for a vector of another length or with a number that is not finite.
        """
        return Query(self._vectors.check(encoder_id, mean)[None])

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
        self._follower.catch_up()
        self._features.catch_up()
        condition = parse_filter(filter_text) if filter_text.strip() else None
        among = None if condition is None else self._store.select_product_keys(condition)
        keys = self._store.find_product_keys([query.product_id]) if query.product_id else {}
        wanted = min(offset + limit + 1, MAX_RESULT_COUNT)
        result = self._index.search(
            query.means,
            weights or self._features.block_weights(),
            wanted,
            among=among,
            without=list(keys.values()),
            grouped=group_by_style,
        )
        page = result.hits[offset : offset + limit]
        products = self._store.products_by_keys(hit.product_key for hit in page)
        images = self._store.find_image_ids(hit.image_key for hit in page)
        hits = [
            SimilarityHit(
                products[hit.product_key], images[hit.image_key], hit.distance2, hit.shares
            )
            for hit in page
            # A product deleted since the search is no hit any more.
            if hit.product_key in products and hit.image_key in images
        ]
        return SearchAnswer(hits, len(result.hits) > offset + limit, result.sequence)
