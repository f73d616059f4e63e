"""How far experiments are, by what lies on disk; performs none."""

from pathlib import Path

from stylefacet_training.lab.experiment import Experiment, read_parts


def done_parts(out: Path, experiment: Experiment, *, quick: bool = False) -> int:
    """Returns how many of an experiment's parts have their figures."""
    path = out / (experiment.name + ("-quick" if quick else "")) / "metrics.json"
    if not path.is_file():
        return 0
    parts = read_parts(path)[1]
    return sum(name in parts for name in experiment.parts)
