"""What a switch of encoders is to change, as an operation's request keeps it; does none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.operations import JsonObject

# No category that can be stored.
_ANY_OTHER = "\0"


@dataclass(frozen=True, slots=True)
class SwitchTerms:
    """What a switch is asked to do; ``asked`` is what the caller said, whatever came of it."""

    asked: JsonObject
    earlier: Assignment
    later: Assignment
    validate_only: bool = False
    allow_missing_inputs: bool = False

    def to_json(self) -> JsonObject:
        """Returns the terms as an operation's request."""
        return {
            "asked": dict(self.asked),
            "earlier": self.earlier.to_json(),
            "later": self.later.to_json(),
            "validate_only": self.validate_only,
            "allow_missing_inputs": self.allow_missing_inputs,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "SwitchTerms":
        """Returns the terms in an operation's request."""
        return cls(
            document["asked"],
            Assignment.from_json(document["earlier"]),
            Assignment.from_json(document["later"]),
            document["validate_only"],
            document["allow_missing_inputs"],
        )

    @property
    def heirs(self) -> list[str]:
        """The encoders that take over products."""
        taken = {self.later.encoder_of(c) for c in self._probes() if self._is_moved(c)}
        return [encoder_id for encoder_id in self.later.encoder_ids if encoder_id in taken]

    def predecessors(self, heir: str) -> list[str]:
        """Returns the encoders that products are taken over from."""
        moved = [c for c in self._probes() if self._is_moved(c)]
        return sorted(
            {self.earlier.encoder_of(c) for c in moved if self.later.encoder_of(c) == heir}
        )

    def _probes(self) -> list[str]:
        """Returns every category that is named, and one that stands for all others."""
        return sorted({_ANY_OTHER, *self.earlier.categories, *self.later.categories})

    def _is_moved(self, category: str) -> bool:
        return self.earlier.encoder_of(category) != self.later.encoder_of(category)
