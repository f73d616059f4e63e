"""Checks that one thing, written and read by many at once, behaved as a single register would.

Whether there is an order of the operations, one that respects which ended before which began, in
which each sees what the one before it left: Wing and Gong's search, with Lowe's memory of what was
tried. It knows no server; values are told apart by being unique.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an operation is and how it ended."""

    READ = "read"
    WRITE = "write"
    # Ends well where there was something.
    DELETE = "delete"
    # A delete, or a write to what must be there, that found nothing.
    MISSING = "missing"
    # Writes if the value is still the one expected.
    SWAP = "swap"
    # A swap that found another value.
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on a register, with when it began and ended.

    ``value`` is what was read or written, ``expected`` what a swap wanted to find; None stands for
    nothing there.
    """

    kind: Kind
    began_s: float
    ended_s: float
    value: str | None = None
    expected: str | None = None

    def step(self, state: str | None) -> tuple[bool, str | None]:
        """Returns whether it may come at this state, and what it leaves."""
        match self.kind:
            case Kind.READ:
                return self.value == state, state
            case Kind.WRITE:
                return True, self.value
            case Kind.DELETE:
                return state is not None, None
            case Kind.MISSING:
                return state is None, state
            case Kind.SWAP:
                return state is not None and state == self.expected, self.value
            case Kind.STALE:
                return state is not None and state != self.expected, state


class _Entry:
    """The beginning or the end of an operation, in a list that parts can be lifted out of."""

    __slots__ = ("after", "before", "end", "number")

    def __init__(self, number: int, end: "_Entry | None") -> None:
        self.number = number
        # Of a beginning: its end.
        self.end = end
        self.before: _Entry | None = None
        self.after: _Entry | None = None

    def lift(self) -> None:
        for entry in (self, self.end):
            assert entry is not None
            assert entry.before is not None
            entry.before.after = entry.after
            if entry.after is not None:
                entry.after.before = entry.before

    def put_back(self) -> None:
        for entry in (self.end, self):
            assert entry is not None
            assert entry.before is not None
            entry.before.after = entry
            if entry.after is not None:
                entry.after.before = entry


def is_linearizable(history: Sequence[Operation], start: str | None = None) -> bool:
    """Returns whether some order explains a history of one register, in any order of its own."""
    head = _linked(history)
    state, done = start, 0
    tried: set[tuple[int, str | None]] = set()
    taken: list[tuple[_Entry, str | None]] = []
    entry = head.after
    while head.after is not None:
        assert entry is not None
        if entry.end is None:
            # An operation that has ended must have come by now: the latest choice was wrong.
            if not taken:
                return False
            entry, state = taken.pop()
            done &= ~(1 << entry.number)
            entry.put_back()
            entry = entry.after
            continue
        fits, following = history[entry.number].step(state)
        key = done | 1 << entry.number, following
        if fits and key not in tried:
            tried.add(key)
            taken.append((entry, state))
            done, state = key
            entry.lift()
            entry = head.after
        else:
            entry = entry.after
    return True


def _linked(history: Sequence[Operation]) -> _Entry:
    events: list[tuple[float, int, _Entry]] = []
    for number, operation in enumerate(history):
        assert not math.isnan(operation.began_s)
        assert operation.began_s <= operation.ended_s
        end = _Entry(number, None)
        # Of two at the same moment the beginning comes first: they may have overlapped.
        events.append((operation.began_s, 0, _Entry(number, end)))
        events.append((operation.ended_s, 1, end))
    head = _Entry(-1, None)
    last = head
    for _, _, entry in sorted(events, key=lambda event: event[:2]):
        last.after, entry.before = entry, last
        last = entry
    return head


def first_fault(history: Sequence[Operation]) -> list[Operation]:
    """Returns the shortest beginning of a history, by its ends, that no order explains.

    Empty for a history without a fault. Those under way at its end are left out unless needed:
    whatever they write can be seen before they end.
    """
    ordered = sorted(history, key=lambda operation: operation.ended_s)
    low, high = 0, len(ordered)
    if is_linearizable(ordered):
        return []
    while low < high:
        middle = (low + high) // 2
        if is_linearizable(_up_to(ordered, middle)):
            low = middle + 1
        else:
            high = middle
    return ordered[max(low - 8, 0) : low]


def _up_to(ordered: Sequence[Operation], count: int) -> list[Operation]:
    """Returns the first that ended, with those that began before the last of them did."""
    ended_s = ordered[count - 1].ended_s if count else -math.inf
    under_way = [op for op in ordered[count:] if op.began_s < ended_s and op.kind is not Kind.READ]
    return [*ordered[:count], *under_way]
