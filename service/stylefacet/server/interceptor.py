"""What every call has in common: access, admission and the error map; knows no use case."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from grpc_status import rpc_status

from stylefacet.app.call_terms import set_call_terms
from stylefacet.errors import (
    Code,
    InvalidField,
    MethodUnclassed,
    Overloaded,
    ShuttingDown,
    StylefacetError,
)
from stylefacet.server.access import HEALTH_SERVICE, AccessCheck
from stylefacet.server.admission import Admission, Visit
from stylefacet.server.status import internal_status, overloaded_status, to_status
from stylefacet.server.watching import REQUEST_ID_HEADER, CallWatch

_log = logging.getLogger(__name__)
# Under this name calls of methods that do not exist are counted, whatever they were.
_UNKNOWN_METHOD = "unknown"

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"


@dataclass(frozen=True, slots=True)
class _Caller:
    """A call as it stands at the door."""

    method: str
    metadata: Mapping[str, str]
    token_name: str = ""


class CallInterceptor(grpc.ServerInterceptor):
    """Lets calls in or refuses them, aborts with rich statuses, has each call watched.

    Thread-safe. A refusal is the same for calls of every kind and reads nothing of what they
    send: the very thread that takes calls in refuses them, for a hop to another would cost more
    than all the rest of it. ``door`` are the threads that answer health checks, so that they are
    quick however busy the others are. Every handler is made one that takes a stream of requests:
    a call waits for its message when it has been let in, not before.
    """

    def __init__(
        self,
        access: AccessCheck,
        admission: Admission,
        watch: CallWatch,
        door: ThreadPoolExecutor,
    ) -> None:
        self._access = access
        self._admission = admission
        self._watch = watch
        self._door = door
        # One handler a method serves all its refusals.
        self._busy_refusals: dict[str, _Handler] = {}

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler],
        details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Wraps the handler of a call; unknown methods pass through to gRPC's own refusal."""
        handler = continuation(details)
        method = details.method
        known = method if handler is not None else _UNKNOWN_METHOD
        entries = tuple(details.invocation_metadata or ())
        try:
            token_name = self._access.admit(method, entries)
            if handler is None:
                return None
            if method.startswith(f"/{HEALTH_SERVICE}/"):
                return self._answer_at_door(handler)
            if not self._admission.has_place(method):
                return self._busy_refusal(method)
        except MethodUnclassed as error:
            return None if handler is None else self._refusal(known, _status_of(error))
        except StylefacetError as error:
            return self._refusal(known, _status_of(error))
        return self._wrap(handler, _Caller(known, _as_mapping(entries), token_name))

    def _busy_refusal(self, method: str) -> _Handler:
        """Refuses a call because there are too many, as often and as fast as there are."""
        if method not in self._busy_refusals:
            self._busy_refusals[method] = self._refusal(method, overloaded_status())
        return self._busy_refusals[method]

    def _refusal(self, method: str, status: grpc.Status) -> _Handler:
        # The error itself is not kept: it holds the frames that it went through, and one of them
        # holds this handler. Under overload the collector of such circles kept everybody waiting.

        def refuse(requests: Any, context: grpc.ServicerContext) -> Any:
            request_id = self._watch.refused(
                method,
                _as_mapping(context.invocation_metadata()),
                status.code.name,
                lambda: _certificate_name(context),
            )
            _abort(context, request_id, status)

        return grpc.stream_unary_rpc_method_handler(_OnThreads(refuse, _AT_ONCE))

    def _answer_at_door(self, handler: "grpc.RpcMethodHandler[Any, Any]") -> _Handler:
        if handler.response_streaming:
            watch = _OnThreads(handler.unary_stream, self._door, experimental_non_blocking=True)
            return grpc.unary_stream_rpc_method_handler(
                watch, handler.request_deserializer, handler.response_serializer
            )
        check: Any = handler.unary_unary

        def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
            with self._admission.health_check(context):
                return check(_only(requests), context)

        return grpc.stream_unary_rpc_method_handler(
            _OnThreads(answer, self._door),
            handler.request_deserializer,
            handler.response_serializer,
        )

    def _wrap(self, handler: "grpc.RpcMethodHandler[Any, Any]", caller: _Caller) -> _Handler:
        asks_by_stream = handler.request_streaming

        def let_in(context: grpc.ServicerContext) -> _Call:
            return _Call(self._admission, self._watch, caller, context, handler.response_streaming)

        if not handler.response_streaming:
            inner: Any = handler.stream_unary if asks_by_stream else handler.unary_unary

            def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
                with let_in(context):
                    return inner(requests if asks_by_stream else _only(requests), context)

            return grpc.stream_unary_rpc_method_handler(
                answer, handler.request_deserializer, handler.response_serializer
            )

        streaming: Any = handler.stream_stream if asks_by_stream else handler.unary_stream

        def stream(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            with let_in(context) as visit:
                asked = _noted(requests, visit) if asks_by_stream else _only(requests)
                for response in streaming(asked, context):
                    yield response
                    visit.move()
                    if asks_by_stream and self._admission.is_draining:
                        # The caller sends what has no answer yet to a server that stays.
                        raise ShuttingDown

        return grpc.stream_stream_rpc_method_handler(
            stream, handler.request_deserializer, handler.response_serializer
        )


class _AtOnce(ThreadPoolExecutor):
    """Runs what is submitted before it returns, on the thread that submits it.

    A pool that starts no thread: gRPC heeds a behaviour's executor only if it is one of this class.
    """

    def __init__(self) -> None:
        super().__init__(1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Returns a future that is done; what ``fn`` returned is dropped."""
        try:
            fn(*args, **kwargs)
        except Exception as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed
        return _DONE


_AT_ONCE = _AtOnce()
_DONE: Future[Any] = Future()
_DONE.set_result(None)


class _OnThreads:
    """A handler's behaviour that gRPC runs on threads of its own, by an attribute it looks for."""

    def __init__(
        self,
        behaviour: Any,
        threads: Executor,
        experimental_non_blocking: bool = False,
    ) -> None:
        self._behaviour = behaviour
        self.experimental_thread_pool = threads
        self.experimental_non_blocking = experimental_non_blocking

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._behaviour(*args, **kwargs)


class _Call:
    """A call that comes in, to its end; a context manager, entered in the call's own context."""

    def __init__(
        self,
        admission: Admission,
        watch: CallWatch,
        caller: _Caller,
        context: grpc.ServicerContext,
        is_stream: bool,
    ) -> None:
        self._admission = admission
        self._watch = watch
        self._caller = caller
        self._context = context
        self._is_stream = is_stream
        self._visit: Visit | None = None

    def __enter__(self) -> Visit:
        caller = self._caller
        name = caller.token_name or _certificate_name(self._context)
        self._watched = self._watch.begin(caller.method, caller.metadata, name)
        self._request_id = self._watched.request_id
        self._context.set_trailing_metadata(((REQUEST_ID_HEADER, self._request_id),))
        try:
            self._visit = self._admission.enter(self._context, self._is_stream)
        except StylefacetError as error:
            self._watched.end(error.code.name)
            _abort(self._context, self._request_id, _status_of(error))
            raise
        set_call_terms(self._visit.terms())
        return self._visit

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> None:
        if self._visit is not None:
            self._admission.leave(self._visit)
        if error is None:
            self._watched.end("OK")
        elif isinstance(error, StylefacetError):
            self._watched.end(error.code.name)
            _abort(self._context, self._request_id, _status_of(error))
        elif isinstance(error, GeneratorExit | grpc.RpcError):
            # The caller went away; gRPC closes the stream's generator, or its requests raise.
            self._watched.end("CANCELLED")
        elif isinstance(error, Exception):
            _log.error(
                "call failed",
                exc_info=(type(error), error, error.__traceback__),
                extra={"method": self._caller.method, "request_id": self._request_id},
            )
            self._watched.end(Code.INTERNAL.name)
            status = rpc_status.to_status(internal_status(self._request_id))
            _abort(self._context, self._request_id, status)


def _abort(context: grpc.ServicerContext, request_id: str, refusal: grpc.Status) -> None:
    """Ends a call by raising what gRPC for Python takes for its end."""
    # `abort_with_status` would put the details in the place of the request id.
    entries = ((REQUEST_ID_HEADER, request_id), *refusal.trailing_metadata)
    context.set_trailing_metadata(entries)
    context.abort(refusal.code, refusal.details)


def _as_mapping(entries: Iterable[Any]) -> Mapping[str, str]:
    return {key: str(value) for key, value in entries}


def _status_of(error: StylefacetError) -> grpc.Status:
    if type(error) is Overloaded:
        return overloaded_status()
    status: grpc.Status = rpc_status.to_status(to_status(error))
    return status


def _certificate_name(context: grpc.ServicerContext) -> str:
    """Returns the common name in a caller's certificate; empty when it showed none."""
    names = context.auth_context().get("x509_common_name", ())
    return next((bytes(name).decode("utf-8", "replace")[:64] for name in names), "")


def _only(requests: Iterator[Any]) -> Any:
    """Returns the one request of a call that sends one."""
    for request in requests:
        return request
    raise InvalidField("request", "is missing; send one message")


def _noted(requests: Iterator[Any], visit: Visit) -> Iterator[Any]:
    for request in requests:
        visit.move()
        yield request
