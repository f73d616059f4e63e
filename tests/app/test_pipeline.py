import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stylefacet.app.pipeline import Pipeline


@pytest.fixture
def pool():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def test_results_come_in_the_order_of_the_items(pool: ThreadPoolExecutor):
    pipeline = Pipeline(range(500), lambda n: n * n, pool, depth=16)

    results = [result for batch in pipeline.batches() for result in batch]

    assert results == [n * n for n in range(500)]


def test_empty_stream_gives_nothing(pool: ThreadPoolExecutor):
    assert list(Pipeline(iter(()), str, pool, depth=4).batches()) == []


def test_no_more_than_depth_items_are_in_work(pool: ThreadPoolExecutor):
    started = []
    release = threading.Event()

    def work(item: int) -> int:
        started.append(item)
        release.wait(5)
        return item

    batches = Pipeline(range(100), work, pool, depth=3).batches()
    releaser = threading.Timer(0.3, release.set)
    releaser.start()
    next(batches)

    assert len(started) <= 4 + 3
    assert sum(len(batch) for batch in batches) > 90


def test_what_is_ready_comes_in_one_batch(pool: ThreadPoolExecutor):
    batches = Pipeline(range(40), lambda n: n, pool, depth=100).batches()
    first = next(batches)
    pool.submit(lambda: None).result()
    threading.Event().wait(0.2)

    assert len(first) + len(next(batches)) == 40


def test_stream_that_breaks_ends_after_what_was_read(pool: ThreadPoolExecutor):
    def broken():
        yield 1
        yield 2
        raise ConnectionError

    results = [
        r for batch in Pipeline(broken(), lambda n: n, pool, depth=4).batches() for r in batch
    ]

    assert results == [1, 2]


def test_failing_work_fails_the_stream(pool: ThreadPoolExecutor):
    def fail(item: int) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Pipeline([1], fail, pool, depth=4).batches())
