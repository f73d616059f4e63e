"""The threads that embed photos and rank products, behind a queue with an end; knows neither."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from stylefacet.app.call_terms import call_terms
from stylefacet.errors import Overloaded
from stylefacet.server.queue_room import QueueRoom
from stylefacet.stages import Stage, tell_stage

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
# Pieces of streams' work that wait for each thread, each of several photos: enough that none
# rests, few enough that a single photo or a search is not kept waiting behind a whole upload.
_TURNS_PER_THREAD = 1
# Methods whose work is done here as a single piece: when the queue is full, they are refused
# before their message is read.
POOLED_METHODS = frozenset(
    f"/stylefacet.v1.{method}"
    for method in (
        "CatalogService/CreateProductImage",
        "EncoderService/DecodeEmbedding",
        "EncoderService/EmbedImage",
        "EncoderService/InterpolateEmbeddings",
        "EncoderService/TraverseFeature",
        "FeatureService/PredictFeatures",
        "SimilarityService/CompareProducts",
        "SimilarityService/SearchSimilarProducts",
    )
)


class PhotoPool(ThreadPoolExecutor):
    """A pool whose work runs in the context of the call that wants it.

    So what is timed and logged on a thread of the pool belongs to a call, and what nobody waits
    for any more is dropped when its turn comes. Work is refused when ``max_waiting_count`` pieces
    wait already, and sooner when the queue has been standing for longer than a burst lasts; those
    who can wait themselves, streams and imports, use :attr:`in_turn`. Calls ask for a place with
    :meth:`promise` before they read their message; their work then finds it.
    Thread-safe: ``_lock`` guards ``_room`` and the end.
    """

    def __init__(self, worker_count: int, max_waiting_count: int) -> None:
        super().__init__(worker_count, thread_name_prefix="photo")
        self.thread_count = worker_count
        self._turn_count = worker_count * _TURNS_PER_THREAD
        self._lock = threading.Condition()
        self._room = QueueRoom(worker_count, max_waiting_count)
        self._is_shut = False
        self.in_turn: Executor = _InTurn(self)

    @property
    def waiting_count(self) -> int:
        """How many pieces of work wait for a thread."""
        return self._room.count

    def promise(self) -> bool:
        """Keeps a place for the work of a call that comes in; false when there is none for it.

        A place that is not taken within moments is given to others.
        """
        with self._lock:
            return self._room.promises(time.monotonic())

    def submit(
        self,
        fn: Callable[_Parameters, _Result],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Future[_Result]:
        """Queues a call of ``fn``; returns where its result will be.

        Raises:
            Overloaded: when the queue is full.
        """
        return self._queue(self.take_place(), partial(fn, *args, **kwargs))

    def take_place(self) -> "Place":
        """Takes a place in the queue for a piece of work, which is to be queued at once.

        Raises:
            Overloaded: when the queue is full.
        """
        with self._lock:
            if not self._room.keeps_promise(time.monotonic()):
                raise Overloaded
            self._room.enter(is_single=True)
        return Place(self._leave_queue, is_single=True)

    def queue(self, begin: Callable[[], None]) -> Future[None]:
        """Queues what leaves its place itself, when a thread has come to it."""
        return super().submit(begin)

    def submit_in_turn(
        self,
        fn: Callable[_Parameters, _Result],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Future[_Result]:
        """Queues a call of ``fn`` once few others wait.

        Raises:
            RuntimeError: when the pool is shut down meanwhile, as by every executor.
        """
        with self._lock:
            self._lock.wait_for(lambda: self._is_shut or self._room.count < self._turn_count)
            if self._is_shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._room.enter(is_single=False)
        place = Place(self._leave_queue, is_single=False)
        return self._queue(place, partial(fn, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more work and waits for what it has."""
        with self._lock:
            self._is_shut = True
            self._lock.notify_all()
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _queue(self, place: "Place", fn: Callable[[], _Result]) -> Future[_Result]:
        def work() -> _Result:
            place.leave()
            return fn()

        try:
            return super().submit(copy_context().run, work)
        except RuntimeError:
            place.give_up()
            raise

    def _leave_queue(self, is_single: bool, waited_s: float) -> bool:
        """Notes that a piece leaves; returns whether it is still worth doing."""
        with self._lock:
            self._lock.notify()
            return self._room.leave(is_single, time.monotonic(), waited_s)


class Place:
    """Where a piece of work waits for a thread, until it leaves or gives up."""

    def __init__(self, leave_queue: Callable[[bool, float], bool], is_single: bool) -> None:
        self._leave_queue = leave_queue
        self._is_single = is_single
        self._asked_time_ns, self._asked_ns = time.time_ns(), time.perf_counter_ns()

    def leave(self) -> None:
        """Goes to work, on a thread and in the context of the call that wants it.

        Raises:
            Overloaded, CallExpired: when the work is not worth doing any more.
        """
        waited_ns = time.perf_counter_ns() - self._asked_ns
        is_worth_it = self._leave_queue(self._is_single, waited_ns / 1e9)
        tell_stage(Stage.QUEUE, self._asked_time_ns, waited_ns)
        if not is_worth_it:
            raise Overloaded
        call_terms().check()

    def give_up(self) -> None:
        """Leaves without work."""
        self._leave_queue(self._is_single, 0.0)


class _InTurn(Executor):
    """The same threads, for those who wait instead of being refused."""

    def __init__(self, pool: PhotoPool) -> None:
        self._pool = pool

    def submit(
        self,
        fn: Callable[_Parameters, _Result],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Future[_Result]:
        """Queues a call of ``fn`` once few others wait."""
        return self._pool.submit_in_turn(fn, *args, **kwargs)
