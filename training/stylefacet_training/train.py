"""Trains one encoder on one set of pictures, from start to end; knows no network and no loss.

Read it from top to bottom: :func:`train` is the whole run. Which network and which objective a
run uses is decided in recipes.py by ``config.model``.
"""

import hashlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stylefacet.errors import ResourceExists, SettingInvalid
from stylefacet_training.config import TrainConfig, differences
from stylefacet_training.data.pictures import PictureSet, Split, split_by_group
from stylefacet_training.data.sources import read_pictures
from stylefacet_training.encoding import encode_pictures
from stylefacet_training.loop import Average, Learner, batches, epoch_seed, judge, run_epoch
from stylefacet_training.losses import Batch
from stylefacet_training.models.base import VariationalModel
from stylefacet_training.plots import write_plots
from stylefacet_training.recipes import Surroundings, recipe_of
from stylefacet_training.runs import (
    Checkpoint,
    Population,
    RunFolder,
    append_metrics,
    load_checkpoint,
    save_checkpoint,
    save_population,
    source_commit,
    write_atomically,
    write_metrics,
)
from stylefacet_training.summary import RunSummary, summarise
from stylefacet_training.terminal import Terminal

# Held-out pictures kept in the run folder for plots.
EXAMPLE_COUNT = 12
# Share of a GPU's free memory the pictures may take; beyond it they stay on the host.
GPU_SHARE = 0.5


def train(config: TrainConfig, run: RunFolder, terminal: Terminal, *, resume: bool) -> RunSummary:
    """Trains to ``config.epochs`` and leaves weights, metrics, plots and a summary in ``run``.

    With ``resume`` a run that was interrupted goes on from its last checkpoint as if it had not
    been; a finished one may be given more epochs; where there is none yet, it begins.

    Raises:
        ResourceExists: when the folder holds a run and ``resume`` is not set.
        SettingInvalid: when a resumed run would use other settings or pictures, or when the loss
            is no longer finite.
    """
    started = time.monotonic()
    checkpoint = _earlier_checkpoint(config, run, resume=resume)
    pictures = _read(config, terminal)
    session = _prepare(config, run, pictures, checkpoint, terminal)
    terminal.line(
        f"{len(session.split.training)} photos to train on, {len(session.split.validation)} held "
        f"out, {session.learner.weight_count:,} weights, on {session.device.type}"
    )
    saved = time.monotonic()
    for epoch in range(len(session.history), config.epochs):
        # Everything random in an epoch follows from the seed and its number, so that a resumed
        # run draws what an uninterrupted one would have drawn.
        torch.manual_seed(epoch_seed(config.seed, epoch))
        begun = time.monotonic()
        training = _train_epoch(session, epoch, terminal)
        images_per_s = len(session.split.training) / (time.monotonic() - begun)
        validation = judge(session.learner, session.batches(session.split.validation), epoch + 1.0)
        row = {"epoch": epoch + 1, "images_per_s": round(images_per_s, 1)}
        row |= training.figures("train") | validation.figures("validation")
        if not math.isfinite(row["train_total"]):
            raise SettingInvalid(
                "learning_rate", f"the loss is no longer finite in epoch {epoch + 1}; lower it"
            )
        session.history.append(row)
        append_metrics(run, row)
        terminal.line(_epoch_line(row, config.epochs))
        if epoch + 1 == config.epochs or time.monotonic() - saved >= config.checkpoint_every_s:
            save_checkpoint(run, session.checkpoint())
            saved = time.monotonic()
    return _finish(session, run, terminal, started)


@dataclass(frozen=True, slots=True)
class _Session:
    """All that a run works with."""

    config: TrainConfig
    commit: str
    pictures: PictureSet
    picture_names_digest: str
    split: Split
    device: torch.device
    # (n, h, w, 3) uint8, on the device where there is room.
    pixels: Tensor
    model: VariationalModel
    learner: Learner
    history: list[Mapping[str, Any]]

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(
            self.config,
            self.commit,
            self.picture_names_digest,
            self.history,
            self.learner.state(),
        )

    def batches(self, order: npt.NDArray[np.int64]) -> Iterator[Batch]:
        """Yields the pictures at some positions, a batch at a time, on the device."""
        return batches(self.pixels, order, self.config.batch_size, self.device)


def _earlier_checkpoint(config: TrainConfig, run: RunFolder, *, resume: bool) -> Checkpoint | None:
    """Returns the checkpoint to go on from; None where the run begins."""
    if not run.checkpoint.is_file():
        return None
    if not resume:
        raise ResourceExists(
            "run", str(run.path), "name another folder, or go on with it by --resume"
        )
    checkpoint = load_checkpoint(run)
    changed = set(differences(config, checkpoint.config)) - {"epochs", "checkpoint_every_s"}
    if changed:
        name = min(changed)
        raise SettingInvalid(
            name,
            f"is {getattr(config, name)!r}, but {run.path} was begun with "
            f"{getattr(checkpoint.config, name)!r}; leave it out, or start a new run",
        )
    done = len(checkpoint.history)
    if config.epochs < done:
        raise SettingInvalid("epochs", f"is {config.epochs}, but {run.path} has had {done} already")
    return checkpoint


def _read(config: TrainConfig, terminal: Terminal) -> PictureSet:
    with terminal.bar("reading photos") as advance:
        pictures = read_pictures(
            config.data,
            config.height_px,
            config.width_px,
            pairs_column=config.pairs_column,
            advance=advance,
        )
    for skipped in pictures.skipped:
        terminal.warning(f"{skipped.name} is left out: {skipped.cause}")
    return pictures


def _prepare(
    config: TrainConfig,
    run: RunFolder,
    pictures: PictureSet,
    checkpoint: Checkpoint | None,
    terminal: Terminal,
) -> _Session:
    names_digest = hashlib.sha256("\n".join(pictures.names).encode()).hexdigest()
    if checkpoint and checkpoint.picture_names_digest != names_digest:
        raise SettingInvalid("data", "holds other photos than when the run began; start a new run")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_float32_matmul_precision("high")  # TF32 on a GPU; without effect on a CPU
    _check_shape(config, pictures)
    split = split_by_group(pictures.groups, config.validation_share, config.seed)

    torch.manual_seed(config.seed)
    recipe = recipe_of(config)
    model = recipe.build_model(config)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    surroundings = Surroundings(pictures, device, run.cache, terminal)
    objective = recipe.build_objective(config, model, surroundings)
    learner = Learner(model, objective, config)
    if learner.companion:
        learner.companion.to(device)
    if checkpoint:
        learner.load(checkpoint.learner)
    history = list(checkpoint.history) if checkpoint else []
    write_atomically(run.config, lambda file: file.write(config.to_json().encode()))
    write_metrics(run, history)
    return _Session(
        config=config,
        commit=source_commit(),
        pictures=pictures,
        picture_names_digest=names_digest,
        split=split,
        device=device,
        pixels=_near(torch.from_numpy(pictures.pixels), device),
        model=model,
        learner=learner,
        history=history,
    )


def _check_shape(config: TrainConfig, pictures: PictureSet) -> None:
    height_px, width_px, channels = pictures.pixels.shape[1:]
    found = {"height_px": height_px, "width_px": width_px, "channels": channels}
    for name, value in found.items():
        if getattr(config, name) != value:
            raise SettingInvalid(
                name, f"is {getattr(config, name)}, but {pictures.title} has {value}"
            )


def _near(pixels: Tensor, device: torch.device) -> Tensor:
    """Returns the pictures on the device if there is room, else where they are."""
    if device.type == "cpu":
        return pixels
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return pixels.to(device) if pixels.nbytes < GPU_SHARE * free_bytes else pixels


def _train_epoch(session: _Session, epoch: int, terminal: Terminal) -> Average:
    config = session.config
    order = session.split.training[torch.randperm(len(session.split.training)).numpy()]
    step_count = math.ceil(len(order) / config.batch_size)
    with terminal.bar(f"epoch {epoch + 1}/{config.epochs}") as advance:
        return run_epoch(session.learner, session.batches(order), step_count, epoch, advance)


def _epoch_line(row: Mapping[str, Any], epochs: int) -> str:
    return (
        f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}"
        f"  train gen {row['train_generation']:>9.2f} lat {row['train_latent']:>8.3f}"
        f"  valid gen {row['validation_generation']:>9.2f} lat {row['validation_latent']:>8.3f}"
        f"  {row['images_per_s']:>6.0f} images/s"
    )


def _finish(session: _Session, run: RunFolder, terminal: Terminal, started: float) -> RunSummary:
    """Encodes the training pictures, draws the plots and sums the run up."""
    session.model.eval()
    training = session.pictures.pixels[session.split.training]
    with terminal.bar("encoding") as advance:
        encodings = encode_pictures(session.model, training, advance)
    examples = session.pictures.pixels[session.split.validation[:EXAMPLE_COUNT]]
    population = Population(encodings.mean, encodings.logvar, encodings.novelty, examples)
    save_population(run, population)
    write_plots(run.plots, session.model, population, seed=session.config.seed)
    summary = summarise(
        session.config,
        session.commit,
        session.pictures,
        population,
        session.history,
        duration_s=time.monotonic() - started,
    )
    write_atomically(run.summary, lambda file: file.write(summary.to_json().encode()))
    terminal.line(summary.line())
    return summary
