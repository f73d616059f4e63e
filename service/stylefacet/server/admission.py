"""How many calls are under way, whether more may come, and which take too long; knows no method."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum

import grpc

from stylefacet.app.call_terms import CallTerms
from stylefacet.errors import IndexLoading, Overloaded, ShuttingDown
from stylefacet.server.settings import Settings

_log = logging.getLogger(__name__)
# Calls that overstay are looked for this often, and cut off this long after their time: what
# waits in the service itself refuses them first, with a status that says why.
_LOOK_EVERY_S = 1.0
_CUT_OFF_AFTER_S = 5.0
# A health check is one small message: whoever takes longer to send it only holds a thread.
_HEALTH_LIMIT_S = 1.0


class Stage(StrEnum):
    """What a server is doing as a whole."""

    LOADING = "loading"
    OPEN = "open"
    DRAINING = "draining"


class Visit:
    """One call that was let in; a stream's time starts anew with each of its messages."""

    def __init__(self, context: grpc.ServicerContext, limit_s: float, is_stream: bool) -> None:
        self._context = context
        self._limit_s = limit_s
        self._is_stream = is_stream
        self._moved_at_s = time.monotonic()

    def move(self) -> None:
        """Notes that a message came or went."""
        if self._is_stream:
            self._moved_at_s = time.monotonic()

    def terms(self) -> CallTerms:
        """Returns what the work for this call has to keep to."""
        is_wanted = self._context.is_active
        if self._is_stream:
            return CallTerms(idle_s=self._limit_s, is_wanted=is_wanted)
        asked_s = self._context.time_remaining()
        allowed_s = self._limit_s if asked_s is None else min(asked_s, self._limit_s)
        return CallTerms(self._moved_at_s + allowed_s, is_wanted=is_wanted)

    def cut_off_late(self, now_s: float) -> bool:
        """Ends a call that has overstayed by far; returns whether it had."""
        is_late = now_s - self._moved_at_s > self._limit_s + _CUT_OFF_AFTER_S
        if is_late:
            self._context.cancel()
        return is_late


class Admission:
    """The calls under way and the stage. Thread-safe; ``_lock`` guards both sets of visits."""

    def __init__(
        self,
        settings: Settings,
        promise_place: Callable[[], bool],
        pooled_methods: Collection[str],
    ) -> None:
        """Makes the door of a server that has a pool, in which some methods need a place."""
        self._promise_place = promise_place
        self._pooled_methods = pooled_methods
        self._max_calls = settings.max_concurrent_calls
        self._call_limit_s = settings.call_deadline_s
        self._stream_limit_s = settings.stream_idle_s
        self._lock = threading.Lock()
        self._visits: set[Visit] = set()
        self._health_checks: set[Visit] = set()
        self._is_over = threading.Event()
        self._stage = Stage.LOADING

    @property
    def is_draining(self) -> bool:
        """Whether the server is about to stop: two-way streams end at their next answer."""
        return self._stage is Stage.DRAINING

    @property
    def visit_count(self) -> int:
        """How many calls are under way."""
        return len(self._visits)

    def start(self) -> None:
        """Begins to cut off calls that overstay; none is let in yet."""
        threading.Thread(target=self._cut_off_late, name="late-calls", daemon=True).start()

    def open(self) -> None:
        """Lets calls in from now on."""
        self._stage = Stage.OPEN

    def drain(self) -> None:
        """Lets no more calls in."""
        self._stage = Stage.DRAINING

    def end(self) -> None:
        """Cuts no more calls off."""
        self._is_over.set()

    def has_place(self, method: str) -> bool:
        """Returns whether a call of a method may come in; nothing of what it sends is read yet.

        Raises:
            IndexLoading, ShuttingDown: none may.
        """
        if self._stage is Stage.LOADING:
            raise IndexLoading
        if self._stage is Stage.DRAINING:
            raise ShuttingDown
        if len(self._visits) >= self._max_calls:
            return False
        return method not in self._pooled_methods or self._promise_place()

    def enter(self, context: grpc.ServicerContext, is_stream: bool) -> Visit:
        """Lets a call in, which must :meth:`leave`.

        Raises:
            Overloaded: when as many are under way as may be.
        """
        limit_s = self._stream_limit_s if is_stream else self._call_limit_s
        visit = Visit(context, limit_s, is_stream)
        with self._lock:
            if len(self._visits) >= self._max_calls:
                raise Overloaded
            self._visits.add(visit)
        return visit

    @contextmanager
    def health_check(self, context: grpc.ServicerContext) -> Iterator[None]:
        """Answers a health check inside, whatever else is under way."""
        visit = Visit(context, _HEALTH_LIMIT_S, is_stream=False)
        with self._lock:
            self._health_checks.add(visit)
        try:
            yield
        finally:
            with self._lock:
                self._health_checks.discard(visit)

    def leave(self, visit: Visit) -> None:
        """Notes that a call has ended."""
        with self._lock:
            self._visits.discard(visit)

    def _cut_off_late(self) -> None:
        while not self._is_over.wait(_LOOK_EVERY_S):
            now_s = time.monotonic()
            with self._lock:
                visits = [*self._visits, *self._health_checks]
            late_count = sum(visit.cut_off_late(now_s) for visit in visits)
            if late_count:
                _log.warning("calls cut off", extra={"count": late_count})
