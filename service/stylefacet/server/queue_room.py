"""How many pieces of work may wait in a queue: many in a burst, few when it never gets empty.

It knows neither the work nor a clock: times, in seconds, come from whoever asks.
"""

import math

# A queue that was not empty for so long is no burst but more than the threads can do.
BURST_S = 0.1
# How long the last in the queue waits at most, at the threads' pace: in a burst, and in a queue
# that stands. Shorter than this, a dozen steady callers would be refused: 16 of them, at 10 ms a
# photo, are served a third as fast with 0.075 (`poe bench-embedding`).
BURST_WAIT_S = 0.6
STANDING_WAIT_S = 0.3
# So long nobody must have been refused before a burst may fill the queue again.
CALM_S = 1.0
# What the latest piece counts for in the pace of all.
_PACE_SHARE = 0.1


class QueueRoom:
    """Counts what waits for some threads. Not thread-safe.

    Single pieces are refused when there is no room; pieces that come in turn, those of streams,
    wait elsewhere for theirs. Only single pieces count against the room: a stream keeps some of
    its own waiting as long as it lasts.
    """

    def __init__(self, thread_count: int, max_count: int) -> None:
        self._thread_count = thread_count
        self._max_count = max_count
        self.count = 0
        self._single_count = 0
        self._empty_at_s = -math.inf
        self._refused_at_s = -math.inf
        # Seconds between two pieces that leave, while others wait.
        self._pace_s = 0.0
        self._left_at_s: float | None = None

    def refuses(self, now_s: float) -> bool:
        """Returns whether a single piece has to be refused now; whoever asks does so."""
        if self._single_count == 0:
            self._empty_at_s = now_s
            return False
        if self._single_count < self._room(now_s):
            return False
        self._refused_at_s = now_s
        return True

    def enter(self, is_single: bool) -> None:
        """Notes a piece that begins to wait."""
        self.count += 1
        self._single_count += is_single

    def leave(self, is_single: bool, now_s: float) -> None:
        """Notes a piece that a thread takes."""
        if self._left_at_s is not None:
            self._pace_s += _PACE_SHARE * (now_s - self._left_at_s - self._pace_s)
        self.count -= 1
        self._single_count -= is_single
        # The time until a piece comes to an empty queue is not the threads' doing.
        self._left_at_s = now_s if self.count else None
        if is_single and self._single_count == 0:
            self._empty_at_s = now_s

    def _room(self, now_s: float) -> int:
        is_calm = now_s - self._refused_at_s >= CALM_S
        is_burst = is_calm and now_s - self._empty_at_s <= BURST_S
        wait_s = BURST_WAIT_S if is_burst else STANDING_WAIT_S
        # One for each thread in any case, so that none rests.
        longest = self._max_count
        if self._pace_s > 0:
            longest = min(longest, max(int(wait_s / self._pace_s), self._thread_count))
        return longest
