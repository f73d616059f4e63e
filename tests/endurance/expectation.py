"""What a catalogue must hold after a crash, kept in the plainest way; knows no server."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProductState:
    """A product as a whole: the label that each write changes, and its images."""

    revision: str
    image_ids: frozenset[str]


# What a thing may be: one state after an acknowledged write, two while a write is under way.
Allowed = frozenset[ProductState | None]

_ABSENT: Allowed = frozenset([None])


@dataclass
class Expectation:
    """Acknowledged writes must be there; one under way is there as a whole or not at all.

    Thread-safe so long as one thread alone writes a product.
    """

    allowed: dict[str, Allowed] = field(default_factory=dict)
    acknowledged_count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self, name: str) -> ProductState | None:
        """Returns the known state; only while no write is under way."""
        (state,) = self.allowed.get(name, _ABSENT)
        return state

    def begin(self, name: str, wanted: ProductState | None) -> None:
        """Notes that a write is under way."""
        self.allowed[name] = self.allowed.get(name, _ABSENT) | {wanted}

    def acknowledge(self, name: str, wanted: ProductState | None) -> None:
        """Notes that the server has told that the write is done."""
        self.allowed[name] = frozenset([wanted])
        with self._lock:
            self.acknowledged_count += 1

    def withdraw(self, name: str, wanted: ProductState | None) -> None:
        """Notes that the server has told that a write under way was not made."""
        self.allowed[name] = self.allowed[name] - {wanted} or frozenset([wanted])

    def settle(self, found: Mapping[str, ProductState]) -> tuple[int, int]:
        """Compares with what is there, and takes it for known.

        Returns how many writes under way were kept and how many were not.

        Raises: AssertionError naming every thing that is lost, half there or was never asked for.
        """
        wrong = [
            f"{name}: is {found.get(name)}, may be {sorted(map(str, self.allowed.get(name, ())))}"
            for name in sorted(self.allowed.keys() | found.keys())
            if found.get(name) not in self.allowed.get(name, _ABSENT)
        ]
        assert not wrong, "\n".join(wrong)
        kept = dropped = 0
        for name, states in self.allowed.items():
            if len(states) > 1:
                is_kept = found.get(name) is not None
                kept, dropped = kept + is_kept, dropped + (not is_kept)
            self.allowed[name] = frozenset([found.get(name)])
        return kept, dropped
