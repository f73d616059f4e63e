"""What every call has in common: admission, the error map, one access line; knows no use case."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import grpc
from grpc_status import rpc_status

from stylefacet.errors import Code, Overloaded, StylefacetError
from stylefacet.server.status import internal_status, to_status

_log = logging.getLogger(__name__)
REQUEST_ID_HEADER = "x-request-id"
_UNLIMITED = ("/grpc.health.v1.Health/", "/grpc.reflection.")


_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


class CallInterceptor(grpc.ServerInterceptor):
    """Admits a bounded number of calls, aborts with rich statuses, logs one line a call.

    Thread-safe: the semaphore counts the calls under way. Health and reflection are always let in.
    """

    def __init__(self, max_concurrent_calls: int) -> None:
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
        given = dict(details.invocation_metadata or ()).get(REQUEST_ID_HEADER, "")
        request_id = str(given)[:64] if given else uuid.uuid4().hex

        if not handler.response_streaming:
            inner: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary

            def call(request: Any, context: grpc.ServicerContext) -> Any:
                with _Call(self._slots, method, request_id, context):
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
            with _Call(self._slots, method, request_id, context):
                yield from streaming(request, context)

        make_stream = (
            grpc.stream_stream_rpc_method_handler
            if asks_by_stream
            else grpc.unary_stream_rpc_method_handler
        )
        return make_stream(stream, handler.request_deserializer, handler.response_serializer)


class _Call:
    """One call from the door to its access line; a context manager."""

    def __init__(
        self,
        slots: threading.BoundedSemaphore,
        method: str,
        request_id: str,
        context: grpc.ServicerContext,
    ) -> None:
        self._slots = slots
        self._method = method
        self._request_id = request_id
        self._context = context

    def __enter__(self) -> None:
        self._start = time.perf_counter()
        self._context.set_trailing_metadata(((REQUEST_ID_HEADER, self._request_id),))
        if not self._slots.acquire(blocking=False):
            error = Overloaded()
            self._write_line(error.code.name)
            self._context.abort_with_status(rpc_status.to_status(to_status(error)))

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        self._slots.release()
        if error is None:
            self._write_line("OK")
        elif isinstance(error, StylefacetError):
            self._write_line(error.code.name)
            self._context.abort_with_status(rpc_status.to_status(to_status(error)))
        elif isinstance(error, GeneratorExit):
            # The caller went away; gRPC closes the stream's generator.
            self._write_line("CANCELLED")
        elif isinstance(error, Exception):
            _log.error(
                "call failed",
                exc_info=(type(error), error, error.__traceback__),
                extra={"method": self._method, "request_id": self._request_id},
            )
            self._write_line(Code.INTERNAL.name)
            self._context.abort_with_status(rpc_status.to_status(internal_status(self._request_id)))

    def _write_line(self, code: str) -> None:
        _log.info(
            "call",
            extra={
                "method": self._method,
                "code": code,
                "duration_ms": round((time.perf_counter() - self._start) * 1000, 2),
                "request_id": self._request_id,
            },
        )
