"""Chooses one of several autoencoders for a picture; knows not what they were trained on.

By the smallest reconstruction loss, or by a classifier. Source: thesis on t-shirts and tops,
section 6.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from stylefacet_training.classifying import classified
from stylefacet_training.losses import binary_cross_entropy
from stylefacet_training.models.base import PixelModel, unit_pixels
from stylefacet_training.models.critics import PictureCritic

Pixels = npt.NDArray[np.uint8]
_BATCH_SIZE = 100


@dataclass(frozen=True, slots=True)
class Router:
    """Several autoencoders in a fixed order; routes are positions in it."""

    models: Sequence[PixelModel]

    def losses(self, pixels: Pixels) -> npt.NDArray[np.float32]:
        """Returns the reconstruction loss of every picture by every model, ``(n, m)`` in nats.

        The latent vector is the mean: the choice does not depend on chance.
        """
        return np.stack([_losses(model, pixels) for model in self.models], axis=1)

    def by_reconstruction(self, pixels: Pixels) -> npt.NDArray[np.int64]:
        """Returns the route of the smallest reconstruction loss, ``(n,)``."""
        return np.asarray(self.losses(pixels).argmin(axis=1), np.int64)

    def by_classifier(self, pixels: Pixels, classifier: PictureCritic) -> npt.NDArray[np.int64]:
        """Returns the route that a classifier of so many classes names, ``(n,)``."""
        return classified(classifier, pixels)


@torch.no_grad()
def _losses(model: PixelModel, pixels: Pixels) -> npt.NDArray[np.float32]:
    parts = []
    for batch in torch.split(torch.from_numpy(pixels), _BATCH_SIZE):
        logits = model.decode_logits(model.encode(batch).mean)
        parts.append(binary_cross_entropy(logits, unit_pixels(batch)).numpy())
    return np.concatenate(parts)
