"""Runs the work of a stream ahead of its answers, in order and in bounded memory; knows no RPC."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as NotYetDone
from contextvars import copy_context
from functools import partial
from typing import Generic, TypeVar

from stylefacet.app.call_terms import call_terms
from stylefacet.errors import StreamIdle

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
# Seconds after which a waiting thread looks whether the other end is gone.
_POLL_S = 0.5
# Photos in one turn of a thread: in batches of four the shipped encoder takes a sixth less time
# for each, eight gain nothing more, and whoever waits for a thread waits for a whole turn.
PHOTOS_TOGETHER = 4


class Pipeline(Generic[_Item, _Result]):
    """Feeds a stream's items to an executor, at most ``depth`` of them in work at once.

    One thread reads the items; the consumer iterates :meth:`batches`. Items that wait for a thread
    are worked on up to ``together`` at a time: ``work`` takes some and returns as many results.
    One that finds a thread free does not wait for others.

    ``_lock`` guards the items that wait and the number of turns that will come for them, which
    always suffices for all.
    """

    def __init__(
        self,
        items: Iterable[_Item],
        work: Callable[[Sequence[_Item]], Sequence[_Result]],
        pool: Executor,
        depth: int,
        together: int = PHOTOS_TOGETHER,
    ) -> None:
        self._items = items
        self._work = work
        self._pool = pool
        self._depth = depth
        self._together = together
        self._slots = threading.Semaphore(depth)
        self._lock = threading.Lock()
        self._waiting: deque[tuple[_Item, Future[_Result]]] = deque()
        self._turn_count = 0
        self._futures: queue.SimpleQueue[Future[_Result] | None] = queue.SimpleQueue()
        self._closed = threading.Event()

    def batches(self, linger_s: float = 0.0) -> Iterator[list[_Result]]:
        """Yields the results in the order of the items, in batches of all that are ready.

        A consumer that pays for each batch, such as one that commits it to disk, lets others
        ``linger_s`` for what is in work: for half the depth at most, and never for items that
        have not come yet.

        Raises:
            StreamIdle: when the items' caller lets its stream rest for too long.
        """
        # In the caller's context: what is timed in the pool belongs to the caller's stream.
        feed = partial(copy_context().run, self._feed)
        threading.Thread(target=feed, name="stream-reader", daemon=True).start()
        limit = max(self._depth // 2, 1) if linger_s else self._depth
        pending: Future[_Result] | None = None
        ended = False
        try:
            while not ended:
                future = pending or self._next()
                pending = None
                if future is None:
                    return
                batch = [self._take(future)]
                until_s = time.monotonic() + linger_s
                while not ended and pending is None and len(batch) < limit:
                    try:
                        following = self._futures.get_nowait()
                    except queue.Empty:
                        break
                    if following is None:
                        ended = True
                    elif _is_done(following, until_s - time.monotonic()):
                        batch.append(self._take(following))
                    else:
                        pending = following
                yield batch
        finally:
            self._closed.set()

    def _next(self) -> Future[_Result] | None:
        """Returns the next item's future, none at the end; gives up on a stream that rests."""
        idle_s = call_terms().idle_s
        try:
            return self._futures.get(timeout=idle_s)
        except queue.Empty:
            assert idle_s is not None
            raise StreamIdle(idle_s) from None

    def _take(self, future: Future[_Result]) -> _Result:
        # The slot is free as soon as the work is done: reading goes on while a batch is consumed.
        result = future.result()
        self._slots.release()
        return result

    def _feed(self) -> None:
        try:
            for item in self._items:
                while not self._slots.acquire(timeout=_POLL_S):
                    if self._closed.is_set():
                        return
                if self._closed.is_set():
                    return
                self._futures.put(self._give(item))
        except Exception:  # the caller went away, or the server is stopping: the stream has ended
            return
        finally:
            self._futures.put(None)

    def _give(self, item: _Item) -> Future[_Result]:
        """Has an item worked on; returns where its result will be."""
        future: Future[_Result] = Future()
        with self._lock:
            self._waiting.append((item, future))
            is_covered = len(self._waiting) <= self._turn_count * self._together
            self._turn_count += not is_covered
        if not is_covered:
            try:
                self._pool.submit(self._turn).add_done_callback(self._end_turn)
            except BaseException as error:
                _fail(self._claim(), error)
                raise
        return future

    def _turn(self) -> None:
        """Works on the items that have waited longest, if any are left."""
        claimed = self._claim()
        if not claimed:
            return
        try:
            results = self._work([item for item, _ in claimed])
            for (_, future), result in zip(claimed, results, strict=True):
                future.set_result(result)
        except BaseException as error:  # theirs to see who wait for the results
            _fail(claimed, error)

    def _end_turn(self, turn: Future[None]) -> None:
        """Fails what a turn would have worked on that was refused before it began."""
        error = turn.exception()
        if error is not None:
            _fail(self._claim(), error)

    def _claim(self) -> list[tuple[_Item, Future[_Result]]]:
        """Returns the items of one turn, which comes for no others."""
        with self._lock:
            self._turn_count -= 1
            count = min(self._together, len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]


def _is_done(future: Future[_Result], wait_s: float) -> bool:
    if wait_s > 0 and not future.done():
        try:
            future.exception(wait_s)
        except NotYetDone:
            return False
    return future.done()


def _fail(claimed: Sequence[tuple[_Item, Future[_Result]]], error: BaseException) -> None:
    for _, future in claimed:
        if not future.done():
            future.set_exception(error)
