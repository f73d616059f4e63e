"""The four services of a running server, and how to read what a call failed with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from stylefacet.limits import CHANNEL_OPTIONS
from stylefacet.v1 import (
    catalog_service_pb2 as catalog,
)
from stylefacet.v1 import (
    catalog_service_pb2_grpc,
    encoder_service_pb2_grpc,
    feature_service_pb2_grpc,
    product_pb2,
    similarity_service_pb2,
    similarity_service_pb2_grpc,
)
from tests.conftest import photo


class Stubs:
    """Stubs over one channel, with shorthand for what most tests arrange."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self.encoder = encoder_service_pb2_grpc.EncoderServiceStub(channel)
        self.feature = feature_service_pb2_grpc.FeatureServiceStub(channel)
        self.similarity = similarity_service_pb2_grpc.SimilarityServiceStub(channel)

    def upload(self, count: int, **fields: Any) -> list[catalog.UploadProductsResponse]:
        """Uploads products p0, p1, … with a photo each."""
        rows = [upload_row(n, photo(n), **fields) for n in range(count)]
        return list(self.catalog.UploadProducts(iter(rows)))

    def image_ids(self, product: str) -> list[str]:
        """Returns the ids of a product's images."""
        request = catalog.ListProductImagesRequest(parent=f"products/{product}")
        images = self.catalog.ListProductImages(request).product_images
        return [image.name.rsplit("/", maxsplit=1)[-1] for image in images]

    def search(self, product: str = "p0", **fields: Any) -> Any:
        """Searches by a stored product."""
        weights = fields.pop("weights", {})
        request = similarity_service_pb2.SearchSimilarProductsRequest(
            product=f"products/{product}",
            feature_weights=[
                similarity_service_pb2.FeatureWeight(feature=f"features/{name}", weight=weight)
                for name, weight in weights.items()
            ],
            **fields,
        )
        return self.similarity.SearchSimilarProducts(request)


def upload_row(number: int, content: bytes, **fields: Any) -> catalog.UploadProductsRequest:
    """Returns a row of an upload: product p{number}, category top unless told otherwise."""
    product = product_pb2.Product(**({"name": f"products/p{number}", "category": "top"} | fields))
    return catalog.UploadProductsRequest(row_number=number, product=product, content=content)


@contextmanager
def connect(address: str) -> Iterator[Stubs]:
    """Yields stubs of the server at an address."""
    with grpc.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        yield Stubs(channel)


@contextmanager
def fails_with(
    code: grpc.StatusCode, reason: str, message: str = ""
) -> Iterator[status_pb2.Status]:
    """Expects a call to fail with a code, a reason in its ErrorInfo and a text in its message.

    Yields the status, which is filled in when the call has failed.
    """
    failed = status_pb2.Status()
    with pytest.raises(grpc.RpcError) as caught:
        yield failed
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    assert (caught.value.code(), info.reason) == (code, reason), status.message
    assert message in status.message
    failed.CopyFrom(status)


class _Waiting:
    """Requests that end when an event is set; any number of calls may draw from them."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._over.wait()
        raise StopIteration


@contextmanager
def never() -> Iterator[Iterator[Any]]:
    """Yields requests that do not come as long as the context lasts."""
    over = threading.Event()
    yield _Waiting(over)
    over.set()
