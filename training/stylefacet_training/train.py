"""Trains one encoder on one set of pictures, from start to end; knows no network and no loss.

Read it from top to bottom: :func:`train` is the whole run. Which network and which objective a
run uses is decided in recipes.py by ``config.model``.
"""

import hashlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from stylefacet_training.losses import Batch, Losses, Objective
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
        f"out, {session.weight_count:,} weights, on {session.device.type}"
    )
    saved = time.monotonic()
    for epoch in range(len(session.history), config.epochs):
        # Everything random in an epoch follows from the seed and its number, so that a resumed
        # run draws what an uninterrupted one would have drawn.
        torch.manual_seed(_epoch_seed(config.seed, epoch))
        begun = time.monotonic()
        training = _train_epoch(session, epoch, terminal)
        images_per_s = len(session.split.training) / (time.monotonic() - begun)
        validation = _validate(session, epoch)
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
    objective: Objective
    optimizer: torch.optim.Optimizer
    history: list[Mapping[str, Any]]

    @property
    def weight_count(self) -> int:
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(
            self.config,
            self.commit,
            self.picture_names_digest,
            self.history,
            self.model.state_dict(),
            self.optimizer.state_dict(),
        )

    def batches(self, order: npt.NDArray[np.int64]) -> Iterator[Batch]:
        """Yields the pictures at some positions, a batch at a time, on the device."""
        for indices in torch.split(torch.from_numpy(order), self.config.batch_size):
            pixels = self.pixels[indices.to(self.pixels.device)].to(self.device)
            yield Batch(pixels, indices.to(self.device))


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
    split = split_by_group(pictures.groups, config.validation_share, config.seed)

    torch.manual_seed(config.seed)
    recipe = recipe_of(config)
    model = recipe.build_model(config)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    surroundings = Surroundings(pictures, device, run.cache, terminal)
    objective = recipe.build_objective(config, model, surroundings)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=config.learning_rate)
    if checkpoint:
        model.load_state_dict(checkpoint.model)
        optimizer.load_state_dict(dict(checkpoint.optimizer))
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
        objective=objective,
        optimizer=optimizer,
        history=history,
    )


def _near(pixels: Tensor, device: torch.device) -> Tensor:
    """Returns the pictures on the device if there is room, else where they are."""
    if device.type == "cpu":
        return pixels
    free_bytes, _ = torch.cuda.mem_get_info(device)
    return pixels.to(device) if pixels.nbytes < GPU_SHARE * free_bytes else pixels


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])


@dataclass(slots=True)
class _Average:
    """Losses of the batches of an epoch: their mean over pictures, and those of the last batch."""

    count: int = 0
    # Running sums stay on the device; reading one every step would stall a GPU.
    sums: dict[str, Tensor] = field(default_factory=dict)
    latent_by_dimension: Tensor | None = None
    last: dict[str, Tensor] = field(default_factory=dict)

    def add(self, losses: Losses, count: int) -> None:
        """Takes in the losses of a batch of ``count`` pictures."""
        latent = losses.latent.detach()
        self.last = {
            "total": losses.total.detach(),
            "generation": losses.generation.detach(),
            "latent": latent.sum(),
            **{name: part.detach() for name, part in losses.parts.items()},
        }
        for name, value in self.last.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + count * value
        weighted = count * latent
        before = self.latent_by_dimension
        self.latent_by_dimension = weighted if before is None else before + weighted
        self.count += count

    def figures(self, prefix: str) -> dict[str, Any]:
        """Returns the figures for the log, under names that begin with ``prefix``."""
        figures: dict[str, Any] = {}
        for name, total in self.sums.items():
            figures[f"{prefix}_{name}"] = float(total) / self.count
        for name in ("generation", "latent"):
            figures[f"{prefix}_{name}_last_batch"] = float(self.last[name])
        assert self.latent_by_dimension is not None
        by_dimension = (self.latent_by_dimension / self.count).tolist()
        figures[f"{prefix}_latent_by_dimension"] = [round(value, 5) for value in by_dimension]
        return figures


def _train_epoch(session: _Session, epoch: int, terminal: Terminal) -> _Average:
    config = session.config
    session.model.train()
    order = session.split.training[torch.randperm(len(session.split.training)).numpy()]
    step_count = math.ceil(len(order) / config.batch_size)
    average = _Average()
    with terminal.bar(f"epoch {epoch + 1}/{config.epochs}") as advance:
        for step, batch in enumerate(session.batches(order)):
            losses = session.objective(batch, epoch + step / step_count)
            session.optimizer.zero_grad(set_to_none=True)
            losses.total.backward()  # type: ignore[no-untyped-call]
            session.optimizer.step()
            average.add(losses, len(batch.index))
            advance(step + 1, step_count)
    return average


@torch.no_grad()
def _validate(session: _Session, epoch: int) -> _Average:
    session.model.eval()
    average = _Average()
    for batch in session.batches(session.split.validation):
        average.add(session.objective(batch, epoch + 1.0), len(batch.index))
    return average


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
