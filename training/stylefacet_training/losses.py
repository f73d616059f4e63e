"""The terms a training step minimises, each one function; knows no network's layers and no data.

Both terms are summed over what belongs to one picture (pixels and channels, latent dimensions) and
averaged over the batch, as in the thesis: L = generation loss + regularizer, where the regularizer
of the beta-VAE is beta times the latent loss.

Source: Kingma and Welling 2014 (equation 10); Higgins et al. 2017 (equation 4).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet_training.config import GenerationLoss
from stylefacet_training.models.base import PixelModel, Posterior, unit_pixels


@dataclass(frozen=True, slots=True)
class Batch:
    """Some pictures and where they lie in the picture set.

    ``pixels`` is ``(b, h, w, 3)`` uint8; ``index`` is ``(b,)`` int64, for an objective that looks
    up cached targets or the partner of a picture.
    """

    pixels: Tensor
    index: Tensor


@dataclass(frozen=True, slots=True)
class Losses:
    """What one batch cost.

    ``total`` and ``generation`` are scalars, means over the batch; ``latent`` is ``(d,)``, the KL
    divergence of each dimension in nats, mean over the batch. ``parts`` are further scalars worth
    a column in the log. ``companion`` is what the objective's companion minimises, if it has one.
    """

    total: Tensor
    generation: Tensor
    latent: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)
    companion: Tensor | None = None


class Objective(Protocol):
    """Gives the losses of a batch; holds its model and whatever else it needs.

    ``epoch`` counts from 0.0 and is fractional within an epoch, for anything that changes in time.
    Random numbers come from torch's global generator, which train.py seeds.
    """

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""


@runtime_checkable
class Accompanied(Protocol):
    """An objective or a regularizer that trains a network of its own beside the model.

    The companion (a discriminator, a classifier) minimises ``Losses.companion``; the loop steps it
    after the model and keeps it in the checkpoint.
    """

    @property
    def companion(self) -> nn.Module | None:
        """The network; None where this one does without."""


def companion_of(part: object) -> nn.Module | None:
    """Returns the companion of an objective or a regularizer, None where it has none."""
    return part.companion if isinstance(part, Accompanied) else None


class Regularizer(Protocol):
    """The term beside the generation loss, one scalar for a batch.

    ``latent`` is ``(b, d)``, the KL divergence of each picture and dimension; ``z`` is ``(b, d)``,
    the sample the decoder sees. Those of regularizers.py are further such functions.
    """

    def __call__(self, latent: Tensor, posterior: Posterior, z: Tensor, epoch: float) -> Tensor:
        """Returns the term that is added to the generation loss."""


def latent_loss(posterior: Posterior) -> Tensor:
    """Returns KL(N(mean, var) || N(0, 1)) of each picture and dimension, ``(b, d)`` in nats.

    Source: thesis, equations 2.17 to 2.19; Kingma and Welling 2014, appendix B.
    """
    return 0.5 * (posterior.mean.square() + posterior.logvar.exp() - 1.0 - posterior.logvar)


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Returns the summed cross-entropy of pixel values in 0..1, ``(b,)`` in nats.

    ``logits`` and ``target`` are ``(b, h, w, c)``. A target that is not 0 or 1 leaves a positive
    loss even for a perfect reconstruction: the entropy of the picture's own values.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return loss.flatten(1).sum(1)


def squared_error(logits: Tensor, target: Tensor) -> Tensor:
    """Returns the summed squared error of pixel values in 0..1, ``(b,)``."""
    return (torch.sigmoid(logits) - target).square().flatten(1).sum(1)


GENERATION_LOSSES = {
    GenerationLoss.BINARY_CROSS_ENTROPY: binary_cross_entropy,
    GenerationLoss.SQUARED_ERROR: squared_error,
}


def warm_up(epoch: float, warm_up_epochs: float) -> float:
    """Returns a weight that rises from 0 to 1 over the first epochs; 1 where there is none."""
    return min(1.0, epoch / warm_up_epochs) if warm_up_epochs > 0 else 1.0


@dataclass(frozen=True, slots=True)
class BetaVae:
    """beta times the latent loss. Source: Higgins et al. 2017, equation 4."""

    beta: float

    def __call__(self, latent: Tensor, posterior: Posterior, z: Tensor, epoch: float) -> Tensor:
        """Returns the term that is added to the generation loss."""
        return self.beta * latent.sum(1).mean()


@runtime_checkable
class AccompaniedRegularizer(Accompanied, Protocol):
    """A regularizer whose companion learns from the latent samples."""

    def companion_loss(self, z: Tensor) -> Tensor:
        """Returns what the companion minimises, given samples ``(b, d)`` without their gradient."""


@dataclass(frozen=True, slots=True)
class PixelObjective:
    """Generation loss on pixels plus a regularizer, for any model that decodes to logits."""

    model: PixelModel
    generation_loss: GenerationLoss
    regularizer: Regularizer
    warm_up_epochs: float = 0.0

    @property
    def companion(self) -> nn.Module | None:
        """The regularizer's companion."""
        return companion_of(self.regularizer)

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        posterior = self.model.encode(batch.pixels)
        z = posterior.sample()
        logits = self.model.decode_logits(z)
        target = unit_pixels(batch.pixels)
        generation = GENERATION_LOSSES[self.generation_loss](logits, target).mean()
        latent = latent_loss(posterior)
        weight = warm_up(epoch, self.warm_up_epochs)
        total = generation + weight * self.regularizer(latent, posterior, z, epoch)
        companion = None
        if isinstance(self.regularizer, AccompaniedRegularizer):
            companion = self.regularizer.companion_loss(z.detach())
        return Losses(total, generation, latent.mean(0), companion=companion)
