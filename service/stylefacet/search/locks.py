"""A lock that many readers share and one writer has alone; knows nothing of what it guards."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReadWriteLock:
    """Readers run together, a writer runs alone, and a waiting writer goes before new readers.

    Thread-safe; not reentrant: a reader that asks again while a writer waits would wait for ever.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reader_count = 0
        self._waiting_writer_count = 0
        self._is_writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Holds the lock together with other readers."""
        with self._changed:
            while self._is_writing or self._waiting_writer_count:
                self._changed.wait()
            self._reader_count += 1
        try:
            yield
        finally:
            with self._changed:
                self._reader_count -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the lock alone."""
        with self._changed:
            self._waiting_writer_count += 1
            while self._is_writing or self._reader_count:
                self._changed.wait()
            self._waiting_writer_count -= 1
            self._is_writing = True
        try:
            yield
        finally:
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()
