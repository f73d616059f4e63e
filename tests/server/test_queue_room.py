"""How many pieces may wait: times are given, so that nothing here takes any."""

from collections import deque
from collections.abc import Iterator
from statistics import mean

import pytest

from stylefacet.server.queue_room import CALM_S, LONGEST_WAIT_S, PROMISE_S, QueueRoom


class Queue:
    """A queue of single pieces that its threads take at a steady pace."""

    def __init__(self, thread_count: int = 2, max_count: int = 32) -> None:
        self.room = QueueRoom(thread_count, max_count)
        self.now_s = 0.0
        self.entered_at_s: deque[float] = deque()
        # How long those waited that were done, and how many were not worth it any more.
        self.waited_s: list[float] = []
        self.stale_count = 0

    def offer(self, count: int) -> int:
        """Returns how many of some pieces that come at once are let in."""
        taken = 0
        for _ in range(count):
            if self.room.promises(self.now_s):
                self.room.enter(is_single=True)
                self.entered_at_s.append(self.now_s)
                taken += 1
        return taken

    def work(self, count: int, pace_s: float, offered: int = 0) -> Iterator[int]:
        """Takes pieces, with some offered after each; yields how long the queue then is."""
        for _ in range(count):
            self.now_s += pace_s
            self._take()
            self.offer(offered)
            yield self.room.count

    def _take(self) -> None:
        """Takes pieces until one is worth doing."""
        while self.entered_at_s:
            waited_s = self.now_s - self.entered_at_s.popleft()
            if self.room.leave(True, self.now_s, waited_s):
                self.waited_s.append(waited_s)
                return
            self.stale_count += 1


@pytest.fixture
def queue() -> Queue:
    return Queue()


def test_a_burst_may_fill_the_queue(queue: Queue):
    assert queue.offer(100) == 32


def test_a_queue_that_nobody_is_refused_by_is_as_long_as_the_pace_allows(queue: Queue):
    queue.offer(2)
    list(queue.work(100, 0.100, offered=1))

    assert queue.offer(100) + queue.room.count == pytest.approx(2 * LONGEST_WAIT_S / 0.100, abs=4)


def test_with_half_of_all_refused_the_others_wait_a_third_as_long_at_most(queue: Queue):
    lengths = list(queue.work(2000, 0.050, offered=2))

    assert 2 <= mean(lengths[-500:]) <= LONGEST_WAIT_S / 0.050 / 3


def test_what_fills_the_queue_before_anybody_was_refused_is_not_all_done(queue: Queue):
    list(queue.work(50, 0.010))
    list(queue.work(100, 0.010, offered=10))

    assert queue.stale_count > 0
    assert max(queue.waited_s) < LONGEST_WAIT_S / 2


def test_nothing_is_stale_while_nobody_is_refused(queue: Queue):
    queue.offer(32)
    list(queue.work(40, 1.0))

    assert queue.stale_count == 0
    assert max(queue.waited_s) == pytest.approx(32.0)


def test_the_more_are_refused_the_shorter_the_others_wait(queue: Queue):
    waits_s = [list(queue.work(1000, 0.030, offered=n))[-1] * 0.030 for n in (2, 4, 10)]

    assert waits_s == sorted(waits_s, reverse=True)
    assert waits_s[-1] <= LONGEST_WAIT_S / 8


def test_calls_that_were_let_in_count_before_their_work_comes(queue: Queue):
    let_in = sum(queue.room.promises(queue.now_s) for _ in range(100))

    assert let_in == 32
    assert queue.room.count == 0


def test_a_place_that_was_promised_is_kept_and_is_free_again_after_a_while(queue: Queue):
    assert [queue.room.promises(queue.now_s) for _ in range(33)] == [True] * 32 + [False]
    assert queue.room.keeps_promise(queue.now_s)
    queue.room.enter(is_single=True)
    queue.now_s += 2 * PROMISE_S

    assert queue.offer(100) == 31


def test_sixteen_steady_callers_are_all_let_in(queue: Queue):
    # Two in work and fourteen waiting, each coming again as soon as it was served.
    queue.offer(14)

    lengths = list(queue.work(400, 0.010, offered=1))

    assert set(lengths) == {14}


def test_slow_work_leaves_one_waiting_for_each_thread(queue: Queue):
    assert set(list(queue.work(200, 0.5, offered=10))[-50:]) == {2}


def test_an_empty_moment_under_overload_does_not_let_a_burst_in(queue: Queue):
    list(queue.work(400, 0.010, offered=10))
    list(queue.work(40, 0.010))

    assert queue.offer(100) < LONGEST_WAIT_S / 0.010 / 5


def test_bursts_are_let_in_again_after_a_calm_time(queue: Queue):
    list(queue.work(400, 0.010, offered=10))
    list(queue.work(40, 0.010))
    queue.now_s += CALM_S

    assert queue.offer(100) >= 29


def test_an_empty_queue_always_has_room_for_one(queue: Queue):
    list(queue.work(100, 10.0, offered=5))
    list(queue.work(10, 10.0))

    assert queue.offer(1) == 1


def test_the_time_without_work_does_not_count_as_slow(queue: Queue):
    for _ in range(50):
        queue.offer(1)
        list(queue.work(1, 60.0))
    queue.offer(3)
    queue.now_s += 0.2

    assert queue.room.promises(queue.now_s)


def test_pieces_of_streams_leave_room_for_single_ones(queue: Queue):
    for _ in range(4):
        queue.room.enter(is_single=False)
    queue.now_s += 0.2

    assert queue.offer(2) == 2
    assert queue.room.count == 6


def test_room_is_never_more_than_the_setting():
    narrow = Queue(thread_count=8, max_count=1)

    assert max(narrow.work(50, 0.001, offered=5)) == 1
