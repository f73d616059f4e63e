"""Makes long pieces of Python one at a time, with rests between; knows not what they make."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# How many times as long as a piece took it rests afterwards, while short calls wait.
_REST_TIMES = 3.0


class LongWork:
    """Keeps work of tens of milliseconds from those whose calls take a few. Thread-safe.

    Two such pieces at once are no faster than one after another, for there is one interpreter, but
    leave a third of it to whoever answers or refuses short calls; under overload a queue forms then
    that outlasts them.
    """

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        """Makes the turn of a server; ``is_busy`` tells whether short calls wait."""
        self._is_busy = is_busy
        self._lock = threading.Lock()

    @contextmanager
    def piece(self) -> Iterator[None]:
        """Waits for its turn, has one piece made inside, and rests if others wait."""
        with self._lock:
            began_s = time.perf_counter()
            yield
            if self._is_busy():
                time.sleep(_REST_TIMES * (time.perf_counter() - began_s))
