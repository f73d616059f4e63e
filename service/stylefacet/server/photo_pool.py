"""The threads that decode and embed photos, behind a queue with an end; knows no photo."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from stylefacet.app.call_terms import call_terms
from stylefacet.errors import Overloaded
from stylefacet.stages import Stage, tell_stage

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
# Pieces of streams' work that wait for each thread: enough that none rests, few enough that a
# single photo is not kept waiting behind a whole upload.
_TURNS_PER_THREAD = 2


class PhotoPool(ThreadPoolExecutor):
    """A pool whose work runs in the context of the call that wants it.

    So what is timed and logged on a thread of the pool belongs to a call, and what nobody waits
    for any more is dropped when its turn comes. Work is refused when ``max_waiting_count`` pieces
    wait already; those who can wait themselves, streams and imports, use :attr:`in_turn`.
    Thread-safe: ``_room`` guards the count of what waits.
    """

    def __init__(self, worker_count: int, max_waiting_count: int) -> None:
        super().__init__(worker_count, thread_name_prefix="photo")
        self._max_waiting_count = max_waiting_count
        self._turn_count = worker_count * _TURNS_PER_THREAD
        self._room = threading.Condition()
        self._waiting_count = 0
        self._is_shut = False
        self.in_turn: Executor = _InTurn(self)

    @property
    def waiting_count(self) -> int:
        """How many pieces of work wait for a thread."""
        return self._waiting_count

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
        with self._room:
            if self._waiting_count >= self._max_waiting_count:
                raise Overloaded
            self._waiting_count += 1
        return self._queue(fn, *args, **kwargs)

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
        with self._room:
            self._room.wait_for(lambda: self._is_shut or self._waiting_count < self._turn_count)
            if self._is_shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._waiting_count += 1
        return self._queue(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more work and waits for what it has."""
        with self._room:
            self._is_shut = True
            self._room.notify_all()
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _queue(
        self,
        fn: Callable[_Parameters, _Result],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Future[_Result]:
        asked_time_ns, asked_ns = time.time_ns(), time.perf_counter_ns()

        def work() -> _Result:
            self._leave_queue()
            tell_stage(Stage.QUEUE, asked_time_ns, time.perf_counter_ns() - asked_ns)
            call_terms().check()
            return fn(*args, **kwargs)

        try:
            return super().submit(copy_context().run, work)
        except RuntimeError:
            self._leave_queue()
            raise

    def _leave_queue(self) -> None:
        with self._room:
            self._waiting_count -= 1
            self._room.notify()


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
