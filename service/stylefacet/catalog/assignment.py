"""Which encoder serves which products, by their category; knows neither SQL nor models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scope:
    """The products that one encoder serves: those of some categories, or all but those of some."""

    categories: frozenset[str]
    excluded: bool = False

    def holds(self, category: str) -> bool:
        """Whether products of a category are among them."""
        return (category in self.categories) != self.excluded


EVERYTHING = Scope(frozenset(), excluded=True)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The encoder of each category; ``default`` serves every category that is not named.

    A category that is named has another encoder than the default one.
    """

    default: str
    categories: Mapping[str, str] = field(default_factory=dict)

    @property
    def encoder_ids(self) -> tuple[str, ...]:
        """The encoders that serve, the default one first."""
        return (self.default, *sorted(set(self.categories.values()) - {self.default}))

    def encoder_of(self, category: str) -> str:
        """Returns the encoder that serves a category."""
        return self.categories.get(category, self.default)

    def scope_of(self, encoder_id: str) -> Scope:
        """Returns which products an encoder serves; none for one that does not serve."""
        if encoder_id == self.default:
            return Scope(frozenset(self.categories), excluded=True)
        return Scope(frozenset(c for c, id in self.categories.items() if id == encoder_id))

    def changed(self, encoder_id: str, categories: Iterable[str] = ()) -> "Assignment":
        """Returns the assignment after an encoder took over some categories.

        Without categories it becomes the default one, and serves what it served before as well.
        """
        taken = set(categories)
        default = self.default if taken else encoder_id
        named = dict(self.categories) | dict.fromkeys(taken, encoder_id)
        return Assignment(default, {c: id for c, id in named.items() if id != default})

    def to_json(self) -> dict[str, object]:
        """Returns the assignment as values that JSON carries."""
        return {"default": self.default, "categories": dict(self.categories)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Assignment":
        """Returns the assignment that :meth:`to_json` wrote."""
        return cls(document["default"], dict(document["categories"]))
