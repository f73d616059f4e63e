"""Runs the work of a stream ahead of its answers, in order and in bounded memory; knows no RPC."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from typing import Generic, TypeVar

from stylefacet.app.call_terms import call_terms
from stylefacet.errors import StreamIdle

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
# Seconds after which a waiting thread looks whether the other end is gone.
_POLL_S = 0.5


class Pipeline(Generic[_Item, _Result]):
    """Feeds a stream's items to an executor, at most ``depth`` of them in work at once.

    One thread reads the items; the consumer iterates :meth:`batches`. Whatever has been finished
    while the consumer was busy comes in one batch, so that a slow consumer, such as a commit to
    disk, is paid once for many items.
    """

    def __init__(
        self,
        items: Iterable[_Item],
        work: Callable[[_Item], _Result],
        pool: Executor,
        depth: int,
    ) -> None:
        self._items = items
        self._work = work
        self._pool = pool
        self._depth = depth
        self._slots = threading.Semaphore(depth)
        self._futures: queue.SimpleQueue[Future[_Result] | None] = queue.SimpleQueue()
        self._closed = threading.Event()

    def batches(self) -> Iterator[list[_Result]]:
        """Yields the results in the order of the items, in batches of all that are ready.

        Raises:
            StreamIdle: when the items' caller lets its stream rest for too long.
        """
        # In the caller's context: what is timed in the pool belongs to the caller's stream.
        feed = partial(copy_context().run, self._feed)
        threading.Thread(target=feed, name="stream-reader", daemon=True).start()
        pending: Future[_Result] | None = None
        ended = False
        try:
            while not ended:
                future = pending or self._next()
                pending = None
                if future is None:
                    return
                batch = [self._take(future)]
                while not ended and pending is None and len(batch) < self._depth:
                    try:
                        following = self._futures.get_nowait()
                    except queue.Empty:
                        break
                    if following is None:
                        ended = True
                    elif following.done():
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
                self._futures.put(self._pool.submit(self._work, item))
        except Exception:  # the caller went away, or the server is stopping: the stream has ended
            return
        finally:
            self._futures.put(None)
