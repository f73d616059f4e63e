"""A model that is told the class of a picture, around any model that decodes to pixels; no loss.

Source: Sohn et al. 2015. The class shifts the last layer of the encoder, which is what a one-hot
input to that layer does, and is a further input of the decoder.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet.bundle import LatentBlock
from stylefacet_training.models.base import PixelModel, Posterior


class ConditionalVae(PixelModel):
    """A VAE that is told the class; the last of the ``class_count + 1`` classes means "not told".

    So it encodes and decodes without a class too, if it was trained so now and then. Its latent
    vector as others see it has the code alone.
    """

    def __init__(self, base: PixelModel, class_count: int) -> None:
        """``base`` must have been built with ``class_count + 1`` given dimensions."""
        super().__init__()
        self.base = base
        self.class_count = class_count
        self.height_px, self.width_px = base.height_px, base.width_px
        self.channels = base.channels
        self.blocks = (LatentBlock("latent", 0, base.latent_dims),)
        self.shift = nn.Linear(class_count + 1, 2 * base.latent_dims, bias=False)

    def encode_unit(self, unit: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, h, w, c)`` in 0..1 of no told class."""
        return self.encode_given(unit, self._untold(len(unit), unit.device))

    def encode_given(self, unit: Tensor, classes: Tensor) -> Posterior:
        """Returns the posterior of pictures in 0..1 whose classes ``(b,)`` are told."""
        posterior = self.base.encode_unit(unit)
        mean, logvar = self.shift(self._one_hot(classes)).chunk(2, dim=1)
        return Posterior(posterior.mean + mean, posterior.logvar + logvar)

    def decode_logits(self, z: Tensor) -> Tensor:
        """Returns ``(b, h, w, c)`` logits of pictures of no told class."""
        return self.decode_logits_given(z, self._untold(len(z), z.device))

    def decode_logits_given(self, z: Tensor, classes: Tensor) -> Tensor:
        """Returns ``(b, h, w, c)`` logits of pictures of classes ``(b,)``."""
        return self.base.decode_logits(torch.cat([z, self._one_hot(classes)], dim=1))

    def _untold(self, count: int, device: torch.device) -> Tensor:
        return torch.full((count,), self.class_count, device=device)

    def _one_hot(self, classes: Tensor) -> Tensor:
        return functional.one_hot(classes, self.class_count + 1).float()
