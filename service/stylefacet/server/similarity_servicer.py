"""Serves SimilarityService: ranked products that explain themselves."""

from concurrent.futures import Executor

import grpc
import numpy as np

from stylefacet.app.page_tokens import clamp_page_size, make_page_token, read_page_token
from stylefacet.app.similarity import MAX_RESULT_COUNT, Query, SimilarityHit, SimilaritySearch
from stylefacet.errors import InvalidField
from stylefacet.server import convert
from stylefacet.v1 import similarity_service_pb2 as pb
from stylefacet.v1 import similarity_service_pb2_grpc

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


class SimilarityServicer(similarity_service_pb2_grpc.SimilarityServiceServicer):
    """Thread-safe; photos in queries are embedded in the shared pool."""

    def __init__(self, similarity: SimilaritySearch, encoder_id: str, pool: Executor) -> None:
        self._similarity = similarity
        self._encoder_id = encoder_id
        self._pool = pool

    def SearchSimilarProducts(
        self, request: pb.SearchSimilarProductsRequest, context: grpc.ServicerContext
    ) -> pb.SearchSimilarProductsResponse:
        """Ranks products by their weighted distance from the query."""
        asked = _fingerprint(request)
        size = clamp_page_size(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        offset = int(read_page_token(request.page_token, asked) or 0)
        weights = _read_weights(request)
        query = self._read_query(request)
        answer = self._similarity.search(
            query, weights, request.filter, offset, size, request.group_by_style
        )
        following = offset + size
        more = answer.has_more and following < MAX_RESULT_COUNT
        return pb.SearchSimilarProductsResponse(
            similar_products=map(_write_hit, answer.hits),
            next_page_token=make_page_token(asked, str(following)) if more else "",
            encoder=f"encoders/{self._encoder_id}",
            sequence_number=answer.sequence,
            query_novelty=query.novelty,
        )

    def _read_query(self, request: pb.SearchSimilarProductsRequest) -> Query:
        match request.WhichOneof("query"):
            case "product":
                product_id = convert.read_name("product", request.product, "products")
                return self._similarity.query_by_product(product_id)
            case "content":
                if not request.content:
                    raise InvalidField("content", "is empty; send the image's bytes")
                return self._pool.submit(self._similarity.query_by_photo, request.content).result()
            case "embedding":
                return self._similarity.query_by_embedding(
                    convert.read_name("embedding.encoder", request.embedding.encoder, "encoders"),
                    np.array(request.embedding.mean, dtype=np.float32),
                )
            case _:
                raise InvalidField("query", "is missing; give a product, content or an embedding")


def _fingerprint(request: pb.SearchSimilarProductsRequest) -> dict[str, object]:
    """Returns what a page token is bound to: the request but for its page."""
    copy = pb.SearchSimilarProductsRequest()
    copy.CopyFrom(request)
    copy.ClearField("page_token")
    copy.ClearField("page_size")
    return {"search": copy.SerializeToString(deterministic=True).hex()}


def _read_weights(request: pb.SearchSimilarProductsRequest) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in request.feature_weights:
        name = convert.read_name("feature_weights.feature", item.feature, "features")
        if name in weights:
            raise InvalidField("feature_weights", f"names feature {name!r} twice")
        weights[name] = item.weight
    return weights


def _write_hit(hit: SimilarityHit) -> pb.SimilarProduct:
    return pb.SimilarProduct(
        product=convert.write_product(hit.product),
        product_image=f"products/{hit.product.id}/images/{hit.image_id}",
        squared_distance=hit.squared_distance,
        feature_distances=[
            pb.FeatureDistance(
                feature=f"features/{share.feature}",
                distance=share.distance,
                contribution=share.contribution,
            )
            for share in hit.shares
        ],
    )
