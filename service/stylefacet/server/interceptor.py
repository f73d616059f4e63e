"""What every call has in common: admission and the error map; knows no use case."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from stylefacet.errors import Code, Overloaded, StylefacetError
from stylefacet.server.status import internal_status, to_status
from stylefacet.server.watching import REQUEST_ID_HEADER, CallWatch

_log = logging.getLogger(__name__)
_UNLIMITED = ("/grpc.health.v1.Health/", "/grpc.reflection.")


_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


class CallInterceptor(grpc.ServerInterceptor):
    """Admits a bounded number of calls, aborts with rich statuses, has each call watched.

    Thread-safe: the semaphore counts the calls under way. Health and reflection are always let in.
    """

    def __init__(self, max_concurrent_calls: int, watch: CallWatch) -> None:
        self._watch = watch
        self._slots = threading.BoundedSemaphore(max_concurrent_calls)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler],
        details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Wraps the handler of a call; unknown methods pass through to gRPC's own refusal."""
        handler = continuation(details)
        method = details.method
        if handler is None or method.startswith(_UNLIMITED):
            return handler
        metadata = {key: str(value) for key, value in details.invocation_metadata or ()}

        def watched(context: grpc.ServicerContext) -> _Call:
            return _Call(self._slots, self._watch, method, metadata, context)

        if not handler.response_streaming:
            inner: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary

            def call(request: Any, context: grpc.ServicerContext) -> Any:
                with watched(context):
                    return inner(request, context)

            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
            return make(call, handler.request_deserializer, handler.response_serializer)

        asks_by_stream = handler.request_streaming
        streaming: Any = handler.stream_stream if asks_by_stream else handler.unary_stream

        def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with watched(context):
                yield from streaming(request, context)

        make_stream = (
            grpc.stream_stream_rpc_method_handler
            if asks_by_stream
            else grpc.unary_stream_rpc_method_handler
        )
        return make_stream(stream, handler.request_deserializer, handler.response_serializer)


class _Call:
    """One call from the door to its end; a context manager, entered in the call's own context."""

    def __init__(
        self,
        slots: threading.BoundedSemaphore,
        watch: CallWatch,
        method: str,
        metadata: Mapping[str, str],
        context: grpc.ServicerContext,
    ) -> None:
        self._slots = slots
        self._watch = watch
        self._method = method
        self._metadata = metadata
        self._context = context

    def __enter__(self) -> None:
        self._watched = self._watch.begin(self._method, self._metadata)
        self._request_id = self._watched.request_id
        self._context.set_trailing_metadata(((REQUEST_ID_HEADER, self._request_id),))
        if not self._slots.acquire(blocking=False):
            error = Overloaded()
            self._watched.end(error.code.name)
            self._abort(to_status(error))

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        self._slots.release()
        if error is None:
            self._watched.end("OK")
        elif isinstance(error, StylefacetError):
            self._watched.end(error.code.name)
            self._abort(to_status(error))
        elif isinstance(error, GeneratorExit):
            # The caller went away; gRPC closes the stream's generator.
            self._watched.end("CANCELLED")
        elif isinstance(error, Exception):
            _log.error(
                "call failed",
                exc_info=(type(error), error, error.__traceback__),
                extra={"method": self._method, "request_id": self._request_id},
            )
            self._watched.end(Code.INTERNAL.name)
            self._abort(internal_status(self._request_id))

    def _abort(self, status: status_pb2.Status) -> None:
        refusal = rpc_status.to_status(status)
        # `abort_with_status` would put the details in the place of the request id.
        request_id = (REQUEST_ID_HEADER, self._request_id)
        self._context.set_trailing_metadata((request_id, *refusal.trailing_metadata))
        self._context.abort(refusal.code, refusal.details)
