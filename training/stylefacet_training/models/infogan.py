"""A generator whose code can be read back, around any model that decodes to pixels; no loss."""

import torch
from torch import Tensor

from stylefacet_training.models.base import PixelModel, Posterior


class InfoGan(PixelModel):
    """A decoder that gets noise beside the code, and an encoder that reads the code alone.

    The encoder stands for the paper's Q. It shares no layers with the discriminator, which the
    paper has for speed. Without a draw of it, noise is nought: the pictures of a traversal differ
    in the code alone.
    """

    def __init__(self, base: PixelModel, noise_dims: int) -> None:
        """``base`` must have been built with ``noise_dims`` given dimensions."""
        super().__init__()
        self.base = base
        self.noise_dims = noise_dims
        self.height_px, self.width_px = base.height_px, base.width_px
        self.channels, self.blocks = base.channels, base.blocks

    def encode_unit(self, unit: Tensor) -> Posterior:
        """Returns the code's distribution given pictures ``(b, h, w, c)`` in 0..1."""
        return self.base.encode_unit(unit)

    def decode_logits(self, z: Tensor) -> Tensor:
        """Returns ``(b, h, w, c)`` logits of the pixel values in 0..1."""
        return self.base.decode_logits(
            torch.cat([z, torch.zeros(len(z), self.noise_dims, device=z.device)], 1)
        )

    def generate(self, z: Tensor) -> Tensor:
        """Returns pictures ``(b, h, w, c)`` in 0..1 of codes ``(b, d)`` and fresh noise."""
        noise = torch.randn(len(z), self.noise_dims, device=z.device)
        return torch.sigmoid(self.base.decode_logits(torch.cat([z, noise], 1)))
