"""Networks that stand beside a model and judge it: discriminators, a classifier; no loss."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from stylefacet_training.models.base import unit_pixels

# Source: Kim and Mnih 2018, table 1, has six layers of 1000; two of 256 tell d <= 20 apart.
LATENT_WIDTH = 256
# Source: Radford et al. 2016, section 3 (strides for pooling, leaky ReLU of 0.2).
PICTURE_CHANNELS = (16, 32, 64)
SLOPE = 0.2
# Shorter side of the last map of a discriminator (figure 1 there: 4x4).
LAST_MAP_PX = 4


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
    """Logits for pictures of any size: one of "real", or one a class.

    ``widths`` are the channels of its convolutions, each of which halves the picture.
    """

    def __init__(
        self,
        channels: int,
        height_px: int,
        width_px: int,
        logit_count: int = 1,
        *,
        widths: Sequence[int] = PICTURE_CHANNELS,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i, (c_in, c_out) in enumerate(pairwise((channels, *widths))):
            layers.append(nn.Conv2d(c_in, c_out, 5, stride=2, padding=2))
            if batch_norm and i > 0:
                layers.append(nn.BatchNorm2d(c_out))
            layers.append(nn.LeakyReLU(SLOPE))
            height_px, width_px = (height_px + 1) // 2, (width_px + 1) // 2
        self.convolutions = nn.Sequential(*layers)
        self.logits = nn.Linear(widths[-1] * height_px * width_px, logit_count)

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


class PictureDiscriminator(PictureCritic):
    """One logit of "real", by convolutions that go on until little of the plane is left.

    Without batch normalisation it tells the circles of the thesis from made ones ever better, and
    the generator ends in black pictures; with it, the generator catches up after some 200 steps.
    Source: Radford et al. 2016, section 3 (all layers but the first normalised).
    """

    def __init__(self, channels: int, height_px: int, width_px: int) -> None:
        halvings = math.ceil(math.log2(min(height_px, width_px) / LAST_MAP_PX))
        widths = [PICTURE_CHANNELS[0] * 2**i for i in range(max(1, halvings))]
        super().__init__(channels, height_px, width_px, widths=widths, batch_norm=True)
