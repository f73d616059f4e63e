"""Serves google.longrunning.Operations over the store's operations."""

import re

import grpc
from google.longrunning import operations_pb2 as pb
from google.longrunning import operations_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from stylefacet.app.operations import OperationRunner
from stylefacet.app.page_tokens import clamp_page_size, make_page_token, read_page_token
from stylefacet.catalog.operations import OperationFilter, OperationStore
from stylefacet.errors import FilterInvalid, InvalidField
from stylefacet.server import convert
from stylefacet.server.convert_operations import write_operation

# A waiting call holds a thread; callers who wait longer ask again.
MAX_WAIT_S = 30.0
_TERM = re.compile(r'\s*(?:done\s*=\s*(?P<done>true|false)|kind\s*=\s*"(?P<kind>[^"]*)")\s*')


class OperationsServicer(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """Thread-safe; waiting looks at the store now and then."""

    def __init__(self, store: OperationStore, runner: OperationRunner) -> None:
        self._store = store
        self._runner = runner

    def GetOperation(
        self, request: pb.GetOperationRequest, context: grpc.ServicerContext
    ) -> pb.Operation:
        """Returns an operation as it stands."""
        return write_operation(self._store.get(_read_id(request.name)))

    def ListOperations(
        self, request: pb.ListOperationsRequest, context: grpc.ServicerContext
    ) -> pb.ListOperationsResponse:
        """Returns a page of operations, the latest first, without their responses."""
        if request.name not in ("", "operations"):
            raise InvalidField("name", f"{request.name[:80]!r} has no operations; leave it out")
        asked = {"method": "ListOperations", "filter": request.filter}
        position = read_page_token(request.page_token, asked)
        operations, following = self._store.list_page(
            _read_filter(request.filter),
            int(position) if position else None,
            clamp_page_size(request.page_size),
        )
        return pb.ListOperationsResponse(
            operations=map(write_operation, operations),
            next_page_token=make_page_token(asked, str(following)) if following else "",
        )

    def DeleteOperation(
        self, request: pb.DeleteOperationRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Forgets an operation that has ended."""
        self._store.delete(_read_id(request.name))
        return Empty()

    def CancelOperation(
        self, request: pb.CancelOperationRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Asks for an operation's end; what it has done stays done."""
        self._runner.cancel(_read_id(request.name))
        return Empty()

    def WaitOperation(
        self, request: pb.WaitOperationRequest, context: grpc.ServicerContext
    ) -> pb.Operation:
        """Returns an operation when it has ended, or as it stands after at most 30 seconds."""
        timeout_s = MAX_WAIT_S
        if request.HasField("timeout"):
            timeout_s = min(timeout_s, request.timeout.ToTimedelta().total_seconds())
        # The answer must arrive before the caller hangs up; without a deadline that is never.
        timeout_s = min(timeout_s, 0.8 * context.time_remaining())
        return write_operation(self._runner.wait(_read_id(request.name), timeout_s))


def _read_id(name: str) -> str:
    return convert.read_name("name", name, "operations")


def _read_filter(text: str) -> OperationFilter:
    """Returns the filter that ``done = false AND kind = "import-products"`` stands for."""
    done: bool | None = None
    kind = ""
    position = 0
    for part in re.split(r"\bAND\b", text) if text.strip() else []:
        match = _TERM.fullmatch(part)
        if match is None:
            raise FilterInvalid(text, position, 'write done = false or kind = "import-products"')
        if match["done"]:
            done = match["done"] == "true"
        else:
            kind = match["kind"]
        position += len(part) + len("AND")
    return OperationFilter(done, kind)
