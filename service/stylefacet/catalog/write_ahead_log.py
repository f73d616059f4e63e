"""Finds commits that an SQLite database would lose without a word; opens no database.

After a crash SQLite takes what it can read of its log and drops the rest as never finished. That
is right for the one commit that was being written, and silent loss where the log was torn or
damaged later. The log's index, which SQLite writes after a commit is on disk, tells them apart; so
do two commits behind the damage, for each is on disk before the next begins.

Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log and walformat.html
"""

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from stylefacet.errors import StoreCorrupt

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
# Of the index, in the machine's own order: version, unused, changes, two flags, page size, frames,
# pages, sum of frames, salts, sum of the index.
_INDEX = struct.Struct("=3I2BH2I2I8s2I")
_INDEX_SUMMED_BYTES = _INDEX.size - 8
_COUNT_OF_FRAMES = 6
_MAGIC = 0x377F0682
_MASK = 0xFFFFFFFF
# Of a log whose header is damaged.
_USUAL_PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LogDamage:
    """A log that has lost commits: the frames that can be read, and the bytes that they take."""

    readable_frame_count: int
    readable_bytes: int


@dataclass(frozen=True, slots=True)
class _Log:
    page_bytes: int
    salts: bytes
    is_big_endian: bool
    # None when the header itself is damaged.
    sums: tuple[int, int] | None


def check_log(database: str | Path | None, location: str) -> None:
    """Refuses a database that would be opened without commits that were acknowledged.

    To be asked before it is opened. None stands for a database in memory.

    Raises:
        StoreCorrupt: with what to do to go on without them.
    """
    damage = find_damage(Path(database)) if database else None
    if database and damage is not None:
        name = Path(database).name
        raise StoreCorrupt(
            location,
            f"its log {name}-wal is damaged after {damage.readable_bytes} bytes, and acknowledged "
            "commits stand behind that (to go on without them, keep a copy of the folder, cut the "
            f"log there with `truncate -s {damage.readable_bytes} {name}-wal`, and remove "
            f"{name}-shm)",
        )


def find_damage(database: Path) -> LogDamage | None:
    """Returns what is wrong with the log beside a database; None when all of it can be read.

    A server may write to it meanwhile.
    """
    # Read before the log: what is committed meanwhile only adds to the log.
    index = _read_index(database)
    try:
        with Path(f"{database}-wal").open("rb") as file:
            log = _read_header(file)
            if log is None:
                return None
            frame_count, size, commit_count = _follow(file, log)
    except OSError:
        return None
    if index is not None and index[1] == log.salts:
        is_lost = frame_count < index[0]
    else:
        is_lost = commit_count > 1
    return LogDamage(frame_count, size) if is_lost else None


def _read_header(file: BinaryIO) -> _Log | None:
    """Returns what a log says of itself; None for one that has never held a commit."""
    content = file.read(_HEADER.size)
    if len(content) < _HEADER.size:
        return None
    magic, _, page_bytes, _, _, _, *sums = _HEADER.unpack(content)
    is_big_endian = bool(magic & 1)
    found = _sums(content[:24], (0, 0), is_big_endian)
    if magic & ~1 == _MAGIC and found == tuple(sums):
        return _Log(page_bytes, content[16:24], is_big_endian, found)
    return _Log(_USUAL_PAGE_BYTES, content[16:24], is_big_endian, None)


def _follow(file: BinaryIO, log: _Log) -> tuple[int, int, int]:
    """Returns the frames that can be read, their end in bytes, and the commits behind them."""
    readable_count, size, commit_count = 0, _HEADER.size, 0
    sums, salts = log.sums, log.salts
    for number, (head, page) in enumerate(_frames(file, log.page_bytes)):
        if number == 0 and log.sums is None:
            # A damaged header may lie about them.
            salts = head[8:16]
        # Behind the last commit stands what an earlier run of the log left, with other salts.
        is_ours = head[8:16] == salts
        if sums is not None:
            sums = _sums(page, _sums(head[:8], sums, log.is_big_endian), log.is_big_endian)
            if is_ours and sums == _FRAME.unpack(head)[-2:]:
                readable_count += 1
                size += len(head) + len(page)
                continue
            sums = None
        is_commit = _FRAME.unpack(head)[1] != 0
        commit_count += is_ours and is_commit
    return readable_count, size, commit_count


def _frames(file: BinaryIO, page_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    while True:
        head, page = file.read(_FRAME.size), file.read(page_bytes)
        if len(page) < page_bytes:
            return
        yield head, page


def _read_index(database: Path) -> tuple[int, bytes] | None:
    """Returns how many frames were committed, and the salts of their log; None if not known."""
    try:
        with Path(f"{database}-shm").open("rb") as file:
            first, second = file.read(_INDEX.size), file.read(_INDEX.size)
    except OSError:
        return None
    if len(second) < _INDEX.size or first != second:
        return None
    fields = _INDEX.unpack(first)
    if _sums(first[:_INDEX_SUMMED_BYTES], (0, 0), sys.byteorder == "big") != fields[-2:]:
        return None
    return fields[_COUNT_OF_FRAMES], fields[-3]


def _sums(content: bytes, start: tuple[int, int], is_big_endian: bool) -> tuple[int, int]:
    """Returns SQLite's checksum of bytes in multiples of eight, going on from another.

    Of each two words, ``s0 += x0 + s1`` and ``s1 += x1 + s0``: a linear map, so that all words
    can be weighed at once.
    """
    words = np.frombuffer(content, ">u4" if is_big_endian else "<u4").astype(np.uint32)
    weights, (a, b, c, d) = _weights(len(words) // 2)
    pairs = np.stack([words[0::2], words[0::2] + words[1::2]], axis=1)
    # (2, n, 2) times (n, 2), summed over both, modulo 2**32.
    found = (weights * pairs).sum(axis=(1, 2), dtype=np.uint32)
    first, second = start
    return (
        (int(found[0]) + a * first + b * second) & _MASK,
        (int(found[1]) + c * first + d * second) & _MASK,
    )


@cache
def _weights(n: int) -> tuple[npt.NDArray[np.uint32], tuple[int, int, int, int]]:
    """Returns ``(2, n, 2)`` weights of n pairs of words, and the map of the sums before them."""
    a, b, c, d = 1, 0, 0, 1
    powers = []
    for _ in range(n):
        powers.append(((a, b), (c, d)))
        # Times the map of one step, ((1, 1), (1, 2)).
        a, b, c, d = (v & _MASK for v in (a + b, a + 2 * b, c + d, c + 2 * d))
    weights = np.array(powers[::-1], np.uint32).transpose(1, 0, 2)
    return weights, (a, b, c, d)
