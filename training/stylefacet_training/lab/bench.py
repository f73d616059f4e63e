"""The place where an experiment is performed: trains its arms and keeps what it finds.

Knows no experiment in particular. All it writes lies in the experiment's folder: a run folder an
arm, ``pictures/`` and ``metrics.json``, which is rewritten after every part, so that whatever was
finished before an interruption is kept.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from stylefacet_training.config import TrainConfig, with_settings
from stylefacet_training.data.pictures import PictureSet
from stylefacet_training.data.sources import read_pictures
from stylefacet_training.encoding import encode_pictures
from stylefacet_training.lab.experiment import Arm, Experiment, Part, parts_text, read_parts
from stylefacet_training.models.base import VariationalModel
from stylefacet_training.recipes import load_model
from stylefacet_training.runs import (
    Population,
    RunFolder,
    load_checkpoint,
    load_population,
    source_commit,
    write_atomically,
)
from stylefacet_training.summary import RunSummary
from stylefacet_training.terminal import Terminal
from stylefacet_training.train import train

# Stands for the data folder in an arm's settings.
DATA = "{data}"


@dataclass(frozen=True, slots=True)
class Trained:
    """An arm that has been trained: its model in evaluation mode and what the run wrote."""

    arm: Arm
    config: TrainConfig
    model: VariationalModel
    summary: RunSummary
    population: Population

    def figures(self) -> dict[str, float]:
        """Returns the figures of every arm: losses as the thesis reads them, and active units."""
        s = self.summary
        return {
            "train_generation": s.thesis_train_generation,
            "validation_generation": s.thesis_validation_generation,
            "train_latent": s.thesis_train_latent,
            "validation_latent": s.thesis_validation_latent,
            "validation_generation_all": s.validation_generation,
            "validation_latent_all": s.validation_latent,
            "active_units": float(s.active_unit_count),
            "latent_dims": float(s.latent_dims),
            "epochs": float(s.epochs),
            "images_per_s": s.images_per_s,
        }


class Bench:
    """One experiment's place on disk and its way to data and training. Not thread-safe."""

    def __init__(
        self,
        experiment: Experiment,
        out: Path,
        data: Path,
        terminal: Terminal,
        *,
        quick: bool = False,
        only: Sequence[str] = (),
    ) -> None:
        self.experiment = experiment
        self.data = data
        self.terminal = terminal
        self.quick = quick
        self._only = tuple(only)
        self._root = out
        self.folder = out / (experiment.name + ("-quick" if quick else ""))
        self.parts: dict[str, Part] = {}
        if self.metrics.is_file():
            self.parts = read_parts(self.metrics)[1]

    @property
    def metrics(self) -> Path:
        """The file of figures."""
        return self.folder / "metrics.json"

    @property
    def arms(self) -> Sequence[Arm]:
        """The arms to train: all, those of the quick form, or those that were asked for."""
        wanted = self._only or (self.experiment.quick_arms if self.quick else ())
        return [arm for arm in self.experiment.arms if not wanted or arm.name in wanted]

    def config(self, arm: Arm) -> TrainConfig:
        """Returns the settings of an arm, data folders and the quick form's put in."""
        settings = dict(arm.settings)
        if self.quick:
            settings |= self.experiment.quick
        settings = {name: self._placed(value) for name, value in settings.items()}
        return with_settings(TrainConfig(), settings)

    def train(self, arm: Arm) -> Trained:
        """Returns an arm trained; one that is finished is not trained again."""
        config = self.config(arm)
        run = RunFolder(self.folder / arm.name)
        if not self._finished(run, config):
            self.terminal.line(f"{self.experiment.name}: {arm.name}")
            train(config, run, self.terminal, resume=True)
        summary = RunSummary.from_json(run.summary.read_text(encoding="utf-8"))
        model = load_model(config, load_checkpoint(run).model)
        return Trained(arm, config, model, summary, load_population(run))

    def note(self, name: str, figures: Mapping[str, float], **facts: Any) -> None:
        """Keeps the figures of a part, at once."""
        known = {key: float(value) for key, value in figures.items()}
        self.parts[name] = Part(known, quick=self.quick, commit=source_commit(), **facts)
        text = parts_text(self.experiment.name, self.parts)
        write_atomically(self.metrics, lambda file: file.write(text.encode()))

    def note_arm(self, trained: Trained, further: Mapping[str, float] | None = None) -> None:
        """Keeps the figures of an arm and whatever else was measured on it."""
        settings = dict(trained.arm.settings) | (dict(self.experiment.quick) if self.quick else {})
        figures = trained.figures() | dict(further or {})
        self.note(trained.arm.name, figures, settings=settings, seconds=trained.summary.duration_s)

    def picture(self, name: str, png: bytes) -> None:
        """Keeps a picture."""
        write_atomically(self.folder / "pictures" / f"{name}.png", lambda file: file.write(png))

    def arrays(self, name: str, **arrays: npt.NDArray[Any]) -> None:
        """Keeps arrays as pictures/NAME.npz."""
        path = self.folder / "pictures" / f"{name}.npz"
        write_atomically(path, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays))

    def read(self, source: str, height_px: int, width_px: int, **options: Any) -> PictureSet:
        """Returns the pictures of a source, ``{data}`` standing for the data folder."""
        with self.terminal.bar("reading photos") as advance:
            return read_pictures(
                (self._placed(source),), height_px, width_px, advance=advance, **options
            )

    def at(self, experiment: Experiment, *, quick: bool | None = None) -> "Bench":
        """Returns the bench of another experiment, whose arms this one goes on from."""
        quick = self.quick if quick is None else quick
        return Bench(experiment, self._root, self.data, self.terminal, quick=quick)

    def timed(self, work: Callable[[], object]) -> float:
        """Returns how many seconds some work took."""
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    def _placed(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(DATA, str(self.data))
        return tuple(map(self._placed, value)) if isinstance(value, tuple) else value

    def _finished(self, run: RunFolder, config: TrainConfig) -> bool:
        if not (run.summary.is_file() and run.checkpoint.is_file() and run.population.is_file()):
            return False
        checkpoint = load_checkpoint(run)
        same = replace(checkpoint.config, checkpoint_every_s=config.checkpoint_every_s) == config
        return same and len(checkpoint.history) == config.epochs


def codes_of(
    model: VariationalModel, pixels: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Returns the posteriors' means and logarithms of variance, ``(n, d)`` each."""
    encodings = encode_pictures(model, pixels)
    return encodings.mean, encodings.logvar


@torch.no_grad()
def squared_errors(
    model: VariationalModel, pixels: npt.NDArray[np.uint8], batch_size: int = 250
) -> npt.NDArray[np.float32]:
    """Returns the summed squared error of each picture's reconstruction from its mean, ``(n,)``."""
    parts = []
    for start in range(0, len(pixels), batch_size):
        batch = torch.from_numpy(pixels[start : start + batch_size])
        decoded = model.decode(model.encode(batch).mean)
        parts.append((decoded - batch.float() / 255.0).square().flatten(1).sum(1).numpy())
    return np.concatenate(parts)
