"""The folder of a training run: what lies in it and how it is written; trains nothing."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import torch

from stylefacet.errors import ResourceMissing, StoreCorrupt
from stylefacet_training.config import TrainConfig

CHECKPOINT_FORMAT = 1
# Parts of a checkpoint that belong to the learner; a companion is not in every run.
_LEARNER = ("model", "optimizer", "companion", "companion_optimizer")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Names the files of one run."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """Weights, optimiser and everything a resume needs."""
        return self.path / "checkpoint.pt"

    @property
    def config(self) -> Path:
        """The resolved settings, for a reader; a resume takes those in the checkpoint."""
        return self.path / "config.json"

    @property
    def metrics(self) -> Path:
        """One JSON object an epoch."""
        return self.path / "metrics.jsonl"

    @property
    def summary(self) -> Path:
        """The run in figures, written when it ends."""
        return self.path / "summary.json"

    @property
    def population(self) -> Path:
        """The training pictures as the encoder sees them, written at the end."""
        return self.path / "population.npz"

    @property
    def plots(self) -> Path:
        """Pictures of what was learned."""
        return self.path / "plots"

    @property
    def cache(self) -> Path:
        """What an objective computed once from the pictures; may be deleted."""
        return self.path / "cache"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run at the end of an epoch.

    ``history`` holds one mapping an epoch, as in metrics.jsonl. ``learner`` holds the state dicts
    of the networks and their optimisers, on the CPU (loop.Learner.state).
    """

    config: TrainConfig
    commit: str
    picture_names_digest: str
    history: Sequence[Mapping[str, Any]]
    learner: Mapping[str, Any]

    @property
    def model(self) -> Mapping[str, Any]:
        """The state dict of the network."""
        weights: Mapping[str, Any] = self.learner["model"]
        return weights


@dataclass(frozen=True, slots=True)
class Population:
    """The training pictures as the encoder sees them.

    ``mean`` and ``logvar`` are ``(n, d)`` float32 over the training pictures; ``novelty`` is
    ``(n,)`` float32, None where the model gives none; ``examples`` is ``(m, h, w, 3)`` uint8,
    pictures that were held out.
    """

    mean: npt.NDArray[np.float32]
    logvar: npt.NDArray[np.float32]
    novelty: npt.NDArray[np.float32] | None
    examples: npt.NDArray[np.uint8]


def save_checkpoint(run: RunFolder, checkpoint: Checkpoint) -> None:
    """Replaces the run's checkpoint; an interruption leaves the old one whole."""
    content = {
        "format": CHECKPOINT_FORMAT,
        # Text, so that torch.load may refuse every pickled class.
        "config": checkpoint.config.to_json(),
        "commit": checkpoint.commit,
        "picture_names_digest": checkpoint.picture_names_digest,
        "history": json.dumps(list(checkpoint.history)),
        **checkpoint.learner,
    }
    write_atomically(run.checkpoint, lambda file: torch.save(content, file))


def load_checkpoint(run: RunFolder) -> Checkpoint:
    """Returns the run's checkpoint, its tensors on the CPU.

    Raises:
        ResourceMissing: when the folder holds none.
        StoreCorrupt: when it cannot be read.
    """
    if not run.checkpoint.is_file():
        raise ResourceMissing("run", str(run.path), "make one with `stylefacet-train train`")
    try:
        content = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
        if content["format"] != CHECKPOINT_FORMAT:
            raise ValueError(f"format {content['format']}, not {CHECKPOINT_FORMAT}")
        return Checkpoint(
            config=TrainConfig.from_json(content["config"]),
            commit=content["commit"],
            picture_names_digest=content["picture_names_digest"],
            history=json.loads(content["history"]),
            learner={name: content[name] for name in _LEARNER if name in content},
        )
    # torch.load lets RuntimeError, EOFError, KeyError and its UnpicklingError escape.
    except (RuntimeError, ValueError, KeyError, EOFError, OSError, TypeError) as error:
        cause = str(error).partition("\n")[0][:120] or type(error).__name__
        raise StoreCorrupt(str(run.checkpoint), cause) from error


def save_population(run: RunFolder, population: Population) -> None:
    """Writes the run's population beside its checkpoint."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "mean": population.mean,
        "logvar": population.logvar,
        "examples": population.examples,
    }
    if population.novelty is not None:
        arrays["novelty"] = population.novelty
    write_atomically(run.population, lambda file: np.savez(file, allow_pickle=False, **arrays))


def load_population(run: RunFolder) -> Population:
    """Returns the run's population.

    Raises:
        ResourceMissing: when the run has not ended yet.
    """
    if not run.population.is_file():
        raise ResourceMissing(
            "finished run", str(run.path), "finish it with `stylefacet-train train --resume`"
        )
    with np.load(run.population) as arrays:
        novelty = arrays.get("novelty")
        return Population(arrays["mean"], arrays["logvar"], novelty, arrays["examples"])


def write_metrics(run: RunFolder, history: Sequence[Mapping[str, Any]]) -> None:
    """Replaces metrics.jsonl by the epochs of ``history``."""
    lines = "".join(json.dumps(row) + "\n" for row in history)
    write_atomically(run.metrics, lambda file: file.write(lines.encode()))


def append_metrics(run: RunFolder, row: Mapping[str, Any]) -> None:
    """Adds one epoch to metrics.jsonl."""
    with run.metrics.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file whole or not at all: to a temporary name, synced, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def source_commit() -> str:
    """Returns the commit of this code, ``-dirty`` where it was edited, else its version."""
    version = f"stylefacet {metadata.version('stylefacet')}"
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return version
    return described.stdout.strip() if described.returncode == 0 else version
