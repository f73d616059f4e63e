"""Trains a small classifier of pictures in the one loop; knows no experiment and no file."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from stylefacet_training.config import TrainConfig
from stylefacet_training.loop import Learner, fit
from stylefacet_training.losses import Batch, Losses
from stylefacet_training.models.base import unit_pixels
from stylefacet_training.models.critics import PictureCritic

Pixels = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int64]

_BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class Classification:
    """The cross-entropy of a classifier. There is no latent vector: its loss is empty."""

    model: PictureCritic
    classes: Tensor

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        logits = self.model(unit_pixels(batch.pixels))
        loss = functional.cross_entropy(logits, self.classes[batch.index])
        return Losses(loss, loss.detach(), torch.zeros(0))


def train_classifier(
    pixels: Pixels, classes: Classes, class_count: int, *, epochs: int, seed: int = 0
) -> PictureCritic:
    """Returns a classifier of pictures ``(n, h, w, c)`` uint8 by their classes ``(n,)``."""
    torch.manual_seed(seed)
    h, w, c = pixels.shape[1:]
    model = PictureCritic(c, h, w, class_count)
    config = replace(TrainConfig(), epochs=epochs, batch_size=_BATCH_SIZE, seed=seed)
    learner = Learner(model, Classification(model, torch.from_numpy(classes)), config)
    fit(learner, torch.from_numpy(pixels), np.arange(len(pixels)), config)
    return model


@torch.no_grad()
def classified(model: PictureCritic, pixels: Pixels) -> Classes:
    """Returns the likeliest class of each picture, ``(n,)``."""
    parts = torch.split(torch.from_numpy(pixels), 500)
    return np.concatenate([model.classify(part).numpy() for part in parts])


def accuracy(model: PictureCritic, pixels: Pixels, classes: Classes) -> float:
    """Returns the share of pictures whose class is found."""
    return float((classified(model, pixels) == classes).mean())
