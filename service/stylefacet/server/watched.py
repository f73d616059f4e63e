"""What some files say, read again when they change; knows nothing of their content."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from stylefacet.errors import SettingInvalid

ValueT = TypeVar("ValueT")
# Inode, size and time of change of each file; none for one that is not there.
_State: TypeAlias = tuple[tuple[int, int, int] | None, ...]
# Seconds between two looks at the files.
LOOK_EVERY_S = 1.0
_log = logging.getLogger(__name__)


class Watched(Generic[ValueT]):
    """A value read from files. Thread-safe; ``_lock`` lets one thread at a time read them.

    Files that cannot be used any more leave the former value standing, with an error in the log:
    half a change must lock nobody out.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[], ValueT],
        look_every_s: float = LOOK_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads the files for the first time.

        Raises:
            SettingInvalid: of ``read``, when they cannot be used.
        """
        self._paths = tuple(paths)
        self._read = read
        self._look_every_s = look_every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at_s = clock()
        # Taken before reading: a change in between is then seen at the next look.
        self._state = self._look()
        self._value = read()

    def current(self) -> ValueT:
        """Returns the value as of the last look."""
        with self._lock:
            if self._clock() - self._looked_at_s >= self._look_every_s:
                self._looked_at_s = self._clock()
                state = self._look()
                if state != self._state:
                    self._state = state
                    self._read_again()
            return self._value

    def _read_again(self) -> None:
        names = " ".join(map(str, self._paths))
        try:
            self._value = self._read()
            _log.info("files read again", extra={"files": names})
        except SettingInvalid as error:
            _log.error("changed files not used", extra={"files": names, "cause": error.message})

    def _look(self) -> _State:
        return tuple(map(_look_at, self._paths))


def _look_at(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
