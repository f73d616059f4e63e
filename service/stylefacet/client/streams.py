"""Keeps one two-way stream going: bounded read-ahead, restarts, bad items apart; knows no resource.

At most ``read_ahead`` items are on their way at a time, so memory does not grow with the stream.
When the connection breaks, the items without an answer are sent again: what is done with them
must bear that.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import grpc

from stylefacet.client.transport import Transport
from stylefacet.errors import CallTimedOut, InvalidField, StylefacetError

ItemT = TypeVar("ItemT")
RequestT = TypeVar("RequestT")
OutcomeT = TypeVar("OutcomeT")
ItemT_contra = TypeVar("ItemT_contra", contravariant=True)
OutcomeT_co = TypeVar("OutcomeT_co", covariant=True)

# A server that answers nothing for this long is taken for lost.
STALL_TIMEOUT_S = 120.0
# Once a server has answered, it is given the time of a restart: 26 s with the usual delays.
RECONNECT_ATTEMPTS = 10


class StreamWork(Protocol[ItemT_contra, RequestT, OutcomeT_co]):
    """What a stream carries."""

    # What one item is, in an error's words, and the field that numbers it.
    item_name: str
    number_field: str

    def open(self, requests: Iterator[RequestT]) -> Any:
        """Returns a started call, to iterate and to cancel."""

    def number(self, item: ItemT_contra) -> int:
        """Returns the number by which an answer is known to be the item's."""

    def request(self, item: ItemT_contra) -> RequestT:
        """Returns the message of an item; a StylefacetError or OSError fails the item alone."""

    def answer(self, reply: Any) -> tuple[int, Callable[[ItemT_contra], OutcomeT_co]]:
        """Returns the number in a reply, and what makes the outcome of the item it is for."""

    def failed(self, item: ItemT_contra, error: StylefacetError) -> OutcomeT_co:
        """Returns the outcome of an item that could not be sent."""


class ResumedStream(Generic[ItemT, RequestT, OutcomeT]):
    """One stream's work: iterate it once for the outcomes, in the order they arrive.

    Items are drawn in a thread of gRPC's. ``_pending`` holds the items on their way, guarded by
    ``_lock``; ``_drawing`` lets one attempt at a time draw, so that none is lost between two.
    """

    def __init__(
        self,
        transport: Transport,
        work: StreamWork[ItemT, RequestT, OutcomeT],
        items: Iterable[ItemT],
        read_ahead: int,
        stall_timeout_s: float = STALL_TIMEOUT_S,
    ) -> None:
        if read_ahead < 1:
            raise InvalidField("read_ahead", "must be at least 1")
        self._transport = transport
        self._work = work
        self._items = iter(items)
        self._slots = threading.Semaphore(read_ahead)
        self._stall_timeout_s = stall_timeout_s
        self._drawing = threading.Lock()
        self._lock = threading.Lock()
        self._pending: dict[int, ItemT] = {}
        self._exhausted = False

    def __iter__(self) -> Iterator[OutcomeT]:
        failures = 0
        attempts = self._transport.retry.attempts
        while True:
            attempt: _Attempt[ItemT, OutcomeT] = _Attempt(self._transport, self._work)
            try:
                attempt.start(self._requests(attempt))
                for number, outcome_of in self._events(attempt):
                    with self._lock:
                        item = self._pending.pop(number, None)
                    if item is None:
                        continue
                    failures, attempts = 0, self._attempts_once_answered()
                    self._slots.release()
                    yield outcome_of(item)
            except StylefacetError as error:
                failures += 1
                if error.retry_after_s is not None and self._transport.retry.attempts > 1:
                    # A server that says when to come back is there.
                    attempts = self._attempts_once_answered()
                wait_s = self._transport.wait_before_retry_s(error, failures, attempts)
                if wait_s is None or failures >= attempts:
                    raise
            else:
                if self._exhausted and not self._pending:
                    return
                failures += 1
                if failures >= attempts:
                    raise StylefacetError(
                        f"the server ended the stream before {self._work.item_name} was answered"
                    )
                wait_s = self._transport.retry.delay_s(failures, None, 0.0)
            finally:
                attempt.end()
            self._transport.sleep(wait_s)

    def _attempts_once_answered(self) -> int:
        own = self._transport.retry.attempts
        # Who wants no second attempt gets none, whatever the server told.
        return own if own == 1 else max(own, RECONNECT_ATTEMPTS)

    def _events(
        self, attempt: "_Attempt[ItemT, OutcomeT]"
    ) -> Iterator[tuple[int, Callable[[ItemT], OutcomeT]]]:
        """Yields an attempt's answers until its stream is over; raises what ended it."""
        while True:
            try:
                event = attempt.events.get(timeout=self._stall_timeout_s)
            except queue.Empty:
                if not self._pending:
                    continue  # It is the caller's items that are slow.
                raise CallTimedOut(
                    self._work.item_name, self._transport.address, self._stall_timeout_s
                ) from None
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            yield event

    def _requests(self, attempt: "_Attempt[ItemT, OutcomeT]") -> Iterator[RequestT]:
        """Yields the items without an answer, then new ones; runs in gRPC's thread."""
        with self._drawing, self._lock:
            unanswered = list(self._pending.values())
        for item in unanswered:
            yield from self._request(item, attempt)
        while (drawn := self._draw(attempt)) is not None:
            yield from self._request(drawn, attempt)

    def _draw(self, attempt: "_Attempt[ItemT, OutcomeT]") -> ItemT | None:
        """Returns the next item, once there is room for it; none when there is no next."""
        # Looks up now and then, so that an attempt that is over lets go of its thread.
        while not self._slots.acquire(timeout=0.1):
            if attempt.ended.is_set():
                return None
        with self._drawing:
            item = None if attempt.ended.is_set() else self._next_item(attempt)
            if item is not None:
                number = self._work.number(item)
                with self._lock:
                    if number not in self._pending:
                        self._pending[number] = item
                        return item
                attempt.events.put(InvalidField(self._work.number_field, f"{number} came twice"))
        self._slots.release()
        return None

    def _next_item(self, attempt: "_Attempt[ItemT, OutcomeT]") -> ItemT | None:
        try:
            return next(self._items)
        except StopIteration:
            self._exhausted = True
        except Exception as error:  # the caller's iterator failed: theirs to see, in their thread
            attempt.events.put(error)
        return None

    def _request(self, item: ItemT, attempt: "_Attempt[ItemT, OutcomeT]") -> Iterator[RequestT]:
        try:
            request = self._work.request(item)
        except StylefacetError as error:
            attempt.fail(item, error)
        except OSError as error:
            cause = error.strerror or str(error)
            attempt.fail(item, InvalidField("image", f"cannot be read ({cause})"))
        else:
            yield request


_Event: TypeAlias = tuple[int, Callable[[ItemT], OutcomeT]] | Exception | None


class _Attempt(Generic[ItemT, OutcomeT]):
    """One connection of a stream; events come from two threads through a queue, none at its end."""

    def __init__(self, transport: Transport, work: StreamWork[ItemT, Any, OutcomeT]) -> None:
        self.events: queue.SimpleQueue[_Event[ItemT, OutcomeT]] = queue.SimpleQueue()
        self.ended = threading.Event()
        self._transport = transport
        self._work = work
        self._call: Any = None

    def start(self, requests: Iterator[Any]) -> None:
        """Opens the stream and starts to read what comes back."""
        self._call = self._work.open(requests)
        threading.Thread(target=self._read, daemon=True, name="stream-replies").start()

    def end(self) -> None:
        """Lets go of the stream and its threads."""
        self.ended.set()
        if self._call is not None:
            self._call.cancel()

    def fail(self, item: ItemT, error: StylefacetError) -> None:
        """Answers an item here that could not be sent."""
        self.events.put((self._work.number(item), lambda sent: self._work.failed(sent, error)))

    def _read(self) -> None:
        try:
            for reply in self._call:
                self.events.put(self._work.answer(reply))
        except grpc.RpcError as error:
            self.events.put(self._transport.failure(error, self._transport.timeout_s))
        else:
            self.events.put(None)
