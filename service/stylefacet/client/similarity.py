"""The client's calls that measure how alike products are; knows no file."""

from collections.abc import Mapping, Sequence

from stylefacet.client import conversions as convert
from stylefacet.client.conversions import build, one_of, resource_id, resource_name
from stylefacet.client.similarity_values import (
    Adjustment,
    Comparison,
    FeatureComparison,
    ProductPair,
)
from stylefacet.client.transport import Transport
from stylefacet.client.values import Embedding, FeatureMove, QueryMove, SearchResult
from stylefacet.errors import InvalidField
from stylefacet.limits import MAX_SEARCH_PAGE, MAX_SEARCH_RESULTS
from stylefacet.v1 import similarity_service_pb2 as similarity_pb
from stylefacet.v1.similarity_service_pb2_grpc import SimilarityServiceStub


class SimilarityCalls:
    """The part of the client that searches and compares."""

    _transport: Transport
    _similarity: SimilarityServiceStub

    def search(
        self,
        *,
        product: str | None = None,
        content: bytes | None = None,
        embedding: Embedding | None = None,
        weights: Mapping[str, float] | None = None,
        adjustments: Sequence[Adjustment] = (),
        filter: str = "",
        limit: int = 20,
        group_by_style: bool = False,
        min_sequence: int = 0,
        category: str = "",
    ) -> SearchResult:
        """Returns the products nearest to a stored one, an encoded photo or an embedding.

        ``weights`` are by feature; none means every latent block once, and every adjusted feature
        twice. ``adjustments`` move the query first: "like 4711, but with long sleeves". ``limit``
        may exceed a page; at most 1000 hits are ever found. ``min_sequence``, such as the
        ``sequence_number`` of what the caller wrote, makes the search wait until it sees that.
        Where several encoders serve, a photo is looked for among the products of its ``category``'s
        encoder or, without one, of the encoder that suits it best.

        Example::

            client.search(product="4711", adjustments=[Adjustment("sleeve", value="long")])
        """
        one_of(product=product, content=content, embedding=embedding)
        if not 1 <= limit <= MAX_SEARCH_RESULTS:
            raise InvalidField("limit", f"must lie between 1 and {MAX_SEARCH_RESULTS}")
        request = similarity_pb.SearchSimilarProductsRequest(
            product=resource_name("products", product) if product is not None else None,
            content=content,
            embedding=convert.embedding_message(embedding) if embedding is not None else None,
            feature_weights=_weight_messages(weights),
            adjustments=map(_adjustment_message, adjustments),
            filter=filter,
            # The same for every page: tokens are bound to the request.
            page_size=min(limit, MAX_SEARCH_PAGE),
            group_by_style=group_by_style,
            min_sequence=min_sequence,
            category=category,
        )
        hits = []
        while True:
            page = self._transport.call(self._similarity.SearchSimilarProducts, request)
            hits += [convert.hit_value(hit) for hit in page.similar_products]
            request.page_token = page.next_page_token
            if not request.page_token or len(hits) >= limit:
                break
        return SearchResult(
            hits=tuple(hits[:limit]),
            encoder=resource_id(page.encoder),
            sequence_number=page.sequence_number,
            query_novelty=page.query_novelty,
            query_move=_move_value(page.query_move) if page.HasField("query_move") else None,
        )

    def compare(
        self, products: Sequence[str], weights: Mapping[str, float] | None = None
    ) -> Comparison:
        """Returns how 2 to 10 products stand to one another in every feature.

        ``weights`` choose which images of two products are compared; none means every latent
        block once.

        Example::

            print(client.compare(["4711", "4712", "4713"]).summary)
        """
        request = build(
            lambda: similarity_pb.CompareProductsRequest(
                products=[resource_name("products", product) for product in products],
                feature_weights=_weight_messages(weights),
            ),
            "products",
        )
        reply = self._transport.call(self._similarity.CompareProducts, request)
        return Comparison(
            products=tuple(map(convert.product_value, reply.products)),
            pairs=tuple(map(_pair_value, reply.pairs)),
            summary=reply.summary,
            encoder=resource_id(reply.encoder),
            sequence_number=reply.sequence_number,
        )


def _weight_messages(weights: Mapping[str, float] | None) -> list[similarity_pb.FeatureWeight]:
    return [
        similarity_pb.FeatureWeight(feature=resource_name("features", feature), weight=weight)
        for feature, weight in (weights or {}).items()
    ]


def _adjustment_message(adjustment: Adjustment) -> similarity_pb.FeatureAdjustment:
    one_of(value=adjustment.value, product=adjustment.product, units=adjustment.units)
    product = adjustment.product
    return build(
        lambda: similarity_pb.FeatureAdjustment(
            feature=resource_name("features", adjustment.feature),
            value=adjustment.value,
            product=resource_name("products", product) if product is not None else None,
            units=adjustment.units,
            share=adjustment.share,
            order=adjustment.order,
        ),
        "adjustments",
    )


def _move_value(message: similarity_pb.QueryMove) -> QueryMove:
    return QueryMove(
        latent_distance=message.latent_distance,
        features=tuple(
            FeatureMove(
                resource_id(move.feature),
                move.requested,
                move.distance,
                move.value_before,
                move.value_after,
            )
            for move in message.feature_moves
        ),
        embeddings=tuple(map(convert.embedding_value, message.embeddings)),
    )


def _pair_value(message: similarity_pb.ProductPair) -> ProductPair:
    return ProductPair(
        product_id=message.product_image.split("/")[1],
        other_product_id=message.other_product_image.split("/")[1],
        image_name=message.product_image,
        other_image_name=message.other_product_image,
        squared_distance=message.squared_distance,
        features=tuple(
            FeatureComparison(
                resource_id(c.feature), c.distance, c.nearer_share, c.alike, c.value, c.other_value
            )
            for c in message.feature_comparisons
        ),
    )
