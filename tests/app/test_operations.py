import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stylefacet.app import operations as operations_module
from stylefacet.app.operations import OperationInterrupted, OperationRunner, Task, Work
from stylefacet.catalog.operations import JsonObject, Operation, OperationState
from stylefacet.catalog.store import Store
from stylefacet.errors import InvalidField, OperationLost, StoreFull, StoreUnreachable

LEASE_S = 0.3


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/c.db", now) as store:
        yield store


class Counting:
    """Counts to a number, one step each time it is let; goes on where it was interrupted."""

    def __init__(self) -> None:
        self.steps = threading.Semaphore(0)
        self.at: list[int] = []

    def __call__(self, task: Task) -> JsonObject:
        detail = task.checkpoint.get("detail", {})
        assert isinstance(detail, Mapping)
        wanted = task.request["to"]
        assert isinstance(wanted, int)
        for n in range(int(detail.get("next", 0)), wanted):
            while not self.steps.acquire(timeout=0.01):
                task.check()
            self.at.append(n)
            task.report("counting", n + 1, wanted, {"next": n + 1})
        return {"counted": wanted}


def soon(condition: Callable[[], bool]) -> None:
    """Waits until a condition holds; a few seconds at most."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def run(store: Store) -> Iterator[Callable[..., OperationRunner]]:
    """Starts runners over the store, as servers do; they are stopped in the end."""
    started = []

    def start(work: Work, worker_count: int = 2) -> OperationRunner:
        runner = OperationRunner(store.operations, {"count": work}, worker_count, LEASE_S, now)
        runner.start()
        started.append(runner)
        return runner

    yield start
    for runner in started:
        runner.stop()


def has_state(store: Store, operation: Operation, state: OperationState) -> Callable[[], bool]:
    return lambda: store.operations.get(operation.id).state is state


def test_an_operation_ends_with_its_result_and_progress(run):
    work = Counting()
    work.steps.release(3)
    runner = run(work)
    ended = runner.wait(runner.submit("count", {"to": 3}).id, 10)

    assert (ended.state, ended.result) == ("succeeded", {"counted": 3})
    assert ended.progress["done_count"] == ended.progress["total_count"] == 3


def test_progress_is_seen_while_the_work_goes_on(run, store):
    work = Counting()
    runner = run(work)
    operation = runner.submit("count", {"to": 3})
    work.steps.release(2)

    soon(lambda: store.operations.get(operation.id).progress.get("done_count") == 2)
    assert not store.operations.get(operation.id).done


def test_a_stopped_server_s_work_goes_on_at_the_next(run, store):
    first, second = Counting(), Counting()
    runner = run(first)
    operation = runner.submit("count", {"to": 5})
    first.steps.release(2)
    soon(lambda: len(first.at) == 2)
    runner.stop()
    assert store.operations.get(operation.id).state is OperationState.QUEUED
    second.steps.release(9)

    ended = run(second).wait(operation.id, 10)
    assert ended.result == {"counted": 5}
    assert (first.at, second.at) == ([0, 1], [2, 3, 4])


def test_a_vanished_server_s_work_is_taken_over(run, store):
    gone = store.operations.create("count", {"to": 2})
    store.operations.claim(store.operations.list_claims(["count"])[0], "a server that crashed")
    work = Counting()
    work.steps.release(2)
    ended = run(work).wait(gone.id, 10)

    assert (ended.result, ended.lost_count) == ({"counted": 2}, 1)


def test_a_living_server_s_work_is_left_alone(run, store):
    first, second = Counting(), Counting()
    operation = run(first).submit("count", {"to": 1})
    soon(has_state(store, operation, OperationState.RUNNING))
    run(second)
    time.sleep(4 * LEASE_S)
    first.steps.release()

    soon(lambda: store.operations.get(operation.id).done)
    assert (first.at, second.at) == ([0], [])


def test_work_that_keeps_taking_its_server_down_is_given_up(run, store):
    operation = store.operations.create("count", {"to": 1})
    for owner in "abcde":
        store.operations.claim(store.operations.list_claims(["count"])[0], owner)
    ended = run(Counting()).wait(operation.id, 10)

    assert isinstance(ended.error, OperationLost)


def test_work_taken_over_by_another_server_stops_here(run, store):
    stopped = threading.Event()

    def work(task: Task) -> JsonObject:
        try:
            while True:
                task.check()
                time.sleep(0.01)
        except OperationInterrupted:
            stopped.set()
            raise

    operation = run(work).submit("count", {})
    soon(has_state(store, operation, OperationState.RUNNING))
    store.operations.claim(store.operations.list_claims(["count"])[0], "another server")

    assert stopped.wait(10)


def test_cancelling_ends_the_work_and_keeps_its_progress(run, store):
    work = Counting()
    runner = run(work)
    operation = runner.submit("count", {"to": 3})
    work.steps.release()
    soon(lambda: len(work.at) == 1)
    runner.cancel(operation.id)

    ended = runner.wait(operation.id, 10)
    assert (ended.state, ended.result) == ("cancelled", None)
    assert ended.progress["done_count"] == 1


def test_cancelling_at_another_server_reaches_the_one_at_work(run, store):
    runner, other = run(Counting()), run(Counting(), worker_count=1)
    operation = runner.submit("count", {"to": 3})
    soon(has_state(store, operation, OperationState.RUNNING))
    other.cancel(operation.id)

    assert runner.wait(operation.id, 10).state is OperationState.CANCELLED


def test_no_more_run_at_once_than_there_are_workers(run, store):
    work = Counting()
    runner = run(work, worker_count=1)
    first, second = (runner.submit("count", {"to": 1}) for _ in range(2))
    soon(has_state(store, first, OperationState.RUNNING))
    time.sleep(3 * LEASE_S)
    assert store.operations.get(second.id).state is OperationState.QUEUED
    work.steps.release(2)

    assert runner.wait(second.id, 10).state is OperationState.SUCCEEDED


def test_a_failure_is_kept(run):
    def work(task: Task) -> JsonObject:
        raise InvalidField("to", "is no number")

    runner = run(work)
    ended = runner.wait(runner.submit("count", {}).id, 10)
    assert isinstance(ended.error, InvalidField)


def test_work_goes_on_from_its_progress_when_the_store_is_back(run, monkeypatch):
    monkeypatch.setattr(operations_module, "_PASSING_PAUSE_S", 0.01)
    seen: list[JsonObject] = []

    def work(task: Task) -> JsonObject:
        seen.append(task.checkpoint)
        task.report("counting", len(seen), 3, {})
        if len(seen) < 3:
            raise (StoreUnreachable, StoreFull)[len(seen) - 1]("here")
        return {"done": True}

    runner = run(work)
    ended = runner.wait(runner.submit("count", {}).id, 10)

    assert (ended.state, ended.result) == (OperationState.SUCCEEDED, {"done": True})
    assert [checkpoint.get("done_count") for checkpoint in seen] == [None, 1, 2]


def test_a_fault_of_ours_is_told_without_its_text(run):
    def work(task: Task) -> JsonObject:
        raise ZeroDivisionError("secret")

    runner = run(work)
    ended = runner.wait(runner.submit("count", {}).id, 10)
    assert (ended.state, ended.error.message) == ("failed", "internal error")


def test_waiting_ends_at_its_timeout(run):
    runner = run(Counting())
    operation = runner.submit("count", {"to": 1})

    assert not runner.wait(operation.id, 0.1).done
