"""Shorthand for the tests of operations: start, wait, read what came of them."""

from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from stylefacet.v1.operations_pb2 import OperationMetadata


class Operations:
    """The Operations service of a running server."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub: Any = operations_pb2_grpc.OperationsStub(channel)

    def get(self, name: str) -> Any:
        return self.stub.GetOperation(operations_pb2.GetOperationRequest(name=name))

    def wait(self, operation: Any, timeout_s: int = 20) -> Any:
        """Returns an operation when it has ended, or after the timeout."""
        request = operations_pb2.WaitOperationRequest(
            name=operation.name, timeout=Duration(seconds=timeout_s)
        )
        return self.stub.WaitOperation(request)

    def list(self, **fields: Any) -> Any:
        return self.stub.ListOperations(operations_pb2.ListOperationsRequest(**fields))

    def cancel(self, name: str) -> None:
        self.stub.CancelOperation(operations_pb2.CancelOperationRequest(name=name))

    def delete(self, name: str) -> None:
        self.stub.DeleteOperation(operations_pb2.DeleteOperationRequest(name=name))


def metadata_of(operation: Any) -> OperationMetadata:
    """Returns what an operation says of itself."""
    metadata = OperationMetadata()
    assert operation.metadata.Unpack(metadata)
    return metadata


def response_of(operation: Any, response: Message) -> Any:
    """Returns the response of an operation that succeeded, as a message of that kind."""
    assert operation.done
    assert operation.response.Unpack(response), operation.error
    return response


def reason_of(operation: Any) -> str:
    """Returns the reason an operation failed with."""
    info = error_details_pb2.ErrorInfo()
    assert operation.error.details[0].Unpack(info)
    return str(info.reason)
