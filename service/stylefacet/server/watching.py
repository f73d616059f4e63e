"""Follows each call from the door to its end: one access line, its metrics, its span.

It knows methods, codes and times, and nothing of what a call carries.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, copy_context
from typing import Protocol

from stylefacet.app.operations import OperationInterrupted, Task, Work
from stylefacet.catalog.operations import JsonObject
from stylefacet.errors import Code, StylefacetError
from stylefacet.server.metrics import Metrics
from stylefacet.stages import StageRun, watch_stages

_log = logging.getLogger("stylefacet.server.calls")
REQUEST_ID_HEADER = "x-request-id"
_MAX_REQUEST_ID_LENGTH = 64
# Lines a second about calls that are refused because the server is busy: telling each of them
# would cost more than refusing it, and fill the disk.
_REFUSALS_TOLD = 10
_request_id: ContextVar[str] = ContextVar("request_id", default="")


class Span(Protocol):
    """A call or an operation in a trace."""

    def stage_ends(self, run: StageRun) -> None:
        """Adds a stage below it."""

    def end(self, code: str) -> None:
        """Ends it."""


class Tracing(Protocol):
    """Where traces go; :mod:`stylefacet.server.tracing` over OpenTelemetry."""

    def start(self, name: str, request_id: str, metadata: Mapping[str, str]) -> Span:
        """Starts a span, below the caller's when its metadata names one."""

    def close(self) -> None:
        """Sends what has not been sent."""


def current_request_id() -> str:
    """Returns the id of the call or operation that this context works for; empty outside."""
    return _request_id.get()


class CallWatch:
    """Watches the calls and operations of one server. Thread-safe."""

    def __init__(self, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self._metrics = metrics
        self._tracing = tracing
        self._access_log = _AccessLog()

    def begin(
        self, method: str, metadata: Mapping[str, str], caller_name: str = ""
    ) -> "WatchedCall":
        """Starts to watch a call in its own context, which ends with it."""
        request_id = _request_id_of(metadata)
        method = method.removeprefix("/")
        self._metrics.call_begins()
        span = self._start_span(method, request_id, metadata)
        return WatchedCall(method, request_id, caller_name, self._metrics, span, self._access_log)

    def refused(
        self,
        method: str,
        metadata: Mapping[str, str],
        code: str,
        caller_name: Callable[[], str],
    ) -> str:
        """Notes a call that is not let in, which takes no time; returns its request id."""
        request_id = _request_id_of(metadata)
        method = method.removeprefix("/")
        self._metrics.call_refused(method, code)
        if self._tracing is not None:
            self._tracing.start(method, request_id, metadata).end(code)
        self._access_log.tell(method, code, 0.0, request_id, caller_name)
        return request_id

    def watched(self, kind: str, work: Work) -> Work:
        """Returns an operation's work, counted, its stages timed, its id in the log's lines."""
        self._metrics.operation_known(kind)

        def run(task: Task) -> JsonObject:
            # A context of its own: the threads that run operations are used again.
            return copy_context().run(self._run, kind, work, task)

        return run

    def _run(self, kind: str, work: Work, task: Task) -> JsonObject:
        span = self._start_span(f"operation {kind}", task.operation_id, {})
        code = "UNKNOWN"
        try:
            result = work(task)
            code = "OK"
            return result
        except StylefacetError as error:
            code = error.code.name
            raise
        except OperationInterrupted:
            # Another server goes on with it, or this one after its restart.
            code = "INTERRUPTED"
            raise
        finally:
            self._metrics.operation_ends(kind, code)
            if span is not None:
                span.end(code)

    def _start_span(self, name: str, request_id: str, metadata: Mapping[str, str]) -> Span | None:
        span = None if self._tracing is None else self._tracing.start(name, request_id, metadata)
        _request_id.set(request_id)

        def stage_ends(run: StageRun) -> None:
            self._metrics.stage_ends(run)
            if span is not None:
                span.stage_ends(run)

        watch_stages(stage_ends)
        return span


class WatchedCall:
    """A call under way; :meth:`end` it once."""

    def __init__(
        self,
        method: str,
        request_id: str,
        caller_name: str,
        metrics: Metrics,
        span: Span | None,
        access_log: "_AccessLog",
    ) -> None:
        self._access_log = access_log
        self.method = method
        self.request_id = request_id
        self._caller_name = caller_name
        self._metrics = metrics
        self._span = span
        self._start = time.perf_counter()

    def end(self, code: str) -> None:
        """Counts the call under its code and writes the access line."""
        duration_s = time.perf_counter() - self._start
        self._metrics.call_ends(self.method, code, duration_s)
        if self._span is not None:
            self._span.end(code)
        self._access_log.tell(
            self.method, code, duration_s, self.request_id, lambda: self._caller_name
        )


class _AccessLog:
    """Writes a line for each call; of many refusals a second only some. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since_s = 0.0
        self._told_count = 0
        self._untold_count = 0

    def tell(
        self,
        method: str,
        code: str,
        duration_s: float,
        request_id: str,
        caller_name: Callable[[], str],
    ) -> None:
        """Writes a call's line; a refusal's tells how many before it had none."""
        untold_count: int | None = 0
        if code == Code.RESOURCE_EXHAUSTED.name:
            untold_count = self._take_untold()
            if untold_count is None:
                return
        caller = caller_name()
        _log.info(
            "call",
            extra={
                "method": method,
                "code": code,
                "duration_ms": round(duration_s * 1000, 2),
                "request_id": request_id,
                **({"caller": caller} if caller else {}),
                **({"untold_refusals": untold_count} if untold_count else {}),
            },
        )

    def _take_untold(self) -> int | None:
        """Returns how many were kept back before this one; none when it is to be so too."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._since_s >= 1:
                self._since_s, self._told_count = now_s, 0
            if self._told_count == _REFUSALS_TOLD:
                self._untold_count += 1
                return None
            self._told_count += 1
            untold_count, self._untold_count = self._untold_count, 0
            return untold_count


def _request_id_of(metadata: Mapping[str, str]) -> str:
    """Returns the id that a caller gave, or a new one; no secret, and made without the system."""
    given = metadata.get(REQUEST_ID_HEADER, "")[:_MAX_REQUEST_ID_LENGTH]
    return given or f"{random.getrandbits(128):032x}"
