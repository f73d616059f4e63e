import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from stylefacet.app.pipeline import Pipeline

T = TypeVar("T")
R = TypeVar("R")


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def each(work: Callable[[T], R]) -> Callable[[Sequence[T]], list[R]]:
    return lambda items: [work(item) for item in items]


def test_results_come_in_the_order_of_the_items(pool: ThreadPoolExecutor):
    pipeline = Pipeline(range(500), each(lambda n: n * n), pool, depth=16)

    results = [result for batch in pipeline.batches() for result in batch]

    assert results == [n * n for n in range(500)]


def test_empty_stream_gives_nothing(pool: ThreadPoolExecutor):
    assert list(Pipeline(iter(()), each(str), pool, depth=4).batches()) == []


def test_no_more_than_depth_items_are_in_work(pool: ThreadPoolExecutor):
    started = []
    release = threading.Event()

    def work(item: int) -> int:
        started.append(item)
        release.wait(5)
        return item

    batches = Pipeline(range(100), each(work), pool, depth=3).batches()
    releaser = threading.Timer(0.3, release.set)
    releaser.start()
    next(batches)

    assert len(started) <= 4 + 3
    assert sum(len(batch) for batch in batches) > 90


def test_what_is_ready_comes_in_one_batch(pool: ThreadPoolExecutor):
    batches = Pipeline(range(40), each(lambda n: n), pool, depth=100).batches()
    first = next(batches)
    pool.submit(lambda: None).result()
    threading.Event().wait(0.2)

    assert len(first) + len(next(batches)) == 40


def test_items_that_wait_for_a_thread_are_worked_on_together():
    together = []
    held = threading.Event()

    def work(items: Sequence[int]) -> Sequence[int]:
        together.append(len(items))
        held.wait(5)
        return items

    with ThreadPoolExecutor(1) as pool:
        pipeline = Pipeline(range(12), work, pool, depth=20, together=4)
        threading.Timer(0.3, held.set).start()
        results = [result for batch in pipeline.batches() for result in batch]

    assert results == list(range(12))
    assert max(together) == 4
    assert len(together) <= 5


def test_a_batch_lingers_for_what_is_in_work(pool: ThreadPoolExecutor):
    all_read = threading.Event()

    def items() -> Iterator[int]:
        yield from range(31)
        all_read.set()

    def work(items: Sequence[int]) -> Sequence[int]:
        assert all_read.wait(20)
        time.sleep(0.01)
        return items

    batches = Pipeline(items(), work, pool, depth=32, together=1).batches(linger_s=60)

    assert next(batches) == list(range(16))
    assert [n for batch in batches for n in batch] == list(range(16, 31))


def test_a_batch_does_not_linger_for_items_that_have_not_come(pool: ThreadPoolExecutor):
    answered = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        assert answered.wait(20)
        yield 2

    batches = Pipeline(items(), each(lambda n: n), pool, depth=32).batches(linger_s=60)

    assert next(batches) == [1]
    answered.set()
    assert list(batches) == [[2]]


def test_stream_that_breaks_ends_after_what_was_read(pool: ThreadPoolExecutor):
    def broken():
        yield 1
        yield 2
        raise ConnectionError

    results = [
        r for batch in Pipeline(broken(), each(lambda n: n), pool, depth=4).batches() for r in batch
    ]

    assert results == [1, 2]


def test_failing_work_fails_the_stream(pool: ThreadPoolExecutor):
    def fail(item: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Pipeline([1], each(fail), pool, depth=4).batches())


def test_a_turn_that_is_refused_fails_the_stream():
    class Refusing(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            def refuse() -> None:
                raise PermissionError

            return super().submit(refuse)

    with Refusing(1) as pool, pytest.raises(PermissionError):
        list(Pipeline(range(9), each(lambda n: n), pool, depth=4).batches())


def test_a_pool_that_is_shut_ends_the_stream():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()

    assert list(Pipeline(range(9), each(lambda n: n), pool, depth=4).batches()) == []
