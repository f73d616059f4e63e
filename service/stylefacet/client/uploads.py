"""Sends rows of a catalogue up one stream and brings back what became of each; reads no files.

Sending a row again is harmless: the server skips what it has already.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from stylefacet.client.conversions import OUTCOMES, product_message, resource_id
from stylefacet.client.transport import Transport, error_of
from stylefacet.client.values import Outcome, UploadOutcome, UploadRow
from stylefacet.errors import ImageTooLarge, ImageUndecodable, StylefacetError
from stylefacet.limits import MAX_IMAGE_BYTES
from stylefacet.v1 import catalog_service_pb2 as catalog_pb
from stylefacet.v1.catalog_service_pb2_grpc import CatalogServiceStub

# Enough to keep a server of a few dozen cores busy; 32 photos of 200 kB are 6 MB.
READ_AHEAD_ROWS = 32


class UploadWork:
    """What an upload's stream carries: rows up, outcomes down."""

    item_name = "a row of the upload"
    number_field = "row_number"

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._stub = CatalogServiceStub(transport.channel)

    def open(self, requests: Iterator[catalog_pb.UploadProductsRequest]) -> Any:
        """Returns a started upload."""
        return self._transport.stream(self._stub.UploadProducts, requests)

    def number(self, item: UploadRow) -> int:
        """Returns the row's number."""
        return item.row_number

    def request(self, item: UploadRow) -> catalog_pb.UploadProductsRequest:
        """Returns the message of a row, whose photo is read now."""
        content = item.read_content() if item.read_content else b""
        if len(content) > MAX_IMAGE_BYTES:
            raise ImageTooLarge(len(content), MAX_IMAGE_BYTES, "bytes")
        if item.read_content and not content:
            # Without this the product would be written and its photo silently missed.
            raise ImageUndecodable("it is empty")
        return catalog_pb.UploadProductsRequest(
            row_number=item.row_number,
            product=product_message(item.product),
            content=content,
            product_image_id=item.image_id,
        )

    def answer(self, reply: Any) -> tuple[int, Callable[[UploadRow], UploadOutcome]]:
        """Returns the row that a reply is for, and its outcome."""
        outcome = _outcome(reply)
        return reply.row_number, lambda row: replace(
            outcome, product_id=resource_id(row.product.product_id)
        )

    def failed(self, item: UploadRow, error: StylefacetError) -> UploadOutcome:
        """Returns the outcome of a row that could not be sent."""
        product_id = resource_id(item.product.product_id)
        return UploadOutcome(item.row_number, product_id, Outcome.FAILED, error)


def _outcome(response: catalog_pb.UploadProductsResponse) -> UploadOutcome:
    failed = response.HasField("status") and response.status.code != 0
    kind = Outcome.FAILED if failed else OUTCOMES.get(response.outcome, Outcome.FAILED)
    error = error_of(response.status) if failed else None
    if kind is Outcome.FAILED and error is None:
        error = StylefacetError("the server did not say what became of the row")
    return UploadOutcome(
        row_number=response.row_number,
        product_id="",
        outcome=kind,
        error=error,
        image_name=response.product_image,
        sequence_number=response.sequence_number,
    )
