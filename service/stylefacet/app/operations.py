"""Runs operations: a few at a time, with progress, cancelling, going on after a restart; no RPC.

The store is the truth. Any server may work on any operation whose kind it knows; a server that
goes away leaves its operations to the next one, which goes on from the progress last reported.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from stylefacet.catalog.operations import (
    Claim,
    JsonObject,
    Operation,
    OperationState,
    OperationStore,
    operation_name,
)
from stylefacet.errors import (
    OperationCancelled,
    OperationLost,
    Overloaded,
    StoreFull,
    StoreUnreachable,
    StylefacetError,
)

_log = logging.getLogger(__name__)
# An operation that took its server down so often is not tried again.
_MAX_LOST_COUNT = 3
# Ended operations are kept for this long.
_RETENTION = timedelta(days=30)
_CLEARING_INTERVAL_S = 3600.0
# How often a waiting call looks at the store, and how many may wait at once: each holds a thread.
_WAIT_POLL_S = 0.2
_MAX_WAITER_COUNT = 16
# What a nightly operation waits out: the store is away, full or busy.
_PASSING = (StoreUnreachable, StoreFull, Overloaded)
_PASSING_PAUSE_S = 2.0
# A store that is busy when an operation ends is asked again, this often and with this pause.
_END_ATTEMPTS = 10
_END_PAUSE_S = 1.0


class OperationInterrupted(Exception):
    """The server is stopping, or another one has taken over: the work ends without an outcome."""


class Task:
    """What the work of one operation sees of it. Thread-safe."""

    def __init__(self, operation: Operation) -> None:
        self.operation_id = operation.id
        self.request = operation.request
        self.create_time = operation.create_time
        # The progress that an earlier server reported; empty at the first start.
        self.checkpoint = operation.progress
        self._progress = operation.progress
        self._is_fresh = False
        self._cancelled = threading.Event()
        self._interrupted = threading.Event()
        self._lock = threading.Lock()
        if operation.cancel_requested:
            self._cancelled.set()

    def report(self, phase: str, done_count: int, total_count: int, detail: JsonObject) -> None:
        """Notes how far the work is and where to go on; it reaches the store within a second."""
        with self._lock:
            self._is_fresh = True
            self._progress = {
                "phase": phase,
                "done_count": done_count,
                "total_count": total_count,
                "detail": dict(detail),
            }

    def check(self) -> None:
        """Returns while the work is wanted; call it often.

        Raises:
            OperationCancelled: when someone asked to cancel.
            OperationInterrupted: when the server stops.
        """
        if self._cancelled.is_set():
            raise OperationCancelled(operation_name(self.operation_id))
        if self._interrupted.is_set():
            raise OperationInterrupted

    @property
    def progress(self) -> JsonObject:
        """What was last reported."""
        with self._lock:
            return self._progress

    def cancel(self) -> None:
        """Makes the next `check` raise."""
        self._cancelled.set()

    def interrupt(self) -> None:
        """Makes the next `check` raise, without an outcome for the operation."""
        self._interrupted.set()

    def start_over(self, pause_s: float) -> None:
        """Waits, and takes what was last reported for the progress to go on from."""
        self._interrupted.wait(pause_s)
        self.checkpoint = self.progress

    def take_fresh_progress(self) -> JsonObject | None:
        """Returns progress that was not taken before; None when there is none."""
        with self._lock:
            is_fresh, self._is_fresh = self._is_fresh, False
            return self._progress if is_fresh else None


# Does the work of one kind of operation and returns its result. Whatever it does must bear being
# done again: after a restart it is called anew, with what was reported as `Task.checkpoint`.
Work = Callable[[Task], JsonObject]


class OperationRunner:
    """Works on the store's operations in threads of its own, from `start` to `stop`.

    Thread-safe. ``_lock`` guards ``_tasks``, the operations under way here. One more thread shows
    the store that this server lives, passes on cancellations and takes up what is free.
    """

    def __init__(
        self,
        store: OperationStore,
        works: Mapping[str, Work],
        worker_count: int,
        lease_s: float,
        now: Callable[[], datetime],
    ) -> None:
        """Makes a runner of the kinds in ``works``.

        A server that showed no life for ``lease_s`` seconds, by this one's clock, has gone away.
        """
        self._store = store
        self._works = dict(works)
        self._worker_count = worker_count
        self._lease_s = lease_s
        self._now = now
        self._owner = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        # Operations of others: owner and beat when last looked at, and since when they are so.
        self._others: dict[str, tuple[Claim, float]] = {}
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._waiters = threading.Semaphore(_MAX_WAITER_COUNT)
        self._pool = ThreadPoolExecutor(worker_count, thread_name_prefix="operation")
        self._thread = threading.Thread(target=self._run, name="operations", daemon=True)
        self._next_clearing_s = time.monotonic()

    def start(self) -> None:
        """Takes up what is free, from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Interrupts the work, hands it back to the store and waits until that is done."""
        self._stopping.set()
        self._wake.set()
        with self._lock:
            for task in self._tasks.values():
                task.interrupt()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown()

    def submit(
        self,
        kind: str,
        request: JsonObject,
        request_id: str = "",
        refuse_beside: Callable[[str], StylefacetError] | None = None,
    ) -> Operation:
        """Queues an operation, as `OperationStore.create` does, and has it begun soon."""
        operation = self._store.create(kind, request, request_id, refuse_beside)
        self._wake.set()
        return operation

    def find_request(self, request_id: str) -> Operation | None:
        """Returns the operation that a request with this id made; None if there was none."""
        return self._store.find_request(request_id)

    def cancel(self, operation_id: str) -> Operation:
        """Asks for an operation's end; what it has done stays done.

        Raises: ResourceMissing.
        """
        operation = self._store.request_cancel(operation_id)
        with self._lock:
            if operation_id in self._tasks:
                self._tasks[operation_id].cancel()
        return operation

    def wait(self, operation_id: str, timeout_s: float) -> Operation:
        """Returns an operation once it has ended, or as it is after the timeout.

        Comes back early when the server stops or too many wait already.

        Raises: ResourceMissing.
        """
        deadline = time.monotonic() + timeout_s
        has_place = self._waiters.acquire(blocking=False)
        try:
            while True:
                operation = self._store.get(operation_id)
                left_s = deadline - time.monotonic()
                if operation.done or left_s <= 0 or not has_place or self._stopping.is_set():
                    return operation
                self._stopping.wait(min(left_s, _WAIT_POLL_S))
        finally:
            if has_place:
                self._waiters.release()

    def _run(self) -> None:
        interval_s = min(1.0, self._lease_s / 10)
        while not self._stopping.is_set():
            try:
                self._show_life()
                self._take_free()
                self._clear_old()
            except Exception:  # the store is away or busy: the next round asks again
                _log.warning("operations not followed", exc_info=True)
            self._wake.wait(interval_s)
            self._wake.clear()

    def _show_life(self) -> None:
        with self._lock:
            tasks = list(self._tasks.values())
        for task in tasks:
            asked = self._store.beat(task.operation_id, self._owner, task.take_fresh_progress())
            if asked is None:
                task.interrupt()
            elif asked:
                task.cancel()

    def _take_free(self) -> None:
        with self._lock:
            mine = set(self._tasks)
        claims = [c for c in self._store.list_claims(list(self._works)) if c.id not in mine]
        self._others = {c.id: self._others.get(c.id, (c, time.monotonic())) for c in claims}
        for claim in claims:
            seen, since_s = self._others[claim.id]
            if seen != claim:
                self._others[claim.id] = (claim, time.monotonic())
                since_s = time.monotonic()
            is_free = not claim.owner or time.monotonic() - since_s > self._lease_s
            with self._lock:
                has_place = len(self._tasks) < self._worker_count
            if is_free and has_place and not self._stopping.is_set():
                self._begin(claim)

    def _begin(self, claim: Claim) -> None:
        operation = self._store.claim(claim, self._owner)
        if operation is None:
            return
        task = Task(operation)
        with self._lock:
            self._tasks[operation.id] = task
            if self._stopping.is_set():
                task.interrupt()
        self._pool.submit(self._work, operation, task)

    def _work(self, operation: Operation, task: Task) -> None:
        facts = {"operation": operation.id}
        _log.info("operation begun", extra=facts | {"lost_count": operation.lost_count})
        try:
            self._leave(task, *self._outcome(operation, task))
        except OperationInterrupted:
            self._insist(lambda: self._store.release(task.operation_id, self._owner, task.progress))
            _log.info("operation interrupted", extra=facts)
        except Exception:  # another server, or this one, takes it up when the lease is over
            _log.exception("operation not ended", extra=facts)
        finally:
            with self._lock:
                del self._tasks[operation.id]
            self._wake.set()

    def _outcome(
        self, operation: Operation, task: Task
    ) -> tuple[OperationState, JsonObject | StylefacetError]:
        """Returns how the work ended; raises OperationInterrupted when it did not."""
        try:
            if operation.lost_count > _MAX_LOST_COUNT:
                raise OperationLost(operation_name(operation.id), operation.lost_count)
            while True:
                task.check()
                try:
                    return OperationState.SUCCEEDED, self._works[operation.kind](task)
                except _PASSING as error:
                    task.start_over(_PASSING_PAUSE_S)
                    _log.warning(
                        "operation waits for the store",
                        extra={"operation": operation.id, "cause": error.message},
                    )
        except OperationCancelled as error:
            return OperationState.CANCELLED, error
        except StylefacetError as error:
            return OperationState.FAILED, error
        except OperationInterrupted:
            raise
        except Exception:
            _log.exception("operation failed", extra={"operation": operation.id})
            return OperationState.FAILED, StylefacetError(
                "internal error", {"request_id": operation.id}
            )

    def _leave(
        self, task: Task, state: OperationState, outcome: JsonObject | StylefacetError
    ) -> None:
        self._insist(
            lambda: self._store.finish(
                task.operation_id, self._owner, state, task.progress, outcome
            )
        )
        _log.info("operation ended", extra={"operation": task.operation_id, "state": state.value})

    def _insist(self, write: Callable[[], None]) -> None:
        """Repeats a last write until a busy store takes it."""
        for attempt in range(1, _END_ATTEMPTS + 1):
            try:
                return write()
            except StylefacetError as error:
                if error.retry_after_s is None or attempt == _END_ATTEMPTS:
                    raise
                time.sleep(_END_PAUSE_S)

    def _clear_old(self) -> None:
        if time.monotonic() >= self._next_clearing_s:
            self._next_clearing_s = time.monotonic() + _CLEARING_INTERVAL_S
            self._store.delete_ended_before(self._now() - _RETENTION)
