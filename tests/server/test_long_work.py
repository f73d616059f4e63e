"""Long pieces come one at a time and rest while others wait."""

import time
from concurrent.futures import ThreadPoolExecutor

from stylefacet.server.long_work import LongWork

PIECE_S = 0.02


def seconds_for(work: LongWork, count: int) -> float:
    """Has some pieces made by as many threads; returns how long it took, rests included."""

    def make() -> None:
        with work.piece():
            time.sleep(PIECE_S)

    began_s = time.monotonic()
    with ThreadPoolExecutor(count) as threads:
        for made in [threads.submit(make) for _ in range(count)]:
            made.result()
    return time.monotonic() - began_s


def test_pieces_are_made_one_at_a_time():
    assert seconds_for(LongWork(lambda: False), 4) >= 4 * PIECE_S


def test_while_short_calls_wait_it_rests_for_longer_than_it_works():
    assert seconds_for(LongWork(lambda: True), 2) >= 2 * 3 * PIECE_S


def test_a_piece_that_fails_leaves_the_turn_to_the_next():
    work = LongWork(lambda: False)

    with ThreadPoolExecutor(1) as threads:
        try:
            with work.piece():
                raise ValueError
        except ValueError:
            pass
        assert threads.submit(seconds_for, work, 1).result(5) >= PIECE_S
