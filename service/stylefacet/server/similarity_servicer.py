"""Serves SimilarityService: ranked products that explain themselves.

Ranking runs in the shared pool as embedding does: it keeps a core busy, and with a thread for
each caller the threads would fight over the interpreter while none of them gets on.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace

import grpc
import numpy as np
from google.longrunning import operations_pb2

from stylefacet.app.adjustments import Target, TowardProduct
from stylefacet.app.page_tokens import clamp_page_size, make_page_token, read_page_offset
from stylefacet.app.realms import (
    EncoderSet,
    Realm,
    Snapshot,
    embed_query,
    realm_of_product,
    realm_of_products,
)
from stylefacet.app.similarity import MAX_RESULT_COUNT, Query, SimilarityHit
from stylefacet.catalog.store import Store
from stylefacet.errors import EncodersMixed, InvalidField
from stylefacet.server import convert
from stylefacet.server.convert_similarity import (
    read_adjustments,
    read_weights,
    write_comparison,
    write_move,
)
from stylefacet.server.operation_starter import OperationStarter
from stylefacet.v1 import near_duplicates_pb2, similarity_service_pb2_grpc
from stylefacet.v1 import similarity_service_pb2 as pb

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
# The longest a search waits for a change of the catalogue.
MAX_PATIENCE_S = 10.0
# What is kept of a deadline for the search itself and the way back.
_ANSWER_SHARE = 0.2


class SimilarityServicer(similarity_service_pb2_grpc.SimilarityServiceServicer):
    """Thread-safe; embeds, ranks and compares in the shared pool."""

    def __init__(
        self,
        store: Store,
        encoders: EncoderSet,
        starter: OperationStarter,
        pool: Executor,
    ) -> None:
        self._store = store
        self._encoders = encoders
        self._starter = starter
        self._pool = pool

    def SearchSimilarProducts(
        self, request: pb.SearchSimilarProductsRequest, context: grpc.ServicerContext
    ) -> pb.SearchSimilarProductsResponse:
        """Ranks products by their weighted distance from the query."""
        # A search that waits for a change keeps no thread of the pool.
        snapshot = self._encoders.seen(request.min_sequence, _patience_s(context))
        return self._pool.submit(self._search, request, snapshot).result()

    def _search(
        self, request: pb.SearchSimilarProductsRequest, snapshot: Snapshot
    ) -> pb.SearchSimilarProductsResponse:
        weights = read_weights(request.feature_weights)
        targets = read_adjustments(request.adjustments)
        realm, query = self._read_query(request, snapshot)
        if targets and not weights:
            weights = realm.adjuster.default_weights(targets)
        ordering = realm.similarity.ordering(query, weights, targets)
        asked = _fingerprint(request) | {"encoder": realm.encoder_id, "features": ordering}
        size = clamp_page_size(request.page_size, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        offset = read_page_offset(request.page_token, asked)
        self._check_targets(snapshot, realm, targets)
        move = realm.adjuster.adjust(query.means, targets) if targets else None
        if move is not None:
            query = replace(query, means=move.means)
        answer = realm.similarity.search(
            query, weights, request.filter, offset, size, request.group_by_style
        )
        following = offset + size
        more = answer.has_more and following < MAX_RESULT_COUNT
        response = pb.SearchSimilarProductsResponse(
            next_page_token=make_page_token(asked, str(following)) if more else "",
            encoder=f"encoders/{realm.encoder_id}",
            sequence_number=answer.sequence,
            query_novelty=query.novelty,
            query_move=None if move is None else write_move(realm.encoder_id, move),
        )
        for hit in answer.hits:
            _fill_hit(response.similar_products.add(), hit, query.product_id)
        return response

    def CompareProducts(
        self, request: pb.CompareProductsRequest, context: grpc.ServicerContext
    ) -> pb.CompareProductsResponse:
        """Sets products side by side."""
        return self._pool.submit(self._compare, request).result()

    def _compare(self, request: pb.CompareProductsRequest) -> pb.CompareProductsResponse:
        weights = read_weights(request.feature_weights)
        names = [convert.read_name("products", name, "products") for name in request.products]
        realm = realm_of_products(self._encoders.current, self._store, names)
        return write_comparison(realm.encoder_id, realm.comparison.compare(names, weights))

    def FindNearDuplicates(
        self,
        request: near_duplicates_pb2.FindNearDuplicatesRequest,
        context: grpc.ServicerContext,
    ) -> operations_pb2.Operation:
        """Starts a search for groups of products that hardly differ."""
        snapshot = self._encoders.current
        if request.encoder:
            encoder_id = convert.read_name("encoder", request.encoder, "encoders")
            realm = snapshot.of_encoder(encoder_id, "the search")
        else:
            realm = snapshot.only("encoder")
        return self._starter.start_duplicates(request, realm.duplicates)

    def _check_targets(
        self, snapshot: Snapshot, realm: Realm, targets: Mapping[str, Target]
    ) -> None:
        """Refuses to move a query toward a product of another encoder."""
        for target in targets.values():
            if isinstance(target, TowardProduct):
                other = realm_of_product(snapshot, self._store, target.product_id)
                if other.encoder_id != realm.encoder_id:
                    subject = f"products/{target.product_id}"
                    raise EncodersMixed({"the query": realm.encoder_id, subject: other.encoder_id})

    def _read_query(
        self, request: pb.SearchSimilarProductsRequest, snapshot: Snapshot
    ) -> tuple[Realm, Query]:
        match request.WhichOneof("query"):
            case "product":
                product_id = convert.read_name("product", request.product, "products")
                realm = realm_of_product(snapshot, self._store, product_id)
                return realm, realm.similarity.query_by_product(product_id)
            case "content":
                if not request.content:
                    raise InvalidField("content", "is empty; send the image's bytes")
                realm, photo = embed_query(snapshot, request.content, request.category)
                return realm, realm.similarity.query_by_photo(photo)
            case "embedding":
                encoder = convert.read_name(
                    "embedding.encoder", request.embedding.encoder, "encoders"
                )
                realm = snapshot.of_encoder(encoder, "the embedding")
                mean = np.array(request.embedding.mean, dtype=np.float32)
                return realm, realm.similarity.query_by_embedding(encoder, mean)
            case _:
                raise InvalidField("query", "is missing; give a product, content or an embedding")


def _patience_s(context: grpc.ServicerContext) -> float:
    """Returns how long to wait for a change, so that an answer still reaches the caller."""
    # A call without a deadline has centuries left.
    return min(context.time_remaining() * (1 - _ANSWER_SHARE), MAX_PATIENCE_S)


def _fingerprint(request: pb.SearchSimilarProductsRequest) -> dict[str, object]:
    """Returns what a page token is bound to: the request but for its page."""
    copy = pb.SearchSimilarProductsRequest()
    copy.CopyFrom(request)
    copy.ClearField("page_token")
    copy.ClearField("page_size")
    copy.ClearField("min_sequence")
    return {"search": copy.SerializeToString(deterministic=True).hex()}


def _fill_hit(message: pb.SimilarProduct, hit: SimilarityHit, query_product: str) -> None:
    """Writes a hit where it stands in the response: messages made elsewhere would be copied."""
    convert.fill_product(message.product, hit.product)
    message.product_image = f"products/{hit.product.id}/images/{hit.image_id}"
    if hit.query_image_id:
        message.query_image = f"products/{query_product}/images/{hit.query_image_id}"
    message.other_style_product_count = hit.other_style_product_count
    message.squared_distance = hit.squared_distance
    for share in hit.shares:
        message.feature_distances.add(
            feature=f"features/{share.feature}",
            distance=share.distance,
            contribution=share.contribution,
        )
