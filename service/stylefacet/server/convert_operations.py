"""Between operations' messages and the documents the store keeps; knows no use case's work."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from stylefacet.app.duplicates import DEFAULT_GROUP_COUNT, DUPLICATES_KIND, DuplicateTerms
from stylefacet.app.imports import DEFAULT_MAX_DELETED_SHARE, IMPORT_KIND, ImportTerms
from stylefacet.app.realms import SWITCH_KIND
from stylefacet.catalog.entities import RowStatus
from stylefacet.catalog.operations import Operation, OperationState, operation_name
from stylefacet.errors import InvalidField, StylefacetError
from stylefacet.server import convert
from stylefacet.server.convert_switch import write_switch
from stylefacet.server.status import to_status
from stylefacet.v1 import import_products_pb2, near_duplicates_pb2
from stylefacet.v1 import operations_pb2 as metadata_pb2

_STATES = {
    OperationState.QUEUED: metadata_pb2.OperationMetadata.QUEUED,
    OperationState.RUNNING: metadata_pb2.OperationMetadata.RUNNING,
    OperationState.SUCCEEDED: metadata_pb2.OperationMetadata.SUCCEEDED,
    OperationState.FAILED: metadata_pb2.OperationMetadata.FAILED,
    OperationState.CANCELLED: metadata_pb2.OperationMetadata.CANCELLED,
}


def read_import(request: import_products_pb2.ImportProductsRequest) -> ImportTerms:
    """Returns what an import is asked to do."""
    share = DEFAULT_MAX_DELETED_SHARE
    if request.HasField("max_deleted_share"):
        share = request.max_deleted_share
    return ImportTerms(
        manifest=request.manifest,
        columns=tuple((mapping.column, mapping.field) for mapping in request.column_mappings),
        category=request.default_category,
        replace=request.mode == import_products_pb2.ImportProductsRequest.REPLACE,
        max_deleted_share=share,
        validate_only=request.validate_only,
    )


def read_duplicates(
    request: near_duplicates_pb2.FindNearDuplicatesRequest, encoder_id: str
) -> DuplicateTerms:
    """Returns what near duplicates to look for."""
    return DuplicateTerms(
        alike=_read_thresholds("alike", request.alike),
        different=_read_thresholds("different", request.different),
        filter=request.filter,
        leave_out_same_style=request.leave_out_same_style,
        max_group_count=request.max_group_count or DEFAULT_GROUP_COUNT,
        encoder_id=encoder_id,
    )


def write_operation(operation: Operation) -> operations_pb2.Operation:
    """Returns the message of an operation; the response of one that was listed is left out."""
    message = operations_pb2.Operation(name=operation_name(operation.id), done=operation.done)
    message.metadata.Pack(_write_metadata(operation))
    if operation.error is not None:
        message.error.CopyFrom(to_status(operation.error))
    elif operation.result is not None:
        response = _RESPONSES[operation.kind](operation.result)
        packed = AnyMessage()
        packed.Pack(response)
        message.response.CopyFrom(packed)
    return message


def _write_metadata(operation: Operation) -> metadata_pb2.OperationMetadata:
    progress: Mapping[str, Any] = operation.progress
    message = metadata_pb2.OperationMetadata(
        kind=operation.kind,
        state=_STATES[operation.state],
        create_time=_timestamp(operation.create_time),
        start_time=_timestamp(operation.start_time),
        update_time=_timestamp(operation.update_time),
        end_time=_timestamp(operation.end_time),
        phase=progress.get("phase", ""),
        done_count=progress.get("done_count", 0),
        total_count=progress.get("total_count", 0),
        cancel_requested=operation.cancel_requested,
        lost_count=operation.lost_count,
    )
    if operation.kind == IMPORT_KIND and progress.get("detail"):
        message.import_summary.CopyFrom(_write_summary(progress["detail"]))
    return message


def _write_summary(document: Mapping[str, Any]) -> metadata_pb2.ImportSummary:
    counts = document["counts"]
    return metadata_pb2.ImportSummary(
        row_count=document["row_count"],
        created_count=counts.get(RowStatus.CREATED, 0),
        updated_count=counts.get(RowStatus.UPDATED, 0),
        unchanged_count=counts.get(RowStatus.UNCHANGED, 0),
        failed_count=counts.get(RowStatus.FAILED, 0),
        failures=[
            metadata_pb2.ImportFailure(
                row_number=failure["row_number"],
                place=failure["place"],
                product=failure["product_id"] and f"products/{failure['product_id']}",
                status=to_status(
                    StylefacetError.from_wire(
                        failure["reason"], failure["message"], failure["metadata"]
                    )
                ),
            )
            for failure in document["failures"]
        ],
        deleted_product_count=document["deleted_product_count"],
        deleted_image_count=document["deleted_image_count"],
        sequence_number=document["sequence"],
        notes=document["notes"],
    )


def _write_import(document: Mapping[str, Any]) -> Message:
    return import_products_pb2.ImportProductsResponse(summary=_write_summary(document))


def _write_duplicates(document: Mapping[str, Any]) -> Message:
    return near_duplicates_pb2.FindNearDuplicatesResponse(
        groups=map(_write_group, document["groups"]),
        group_count=document["group_count"],
        grouped_product_count=document["grouped_product_count"],
        product_count=document["product_count"],
        image_count=document["image_count"],
        pair_count=document["pair_count"],
        alike=_write_thresholds(document["alike"]),
        different=_write_thresholds(document["different"]),
        encoder=f"encoders/{document['encoder']}",
        sequence_number=document["sequence"],
    )


def _write_group(document: Mapping[str, Any]) -> near_duplicates_pb2.NearDuplicateGroup:
    return near_duplicates_pb2.NearDuplicateGroup(
        product_count=document["product_count"],
        products=[
            near_duplicates_pb2.NearDuplicate(
                product=f"products/{product['product_id']}",
                display_name=product["display_name"],
                category=product["category"],
                style_id=product["style_id"],
                product_image=product["image_id"]
                and f"products/{product['product_id']}/images/{product['image_id']}",
            )
            for product in document["products"]
        ],
        pairs=[
            near_duplicates_pb2.NearDuplicatePair(
                first=pair["first"],
                second=pair["second"],
                squared_distance=pair["squared_distance"],
                distances=_write_thresholds(pair["distances"]),
            )
            for pair in document["pairs"]
        ],
        limits=_write_thresholds(document["limits"]),
    )


_RESPONSES: Mapping[str, Callable[[Mapping[str, Any]], Message]] = {
    IMPORT_KIND: _write_import,
    DUPLICATES_KIND: _write_duplicates,
    SWITCH_KIND: write_switch,
}


def _read_thresholds(
    field: str, messages: Iterable[near_duplicates_pb2.FeatureThreshold]
) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for message in messages:
        name = convert.read_name(f"{field}.feature", message.feature, "features")
        if name in found:
            raise InvalidField(field, f"names feature {name!r} twice")
        found[name] = message.distance if message.HasField("distance") else None
    return found


def _write_thresholds(
    distances: Mapping[str, float],
) -> list[near_duplicates_pb2.FeatureThreshold]:
    return [
        near_duplicates_pb2.FeatureThreshold(feature=f"features/{name}", distance=distance)
        for name, distance in sorted(distances.items())
    ]


def _timestamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
