"""Reads how a caller wants a write: only tried, or once; knows no use case."""

import copy
import hashlib
from typing import TypeAlias

from stylefacet.catalog.entities import WriteTerms
from stylefacet.errors import InvalidField
from stylefacet.limits import RESOURCE_ID, RESOURCE_ID_RULE
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import feature_service_pb2 as feature

WriteRequest: TypeAlias = (
    catalog.UpdateProductRequest
    | catalog.BatchUpdateProductsRequest
    | catalog.DeleteProductRequest
    | catalog.CreateProductImageRequest
    | catalog.DeleteProductImageRequest
    | feature.CreateFeatureRequest
    | feature.FitFeatureRequest
    | feature.UpdateFeatureRequest
    | feature.DeleteFeatureRequest
)


def read_terms(request: WriteRequest) -> WriteTerms:
    """Returns the terms of a write; the digest covers the kind of request and all it says.

    Raises:
        InvalidField: for a request id that is none.
    """
    if not request.request_id:
        return WriteTerms(request.validate_only)
    if not RESOURCE_ID.fullmatch(request.request_id):
        raise InvalidField("request_id", f"{request.request_id[:140]!r} must be {RESOURCE_ID_RULE}")
    bare = copy.deepcopy(request)
    bare.ClearField("request_id")
    digest = hashlib.sha256(request.DESCRIPTOR.full_name.encode())
    digest.update(bare.SerializeToString(deterministic=True))
    return WriteTerms(request.validate_only, request.request_id, digest.hexdigest())
