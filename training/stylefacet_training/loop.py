"""One training step, one pass over pictures and a plain fit, for every network of the house.

Knows no data set, no file and no particular loss: what a step minimises is an Objective.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from stylefacet_training.config import OptimizerName, TrainConfig
from stylefacet_training.losses import Batch, Losses, Objective, companion_of

# Source: SSY098 project report, section 2 (momentum); Radford et al. 2016, section 3 (beta1).
MOMENTUM = 0.9
COMPANION_BETA1, ADAM_BETA2 = 0.5, 0.999

Advance = Callable[[int, int], None]


class Learner:
    """A model, its objective and the optimisers that follow their gradients. Not thread-safe.

    Where the objective has a companion (a discriminator, a classifier), each step is two: the model
    on ``Losses.total``, then the companion, by an optimiser of its own, on ``Losses.companion``.
    Gradients of either that reach the other's weights are dropped.
    """

    def __init__(self, model: nn.Module, objective: Objective, config: TrainConfig) -> None:
        self.model = model
        self.objective = objective
        self.companion = companion_of(objective)
        self._config = config
        trained = [p for p in model.parameters() if p.requires_grad]
        self._optimizer: torch.optim.Optimizer
        if config.optimizer is OptimizerName.ADAM:
            betas = (config.adam_beta1, ADAM_BETA2)
            self._optimizer = torch.optim.Adam(trained, lr=config.learning_rate, betas=betas)
        else:
            self._optimizer = torch.optim.SGD(trained, lr=config.learning_rate, momentum=MOMENTUM)
        self._companion_optimizer = self.companion and torch.optim.Adam(
            self.companion.parameters(),
            lr=config.companion_learning_rate,
            betas=(COMPANION_BETA1, ADAM_BETA2),
        )

    @property
    def weight_count(self) -> int:
        """Weights of the model that are trained; the companion's are not among them."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def train(self, mode: bool) -> None:
        """Puts both networks into training or into evaluation mode."""
        self.model.train(mode)
        if self.companion:
            self.companion.train(mode)

    def begin(self, epoch: int) -> None:
        """Sets the step size of an epoch, counted from 0."""
        rate = learning_rate(self._config, epoch)
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def step(self, batch: Batch, epoch: float) -> Losses:
        """Changes the weights once and returns what the batch cost before."""
        losses = self.objective(batch, epoch)
        self._optimizer.zero_grad(set_to_none=True)
        losses.total.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        if self._companion_optimizer:
            assert losses.companion is not None
            self._companion_optimizer.zero_grad(set_to_none=True)
            losses.companion.backward()  # type: ignore[no-untyped-call]
            self._companion_optimizer.step()
        return losses

    def state(self) -> dict[str, Any]:
        """Returns all that a resumed run needs, as state dicts by name."""
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        if self.companion and self._companion_optimizer:
            state["companion"] = self.companion.state_dict()
            state["companion_optimizer"] = self._companion_optimizer.state_dict()
        return state

    def load(self, state: Mapping[str, Any]) -> None:
        """Takes what :meth:`state` returned."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(dict(state["optimizer"]))
        if self.companion and self._companion_optimizer:
            self.companion.load_state_dict(state["companion"])
            self._companion_optimizer.load_state_dict(dict(state["companion_optimizer"]))


def learning_rate(config: TrainConfig, epoch: int) -> float:
    """Returns the step size of an epoch: dropped step-wise, and by time."""
    rate = config.learning_rate / (1.0 + config.learning_rate_decay * epoch)
    if config.learning_rate_drop_epochs:
        rate *= config.learning_rate_drop ** (epoch // config.learning_rate_drop_epochs)
    return rate


@dataclass(slots=True)
class Average:
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
        if losses.companion is not None:
            self.last["companion"] = losses.companion.detach()
        for name, value in self.last.items():
            self.sums[name] = self.sums.get(name, torch.zeros_like(value)) + count * value
        weighted = count * latent
        before = self.latent_by_dimension
        self.latent_by_dimension = weighted if before is None else before + weighted
        self.count += count

    def mean(self, name: str) -> float:
        """Returns the mean of one loss over the pictures seen."""
        return float(self.sums[name]) / self.count

    def figures(self, prefix: str) -> dict[str, Any]:
        """Returns the figures for the log, under names that begin with ``prefix``."""
        figures: dict[str, Any] = {f"{prefix}_{name}": self.mean(name) for name in self.sums}
        for name in ("generation", "latent"):
            figures[f"{prefix}_{name}_last_batch"] = float(self.last[name])
        assert self.latent_by_dimension is not None
        by_dimension = (self.latent_by_dimension / self.count).tolist()
        figures[f"{prefix}_latent_by_dimension"] = [round(value, 5) for value in by_dimension]
        return figures


def batches(
    pixels: Tensor, order: npt.NDArray[np.int64], batch_size: int, device: torch.device
) -> Iterator[Batch]:
    """Yields the pictures at some positions, a batch at a time, on the device."""
    for indices in torch.split(torch.from_numpy(order), batch_size):
        near = pixels[indices.to(pixels.device)].to(device)
        yield Batch(near, indices.to(device))


def run_epoch(
    learner: Learner,
    pictures: Iterable[Batch],
    step_count: int,
    epoch: int,
    advance: Advance = lambda done, total: None,
) -> Average:
    """Trains on every batch once and returns what they cost."""
    learner.train(True)
    learner.begin(epoch)
    average = Average()
    for step, batch in enumerate(pictures):
        average.add(learner.step(batch, epoch + step / step_count), len(batch.index))
        advance(step + 1, step_count)
    return average


@torch.no_grad()
def judge(learner: Learner, pictures: Iterable[Batch], epoch: float) -> Average:
    """Returns what batches cost without training on them."""
    learner.train(False)
    average = Average()
    for batch in pictures:
        average.add(learner.objective(batch, epoch), len(batch.index))
    return average


def fit(
    learner: Learner,
    pixels: Tensor,
    positions: npt.NDArray[np.int64],
    config: TrainConfig,
    advance: Advance = lambda done, total: None,
) -> Average:
    """Trains ``config.epochs`` over some pictures, for networks that keep no run folder.

    Returns the costs of the last epoch.
    """
    average = Average()
    device = next(learner.model.parameters()).device
    step_count = math.ceil(len(positions) / config.batch_size)
    for epoch in range(config.epochs):
        torch.manual_seed(epoch_seed(config.seed, epoch))
        order = positions[torch.randperm(len(positions)).numpy()]
        part = batches(pixels, order, config.batch_size, device)
        average = run_epoch(learner, part, step_count, epoch)
        advance(epoch + 1, config.epochs)
    learner.train(False)
    return average


def epoch_seed(seed: int, epoch: int) -> int:
    """Returns the seed of an epoch: a resumed run draws what an uninterrupted one would have."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
