"""Networks that stand beside a model and judge it: discriminators, a classifier; no loss."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from stylefacet_training.models.base import unit_pixels

# Source: Kim and Mnih 2018, table 1, has six layers of 1000; two of 256 tell d <= 20 apart.
LATENT_WIDTH = 256
# Source: Radford et al. 2016, section 3 (strides for pooling, leaky ReLU of 0.2).
PICTURE_CHANNELS = (16, 32, 64)
SLOPE = 0.2


class LatentCritic(nn.Sequential):
    """One logit for every latent vector ``(b, d)``: ``(b, 1)``."""

    def __init__(self, latent_dims: int) -> None:
        super().__init__(
            nn.Linear(latent_dims, LATENT_WIDTH),
            nn.LeakyReLU(SLOPE),
            nn.Linear(LATENT_WIDTH, LATENT_WIDTH),
            nn.LeakyReLU(SLOPE),
            nn.Linear(LATENT_WIDTH, 1),
        )


class PictureCritic(nn.Module):
    """Logits for pictures of any size: one of "real", or one a class."""

    def __init__(self, channels: int, height_px: int, width_px: int, logit_count: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise((channels, *PICTURE_CHANNELS)):
            layers += [nn.Conv2d(c_in, c_out, 5, stride=2, padding=2), nn.LeakyReLU(SLOPE)]
            height_px, width_px = (height_px + 1) // 2, (width_px + 1) // 2
        self.convolutions = nn.Sequential(*layers)
        self.logits = nn.Linear(PICTURE_CHANNELS[-1] * height_px * width_px, logit_count)

    def features(self, unit: Tensor) -> Tensor:
        """Returns what the last convolution sees in pictures ``(b, h, w, c)`` of 0..1, flat."""
        maps: Tensor = self.convolutions(unit.permute(0, 3, 1, 2))
        return maps.flatten(1)

    def forward(self, unit: Tensor) -> Tensor:
        """Returns logits ``(b, k)`` of pictures ``(b, h, w, c)`` in 0..1."""
        logits: Tensor = self.logits(self.features(unit))
        return logits

    def classify(self, pixels: Tensor) -> Tensor:
        """Returns the likeliest class of pictures ``(b, h, w, c)`` uint8: ``(b,)``."""
        return torch.argmax(self(unit_pixels(pixels)), dim=1)
