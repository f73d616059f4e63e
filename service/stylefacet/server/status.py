"""Turns failures into google.rpc.Status with standard details, in one place for all calls."""

from functools import cache

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from stylefacet.errors import InvalidField, Overloaded, StylefacetError

ERROR_DOMAIN = "stylefacet.dev"


def to_status(error: StylefacetError) -> status_pb2.Status:
    """Returns the status of a deliberate failure: its code, message and details."""
    status = status_pb2.Status(code=int(error.code), message=error.message)
    _add(
        status,
        error_details_pb2.ErrorInfo(
            reason=error.reason, domain=ERROR_DOMAIN, metadata=error.metadata
        ),
    )
    if isinstance(error, InvalidField):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.metadata.get("field", ""),
            description=error.metadata.get("description", error.message),
            reason=error.reason,
        )
        _add(status, error_details_pb2.BadRequest(field_violations=[violation]))
    if "resource_name" in error.metadata:
        _add(
            status,
            error_details_pb2.ResourceInfo(
                resource_type=error.metadata.get("resource_type", ""),
                resource_name=error.metadata["resource_name"],
            ),
        )
    if "subject" in error.metadata:
        violation_of_state = error_details_pb2.PreconditionFailure.Violation(
            type=error.reason, subject=error.metadata["subject"], description=error.message
        )
        _add(status, error_details_pb2.PreconditionFailure(violations=[violation_of_state]))
    if error.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(error.retry_after_s * 1000))
        _add(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


@cache
def overloaded_status() -> grpc.Status:
    """Returns the status of every refusal by a busy server, which has no time to make it anew."""
    status: grpc.Status = rpc_status.to_status(to_status(Overloaded()))
    return status


def internal_status(request_id: str) -> status_pb2.Status:
    """Returns the status of a failure that is ours: a fixed text and where to look it up."""
    error = StylefacetError("internal error", {"request_id": request_id})
    return to_status(error)


def _add(status: status_pb2.Status, detail: error_details_pb2.ErrorInfo) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
