"""Gathers what was measured, beside the documents' figures; trains nothing and draws nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stylefacet.errors import ResourceMissing
from stylefacet_training.lab.catalogue import EXPERIMENTS
from stylefacet_training.lab.experiment import Experiment, Part, Reading, read_parts

METRICS = "metrics.json"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A document's figure and ours; ``ours`` is None where the run was not made."""

    reading: Reading
    ours: float | None
    quick: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours by theirs."""
        return None if self.ours is None else self.ours / self.reading.theirs

    @property
    def why(self) -> str:
        """The sentence on why they differ; of a quick form, that it is one comes first."""
        why = self.reading.why
        return f"Quick form, fewer epochs. {why}." if self.quick else f"{why}."


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of one experiment: all its parts, full ones before quick ones."""

    experiment: Experiment
    parts: Mapping[str, Part]
    pictures: Sequence[Path]

    def comparisons(self) -> Iterator[Comparison]:
        """Yields every reading of the document, in its order."""
        for reading in self.experiment.readings:
            part = self.parts.get(reading.part)
            if part is None or reading.figure not in part.figures:
                yield Comparison(reading, None)
            else:
                yield Comparison(reading, part.figures[reading.figure], part.quick)

    @property
    def full_count(self) -> int:
        """Runs made at the document's settings."""
        return sum(1 for arm in self._made() if not self.parts[arm].quick)

    @property
    def quick_count(self) -> int:
        """Runs made in the quick form alone."""
        return sum(1 for arm in self._made() if self.parts[arm].quick)

    def _made(self) -> Iterable[str]:
        return (arm.name for arm in self.experiment.arms if arm.name in self.parts)


def gather(out: Path, results: Sequence[Path]) -> Sequence[Findings]:
    """Returns the findings of all experiments, in the order of the list.

    ``out`` holds experiments' folders; ``results`` are metrics.json files, by whatever name, or
    folders of them. Of two parts of one name the full one counts, then the one in ``out``.

    Raises:
        ResourceMissing: when one of ``results`` is not there.
        StoreCorrupt: when a file is not a metrics.json.
    """
    parts: dict[str, dict[str, Part]] = {}
    for path in [*_files(results), *sorted(out.glob(f"*/{METRICS}"))]:
        name, found = read_parts(path)
        known = parts.setdefault(name, {})
        for key, part in found.items():
            if key not in known or not part.quick or known[key].quick:
                known[key] = part
    return [Findings(e, parts.get(e.name, {}), _pictures(out, e)) for e in EXPERIMENTS]


def _pictures(out: Path, experiment: Experiment) -> Sequence[Path]:
    folders = (out / experiment.name, out / f"{experiment.name}-quick")
    return [path for folder in folders for path in sorted((folder / "pictures").glob("*.png"))]


def _files(results: Sequence[Path]) -> Iterator[Path]:
    for path in results:
        if path.is_dir():
            yield from sorted(path.glob("*.json"))
        elif path.is_file():
            yield path
        else:
            raise ResourceMissing("file", str(path))
