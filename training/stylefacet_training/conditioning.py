"""The objective of a model that is told classes; knows no layers and no data set."""

from dataclasses import dataclass

import torch
from torch import Tensor

from stylefacet_training.config import GenerationLoss
from stylefacet_training.losses import GENERATION_LOSSES, Batch, Losses, latent_loss
from stylefacet_training.models.base import unit_pixels
from stylefacet_training.models.conditional import ConditionalVae

# Share of the pictures whose class the model is not told in training. Source: Ho and Salimans
# 2022, section 5 (0.1 to 0.2 do equally well).
UNTOLD_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class ConditionalObjective:
    """The VAE's losses given the class. ``classes`` is ``(n,)`` int64 for the picture set."""

    model: ConditionalVae
    classes: Tensor
    generation_loss: GenerationLoss
    beta: float

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        told = self.classes[batch.index]
        if self.model.training:
            kept = torch.rand(len(told), device=told.device) >= UNTOLD_SHARE
            told = torch.where(kept, told, self.model.class_count)
        target = unit_pixels(batch.pixels)
        posterior = self.model.encode_given(target, told)
        logits = self.model.decode_logits_given(posterior.sample(), told)
        generation = GENERATION_LOSSES[self.generation_loss](logits, target).mean()
        latent = latent_loss(posterior)
        total = generation + self.beta * latent.sum(1).mean()
        return Losses(total, generation, latent.mean(0))
