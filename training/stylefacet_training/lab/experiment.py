"""What an experiment of the laboratory is and what it leaves; performs none."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefacet.errors import StoreCorrupt

if TYPE_CHECKING:
    from stylefacet_training.lab.bench import Bench


@dataclass(frozen=True, slots=True)
class Arm:
    """One training run of an experiment; ``settings`` are what differs from the defaults."""

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure of a document and which of ours stands beside it.

    ``part`` and ``figure`` name ours; ``why`` says in one sentence why the two differ.
    """

    part: str
    figure: str
    where: str
    what: str
    theirs: float
    why: str


@dataclass(frozen=True, slots=True)
class Experiment:
    """One row of the list of what the source documents did.

    ``perform`` trains the arms at a bench and notes what it measures. ``quick`` are settings that
    take the place of an arm's own in the quick form, which is another experiment: it never stands
    for the full one unmarked. Minutes are of one CPU thread, of all arms.
    """

    name: str
    source: str
    title: str
    arms: tuple[Arm, ...]
    perform: Callable[["Bench"], None]
    quick: Mapping[str, Any]
    minutes: float
    quick_minutes: float
    readings: tuple[Reading, ...] = ()
    # Names of arms that the quick form trains; none: all.
    quick_arms: tuple[str, ...] = ()
    # Parts that are measured beside those of the arms.
    further: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of all parts it leaves."""
        return (*(arm.name for arm in self.arms), *self.further)

    def arm(self, name: str) -> Arm:
        """Returns the arm of a name."""
        return next(arm for arm in self.arms if arm.name == name)


@dataclass(frozen=True, slots=True)
class Part:
    """What one arm, or one measurement over arms, gave."""

    figures: Mapping[str, float]
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    quick: bool = False
    commit: str = ""
    note: str = ""


def parts_text(experiment: str, parts: Mapping[str, Part]) -> str:
    """Returns the parts as the text of a metrics.json."""
    content = {
        "experiment": experiment,
        "parts": {name: asdict(part) for name, part in parts.items()},
    }
    return json.dumps(content, indent=1, default=str) + "\n"


def read_parts(path: Path) -> tuple[str, dict[str, Part]]:
    """Returns the experiment's name and its parts, as :func:`parts_text` wrote them.

    Raises:
        StoreCorrupt: when the file is no such text.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = {name: Part(**part) for name, part in content["parts"].items()}
        return str(content["experiment"]), parts
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreCorrupt(str(path), f"no metrics of the laboratory: {error}") from error
