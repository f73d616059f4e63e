"""The threads that decode and embed photos; knows which call each piece of work is for."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from stylefacet.stages import Stage, tell_stage

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class PhotoPool(ThreadPoolExecutor):
    """A pool whose work runs in the context of the call that wants it.

    So what is timed and logged on a thread of the pool belongs to a call. Thread-safe: ``_lock``
    guards the count of what waits.
    """

    def __init__(self, worker_count: int) -> None:
        super().__init__(worker_count, thread_name_prefix="photo")
        self._lock = threading.Lock()
        self._waiting_count = 0

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
        """Queues a call of ``fn``; returns where its result will be."""
        asked_time_ns, asked_ns = time.time_ns(), time.perf_counter_ns()

        def work() -> _Result:
            self._count(-1)
            tell_stage(Stage.QUEUE, asked_time_ns, time.perf_counter_ns() - asked_ns)
            return fn(*args, **kwargs)

        future = super().submit(copy_context().run, work)
        self._count(1)
        return future

    def _count(self, change: int) -> None:
        with self._lock:
            self._waiting_count += change
