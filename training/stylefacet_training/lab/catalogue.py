"""The list of all experiments of the laboratory, in the order of the documents."""

import difflib
from collections.abc import Sequence

from stylefacet.errors import InvalidField
from stylefacet_training.lab import beyond, digits, families, fashion, logs, thesis
from stylefacet_training.lab.experiment import Experiment

EXPERIMENTS: tuple[Experiment, ...] = (
    *thesis.EXPERIMENTS,
    *families.EXPERIMENTS,
    *beyond.EXPERIMENTS,
    *fashion.EXPERIMENTS,
    *logs.EXPERIMENTS,
    *digits.EXPERIMENTS,
)


def experiment_of(name: str, only: Sequence[str] = ()) -> Experiment:
    """Returns the experiment of a name that has all the parts ``only`` names.

    Raises:
        InvalidField: when there is none, naming the nearest.
    """
    by_name = {experiment.name: experiment for experiment in EXPERIMENTS}
    if name not in by_name:
        raise InvalidField("name", _missing("experiment", name, list(by_name)))
    parts = by_name[name].parts
    for wanted in only:
        if wanted not in parts:
            raise InvalidField("only", _missing(f"part of {name}", wanted, parts))
    return by_name[name]


def _missing(what: str, name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"there is no {what} {name!r}; {hint}"
