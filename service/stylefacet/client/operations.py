"""The client's calls that start work on the server and follow it; knows no file."""

import math
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from google.longrunning import operations_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from stylefacet.client.conversions import build, optional_name, resource_id, resource_name
from stylefacet.client.operation_values import (
    ImportFailure,
    ImportSummary,
    NearDuplicate,
    NearDuplicateGroup,
    NearDuplicatePair,
    NearDuplicates,
    Operation,
    OperationState,
)
from stylefacet.client.switch_conversions import switch_value
from stylefacet.client.transport import Transport, error_of
from stylefacet.errors import CallTimedOut, ServerUnreachable, ShuttingDown, StylefacetError
from stylefacet.v1 import encoder_switch_pb2, import_products_pb2, near_duplicates_pb2
from stylefacet.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stylefacet.v1.operations_pb2 import ImportSummary as SummaryMessage
from stylefacet.v1.operations_pb2 import OperationMetadata
from stylefacet.v1.similarity_service_pb2_grpc import SimilarityServiceStub

_LIST_PAGE = 100
# How often an operation that is watched is looked at.
_LOOK_INTERVAL_S = 1.0
# A server that has answered once is given this long to come back: a restart with a large index.
_RESTART_S = 120.0
_STATES = {
    OperationMetadata.QUEUED: OperationState.QUEUED,
    OperationMetadata.RUNNING: OperationState.RUNNING,
    OperationMetadata.SUCCEEDED: OperationState.SUCCEEDED,
    OperationMetadata.FAILED: OperationState.FAILED,
    OperationMetadata.CANCELLED: OperationState.CANCELLED,
}


class OperationCalls:
    """The part of the client that has to do with operations."""

    _transport: Transport
    _catalog: CatalogServiceStub
    _similarity: SimilarityServiceStub
    # What comes from googleapis-common-protos has no types.
    _operations: Any

    def import_on_server(
        self,
        manifest: str,
        *,
        columns: Iterable[tuple[str, str]] = (),
        category: str = "",
        replace: bool = False,
        max_deleted_share: float | None = None,
        validate_only: bool = False,
    ) -> Operation:
        """Starts the import of a manifest that lies under the server's import root.

        ``columns`` are pairs of column and field, ``category`` is that of rows that state none.
        With ``replace``, what the manifest does not name is deleted, if that is at most
        ``max_deleted_share`` of the products (0.1 if not given). ``validate_only`` reads the
        manifest and changes nothing.

        Example::

            started = client.import_on_server("2026-11-21/top.csv", replace=True)
            print(client.wait_for_operation(started.operation_id).imported)
        """
        modes = import_products_pb2.ImportProductsRequest
        request = build(
            lambda: import_products_pb2.ImportProductsRequest(
                manifest=manifest,
                column_mappings=[
                    import_products_pb2.ColumnMapping(column=column, field=name)
                    for column, name in columns
                ],
                default_category=category,
                mode=modes.REPLACE if replace else modes.MERGE,
                max_deleted_share=max_deleted_share,
                validate_only=validate_only,
                request_id=uuid.uuid4().hex,
            ),
            "manifest",
        )
        return operation_value(self._transport.call(self._catalog.ImportProducts, request))

    def find_near_duplicates(
        self,
        *,
        alike: Mapping[str, float | None] | Sequence[str] = (),
        different: Mapping[str, float | None] | Sequence[str] = (),
        filter: str = "",
        leave_out_same_style: bool = False,
        max_group_count: int = 0,
        encoder: str = "",
    ) -> Operation:
        """Starts a search for groups of products that are alike, and differ if asked to.

        Features are named alone or with a distance in their own scale, where 1 is that of two
        products drawn at random. No ``alike`` means every latent block not in ``different``.
        ``encoder`` says among whose products, where several serve.

        Example::

            started = client.find_near_duplicates(alike=["collar", "body"], different=["palette"])
            for group in client.wait_for_operation(started.operation_id).duplicates.groups:
                print([product.product_id for product in group.products], group.limits)
        """
        request = build(
            lambda: near_duplicates_pb2.FindNearDuplicatesRequest(
                alike=_thresholds(alike),
                different=_thresholds(different),
                filter=filter,
                leave_out_same_style=leave_out_same_style,
                max_group_count=max_group_count,
                encoder=optional_name("encoders", encoder),
                request_id=uuid.uuid4().hex,
            ),
            "alike",
        )
        return operation_value(self._transport.call(self._similarity.FindNearDuplicates, request))

    def get_operation(self, operation: str) -> Operation:
        """Returns an operation as it stands."""
        request = operations_pb2.GetOperationRequest(name=resource_name("operations", operation))
        return operation_value(self._transport.call(self._operations.GetOperation, request))

    def list_operations(self, filter: str = "") -> Iterator[Operation]:
        """Yields operations, the latest first; a filter is such as ``done = false``."""
        token = ""
        while True:
            request = operations_pb2.ListOperationsRequest(
                filter=filter, page_size=_LIST_PAGE, page_token=token
            )
            page: Any = self._transport.call(self._operations.ListOperations, request)
            yield from map(operation_value, page.operations)
            token = page.next_page_token
            if not token:
                return

    def cancel_operation(self, operation: str) -> None:
        """Asks for an operation's end; what it has done stays done."""
        name = resource_name("operations", operation)
        request = operations_pb2.CancelOperationRequest(name=name)
        self._transport.call(self._operations.CancelOperation, request)

    def delete_operation(self, operation: str) -> None:
        """Forgets an operation that has ended."""
        name = resource_name("operations", operation)
        request = operations_pb2.DeleteOperationRequest(name=name)
        self._transport.call(self._operations.DeleteOperation, request)

    def watch_operation(
        self, operation: str, timeout_s: float | None = None
    ) -> Iterator[Operation]:
        """Yields an operation about once a second and in the end, whatever that is.

        It may go on at a restarted server meanwhile.

        Raises:
            CallTimedOut: when it has not ended within ``timeout_s``; it goes on all the same.
        """
        allowed_s = math.inf if timeout_s is None else timeout_s
        deadline = time.monotonic() + allowed_s
        name = resource_name("operations", operation)
        answered: float | None = None
        while True:
            begin = time.monotonic()
            wait_s = min(_LOOK_INTERVAL_S, max(deadline - begin, 0.0))
            try:
                found = self._look(name, wait_s)
            except (ServerUnreachable, ShuttingDown):
                # The operation goes on at the next server, and so does the watch.
                if answered is None or begin - answered > _RESTART_S:
                    raise
            else:
                answered = time.monotonic()
                yield found
                if found.done:
                    return
            if time.monotonic() >= deadline:
                raise CallTimedOut(name, self._transport.address, allowed_s)
            # A server with many who wait answers at once; it is not to be pestered.
            self._transport.sleep(max(0.0, begin + wait_s - time.monotonic()))

    def _look(self, name: str, wait_s: float) -> Operation:
        """Returns an operation when it has ended, or as it stands after the wait."""
        timeout = Duration()
        timeout.FromMilliseconds(int(1000 * wait_s))
        request = operations_pb2.WaitOperationRequest(name=name, timeout=timeout)
        return operation_value(self._transport.call(self._operations.WaitOperation, request))

    def wait_for_operation(self, operation: str, timeout_s: float | None = None) -> Operation:
        """Returns an operation that has succeeded.

        Raises:
            StylefacetError: what it failed with, or that it was cancelled.
            CallTimedOut: when it has not ended within ``timeout_s``; it goes on all the same.
        """
        for found in self.watch_operation(operation, timeout_s):
            if found.error is not None:
                raise found.error
            if found.done:
                return found
        raise StylefacetError("the server ended the wait")


def operation_value(message: Any) -> Operation:
    """Returns the operation that a ``google.longrunning.Operation`` holds."""
    metadata = OperationMetadata()
    message.metadata.Unpack(metadata)
    imported = None
    if metadata.HasField("import_summary"):
        imported = _summary_value(metadata.import_summary)
    duplicates = near_duplicates_pb2.FindNearDuplicatesResponse()
    switch = encoder_switch_pb2.SwitchEncodersResponse()
    has_response = message.HasField("response")
    found = has_response and message.response.Unpack(duplicates)
    switched = has_response and message.response.Unpack(switch)
    return Operation(
        operation_id=resource_id(message.name),
        kind=metadata.kind,
        state=_STATES.get(metadata.state, OperationState.RUNNING),
        phase=metadata.phase,
        done_count=metadata.done_count,
        total_count=metadata.total_count,
        cancel_requested=metadata.cancel_requested,
        lost_count=metadata.lost_count,
        create_time=_time(metadata, "create_time"),
        start_time=_time(metadata, "start_time"),
        update_time=_time(metadata, "update_time"),
        end_time=_time(metadata, "end_time"),
        error=error_of(message.error) if message.HasField("error") else None,
        imported=imported,
        duplicates=_duplicates_value(duplicates) if found else None,
        switch=switch_value(switch) if switched else None,
    )


def _summary_value(message: SummaryMessage) -> ImportSummary:
    return ImportSummary(
        row_count=message.row_count,
        created_count=message.created_count,
        updated_count=message.updated_count,
        unchanged_count=message.unchanged_count,
        failed_count=message.failed_count,
        deleted_product_count=message.deleted_product_count,
        deleted_image_count=message.deleted_image_count,
        sequence_number=message.sequence_number,
        failures=tuple(
            ImportFailure(f.row_number, f.place, resource_id(f.product), error_of(f.status))
            for f in message.failures
        ),
        notes=tuple(message.notes),
    )


def _duplicates_value(message: near_duplicates_pb2.FindNearDuplicatesResponse) -> NearDuplicates:
    return NearDuplicates(
        groups=tuple(map(_group_value, message.groups)),
        group_count=message.group_count,
        grouped_product_count=message.grouped_product_count,
        product_count=message.product_count,
        image_count=message.image_count,
        pair_count=message.pair_count,
        alike=_distances(message.alike),
        different=_distances(message.different),
        encoder=resource_id(message.encoder),
        sequence_number=message.sequence_number,
    )


def _group_value(message: near_duplicates_pb2.NearDuplicateGroup) -> NearDuplicateGroup:
    return NearDuplicateGroup(
        products=tuple(
            NearDuplicate(
                resource_id(p.product), p.display_name, p.category, p.style_id, p.product_image
            )
            for p in message.products
        ),
        pairs=tuple(
            NearDuplicatePair(p.first, p.second, p.squared_distance, _distances(p.distances))
            for p in message.pairs
        ),
        limits=_distances(message.limits),
        product_count=message.product_count,
    )


def _distances(messages: Any) -> dict[str, float]:
    return {resource_id(message.feature): message.distance for message in messages}


def _thresholds(
    distances: Mapping[str, float | None] | Sequence[str],
) -> list[near_duplicates_pb2.FeatureThreshold]:
    pairs = distances if isinstance(distances, Mapping) else dict.fromkeys(distances)
    return [
        near_duplicates_pb2.FeatureThreshold(
            feature=resource_name("features", name), distance=distance
        )
        for name, distance in pairs.items()
    ]


def _time(
    message: OperationMetadata,
    field: Literal["create_time", "start_time", "update_time", "end_time"],
) -> datetime | None:
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(UTC)
