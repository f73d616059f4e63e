"""How many pieces of work may wait in a queue: many at first, few when many have to be refused.

It knows neither the work nor a clock: times, in seconds, come from whoever asks.
"""

import math
from collections import deque

# How long the last in the queue waits at most, at the threads' pace, while nobody is refused.
# Shorter than this, steady callers would be refused whom the threads can serve: sixteen of them,
# at 10 ms a photo, wait 160 ms for each other, and twice that where something holds the pace up.
LONGEST_WAIT_S = 0.6
# So long nobody must have been refused for that to count no more.
CALM_S = 1.0
# A call that was let in hands over its piece within this time, or has its place taken.
PROMISE_S = 0.25
# What the latest piece counts for in the pace of all.
_PACE_SHARE = 0.1
# What the latest call counts for in the refused share, one that is refused and one that is let in:
# the queue is to become short within a hundred calls, and were the second more, each that is let in
# would make room for another one, without end.
_REFUSED_WEIGHT = 0.01
_LET_IN_WEIGHT = 0.002
# So long a piece may have waited whatever share is refused.
SHORTEST_WAIT_S = 0.05


class QueueRoom:
    """Counts what waits for some threads. Not thread-safe.

    Single pieces are refused when there is no room; pieces that come in turn, those of streams,
    wait elsewhere for theirs. Only single pieces count against the room: a stream keeps some of
    its own waiting as long as it lasts. Calls that are let in count from then on, by a promise:
    before the first of them has read its message, hundreds may have come.

    The larger the share that is refused, the shorter those who are let in have to wait: a queue is
    there to bear moments with too many, and is of no use when the next one comes anyway.
    """

    def __init__(self, thread_count: int, max_count: int) -> None:
        self._thread_count = thread_count
        self._max_count = max_count
        self.count = 0
        self._single_count = 0
        # When calls were let in whose pieces have not come yet.
        self._promised_at_s: deque[float] = deque()
        self._refused_at_s = -math.inf
        self._refused_share = 0.0
        # Seconds between two pieces that leave, while others wait.
        self._pace_s = 0.0
        self._left_at_s: float | None = None

    def promises(self, now_s: float) -> bool:
        """Lets a call in whose piece will come, or returns false; whoever asks refuses it then."""
        self._forget_old(now_s)
        expected_count = self._single_count + len(self._promised_at_s)
        has_room = expected_count == 0 or expected_count < self._room()
        weight = _LET_IN_WEIGHT if has_room else _REFUSED_WEIGHT
        self._refused_share += weight * ((not has_room) - self._refused_share)
        if has_room:
            self._promised_at_s.append(now_s)
        else:
            self._refused_at_s = now_s
        return has_room

    def keeps_promise(self, now_s: float) -> bool:
        """Returns whether a piece may enter: one was promised a place, or there is one for it."""
        self._forget_old(now_s)
        return bool(self._promised_at_s) or self.promises(now_s)

    def enter(self, is_single: bool) -> None:
        """Notes a piece that begins to wait."""
        self.count += 1
        self._single_count += is_single
        if is_single and self._promised_at_s:
            self._promised_at_s.popleft()

    def leave(self, is_single: bool, now_s: float, waited_s: float) -> bool:
        """Notes a piece whose turn has come; returns whether it is still worth doing.

        When too many come at once the queue fills before anybody was refused. What it holds then
        would be late whatever is done, and make those late who come after it.
        """
        self.count -= 1
        self._single_count -= is_single
        self._forget_old(now_s)
        is_worth_it = not is_single or waited_s <= self._bearable_s()
        if is_worth_it and self._left_at_s is not None:
            self._pace_s += _PACE_SHARE * (now_s - self._left_at_s - self._pace_s)
        # What is not done says nothing of the pace, nor does the time until a piece comes to an
        # empty queue.
        if is_worth_it or not self.count:
            self._left_at_s = now_s if self.count else None
        return is_worth_it

    def _forget_old(self, now_s: float) -> None:
        if now_s - self._refused_at_s >= CALM_S:
            self._refused_share = 0.0
        while self._promised_at_s and now_s - self._promised_at_s[0] > PROMISE_S:
            self._promised_at_s.popleft()

    def _room(self) -> int:
        if self._pace_s == 0:
            return self._max_count
        # One for each thread in any case, so that none rests.
        return min(self._max_count, max(int(self._wait_s() / self._pace_s), self._thread_count))

    def _wait_s(self) -> float:
        return LONGEST_WAIT_S * (1 - self._refused_share)

    def _bearable_s(self) -> float:
        if self._refused_share == 0:
            return math.inf
        # Those for whom there is room in any case wait for as many before them.
        return max(self._wait_s(), SHORTEST_WAIT_S, 2 * self._thread_count * self._pace_s)
