"""Items that wait for a thread: who is taken along, and that each gets what is its own."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest

from stylefacet.app.call_terms import CallTerms, set_call_terms
from stylefacet.errors import CallExpired, Overloaded
from stylefacet.server.joint_work import JointWork
from stylefacet.server.photo_pool import PhotoPool
from stylefacet.server.runtime import Server
from stylefacet.stages import Stage, StageRun, watch_stages
from stylefacet.v1 import encoder_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    """Threads of those who ask."""
    with ThreadPoolExecutor(20) as threads:
        yield threads


@contextmanager
def busy(pool: PhotoPool) -> Iterator[None]:
    """Keeps all threads of a pool at work."""
    started, over = threading.Barrier(pool.thread_count + 1), threading.Event()

    def work() -> None:
        started.wait(10)
        over.wait(10)

    for _ in range(pool.thread_count):
        pool.submit(work)
    started.wait(10)
    try:
        yield
    finally:
        over.set()


class Doubling:
    """Doubles numbers, and remembers which it was given together."""

    def __init__(self, thread_count: int = 1, room: int = 100) -> None:
        self.given: list[list[int]] = []
        self.pool = PhotoPool(thread_count, room)
        self.joint = JointWork(self.work, self.pool, together=4)

    def work(self, numbers: Sequence[int]) -> list[int]:
        """The work."""
        self.given.append(list(numbers))
        if -1 in numbers:
            raise ValueError("minus one")
        return [2 * number for number in numbers]

    def ask(
        self,
        callers: ThreadPoolExecutor,
        numbers: Sequence[int],
        before: Callable[[int], None] = lambda number: None,
    ) -> list[Future[int]]:
        """Asks for each number on a thread of its own; returns when all of them wait."""

        def ask(number: int) -> int:
            before(number)
            return self.joint.result(number)

        asked = []
        for number in numbers:
            present = len(self.joint._waiting)
            asked.append(callers.submit(ask, number))
            deadline = time.monotonic() + 10
            while len(self.joint._waiting) == present and not asked[-1].done():
                assert time.monotonic() < deadline
                time.sleep(0.001)
        return asked


def test_those_who_wait_for_the_only_thread_are_served_four_together(callers: ThreadPoolExecutor):
    doubling = Doubling()
    with busy(doubling.pool):
        asked = doubling.ask(callers, range(6))

    assert [future.result(10) for future in asked] == [0, 2, 4, 6, 8, 10]
    assert doubling.given == [[0, 1, 2, 3], [4, 5]]
    assert doubling.pool.waiting_count == 0


def test_no_thread_takes_along_what_another_has_time_for(callers: ThreadPoolExecutor):
    doubling = Doubling(thread_count=2)
    with busy(doubling.pool):
        asked = doubling.ask(callers, range(2))

    assert [future.result(10) for future in asked] == [0, 2]
    assert sorted(doubling.given) == [[0], [1]]


def test_who_finds_a_thread_free_does_not_wait_for_company():
    doubling = Doubling()

    assert [doubling.joint.result(number) for number in (1, 2)] == [2, 4]
    assert doubling.given == [[1], [2]]


def test_call_that_is_over_is_left_out_and_its_neighbours_are_not(callers: ThreadPoolExecutor):
    doubling = Doubling()

    def before(number: int) -> None:
        if number in (0, 2):
            set_call_terms(CallTerms(expires_at_s=time.monotonic() - 1))

    with busy(doubling.pool):
        asked = [
            *doubling.ask(callers, [0], before),
            *doubling.ask(callers, [1, 2, 3], before),
        ]

    assert [future.result(10) for future in asked[1::2]] == [2, 6]
    assert all(isinstance(future.exception(10), CallExpired) for future in asked[::2])
    assert doubling.given == [[1, 3]]


def test_failure_ends_those_who_were_worked_on_together_and_nobody_else(
    callers: ThreadPoolExecutor,
):
    doubling = Doubling()
    with busy(doubling.pool):
        asked = doubling.ask(callers, [0, 1, -1, 3, 4])

    assert all(isinstance(future.exception(10), ValueError) for future in asked[:4])
    assert asked[4].result(10) == 8


def test_one_too_many_is_refused_and_the_others_are_served(callers: ThreadPoolExecutor):
    doubling = Doubling(room=2)
    with busy(doubling.pool):
        asked = doubling.ask(callers, [0, 1])
        with pytest.raises(Overloaded):
            doubling.joint.result(2)

    assert [future.result(10) for future in asked] == [0, 2]


def test_end_of_the_pool_lets_go_of_those_who_wait(callers: ThreadPoolExecutor):
    doubling = Doubling()
    with busy(doubling.pool):
        asked = doubling.ask(callers, [0, 1])
        doubling.pool.shutdown(wait=False, cancel_futures=True)

    for future in asked:
        # The second where the last of them has a place, and no turn yet.
        with pytest.raises((CancelledError, RuntimeError)):
            future.result(10)
    with pytest.raises(RuntimeError, match="after shutdown"):
        doubling.joint.result(2)
    assert doubling.given == []
    assert doubling.pool.waiting_count == 0


def test_each_call_is_told_of_its_own_wait(callers: ThreadPoolExecutor):
    doubling = Doubling()
    told: dict[int, list[StageRun]] = {0: [], 1: [], 2: []}
    with busy(doubling.pool):
        asked = doubling.ask(callers, range(3), lambda n: watch_stages(told[n].append))
        time.sleep(0.05)
    for future in asked:
        future.result(10)

    assert [[run.stage for run in runs] for runs in told.values()] == [[Stage.QUEUE]] * 3
    assert all(runs[0].duration_ns > 0.05e9 for runs in told.values())


def test_many_calls_at_once_get_their_own_vectors_and_errors(
    server: Server, stubs: Stubs, callers: ThreadPoolExecutor
):
    contents = [photo(n) for n in range(16)]
    alone = [stubs.encoder.EmbedImage(pb.EmbedImageRequest(content=each)) for each in contents]
    contents.insert(5, b"no photo")

    with busy(server._pool):
        asked = [
            callers.submit(stubs.encoder.EmbedImage, pb.EmbedImageRequest(content=each))
            for each in contents
        ]
        deadline = time.monotonic() + 10
        while server._pool.waiting_count < len(contents) and time.monotonic() < deadline:
            time.sleep(0.001)

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_UNDECODABLE"):
        asked.pop(5).result(10)
    for future, expected in zip(asked, alone, strict=True):
        assert future.result(10).embedding.mean == pytest.approx(expected.embedding.mean, abs=1e-5)
