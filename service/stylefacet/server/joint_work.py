"""Has what waits for a thread worked on together; knows neither photos nor RPCs."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextvars import copy_context
from functools import partial
from itertools import islice
from typing import Generic, TypeVar

from stylefacet.errors import StylefacetError
from stylefacet.server.photo_pool import PhotoPool, Place

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class JointWork(Generic[_Item, _Result]):
    """Work that costs less for several items than for each, asked for by one call at a time.

    A thread that comes to an item takes along its share of those that wait behind it: as many as
    there are for each thread, ``together`` at most. So nobody waits for company, and none does
    alone what others have time for. ``work`` takes some items and returns as many results; it runs
    in the context of the first item's call. Thread-safe: ``_lock`` guards ``_waiting``, in which
    each item has a turn to come in the pool's queue.
    """

    def __init__(
        self,
        work: Callable[[Sequence[_Item]], Sequence[_Result]],
        pool: PhotoPool,
        together: int,
    ) -> None:
        self._work = work
        self._pool = pool
        self._together = together
        self._lock = threading.Lock()
        # A set that keeps its order.
        self._waiting: dict[_Wish[_Item, _Result], None] = {}

    def result(self, item: _Item) -> _Result:
        """Returns what becomes of an item.

        Raises:
            Overloaded, CallExpired: when it was not worked on.
        """
        wish = _Wish[_Item, _Result](item, self._pool.take_place())
        with self._lock:
            self._waiting[wish] = None
        try:
            turn = self._pool.queue(partial(self._turn, wish))
        except RuntimeError:
            self._drop(wish)
            raise
        turn.add_done_callback(partial(self._end_turn, wish))
        return wish.future.result()

    def _turn(self, wish: "_Wish[_Item, _Result]") -> None:
        """Works on an item and some behind it, unless another turn has taken it along."""
        with self._lock:
            if wish not in self._waiting:
                return
            share = -(-len(self._waiting) // self._pool.thread_count)
            del self._waiting[wish]
            others = list(islice(self._waiting, min(share, self._together) - 1))
            for other in others:
                del self._waiting[other]
        begun = [each for each in (wish, *others) if each.begins()]
        if not begun:
            return
        try:
            results = begun[0].context.run(self._work, [each.item for each in begun])
            for each, result in zip(begun, results, strict=True):
                each.future.set_result(result)
        except BaseException as error:  # theirs to see who wait for the results
            for each in begun:
                if not each.future.done():
                    each.future.set_exception(error)

    def _end_turn(self, wish: "_Wish[_Item, _Result]", turn: Future[None]) -> None:
        """Ends the wait for a turn that will not come."""
        if turn.cancelled() and self._drop(wish):
            wish.future.set_exception(CancelledError())

    def _drop(self, wish: "_Wish[_Item, _Result]") -> bool:
        """Gives an item up; returns whether it still waited."""
        with self._lock:
            if wish not in self._waiting:
                return False
            del self._waiting[wish]
        wish.place.give_up()
        return True


class _Wish(Generic[_Item, _Result]):
    """An item that waits, with the context of the call that wants it."""

    def __init__(self, item: _Item, place: Place) -> None:
        self.item = item
        self.place = place
        self.context = copy_context()
        self.future: Future[_Result] = Future()

    def begins(self) -> bool:
        """Leaves the queue; returns whether the item is still to be worked on."""
        try:
            self.context.run(self.place.leave)
        except StylefacetError as error:
            # Without the trace, which leads back to this item: such circles are costly to collect
            # when many are refused.
            self.future.set_exception(error.with_traceback(None))
            return False
        return True
