"""Decodes a latent vector into a picture of the garment on white; knows no encoder.

The garment is decoded in the frame of its own box, the neck once more at twice the scale, and both
are pasted where the decoded box lies, so that a collar is more than a few pixels.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet_training.models.garment import neck_box, widened

GARMENT_PX, NECK_PX = (128, 96), (64, 64)
_CHANNELS = (128, 96, 64, 32)
BACKGROUND = 0.96
# Share of the neck's square over which it fades into the garment.
FADE = 0.15


class PictureDecoder(nn.Module):
    """Latent vectors ``(b, d)`` to pictures ``(b, h, w, 3)`` in 0..1."""

    def __init__(self, latent_dims: int, size_px: tuple[int, int]) -> None:
        super().__init__()
        self.size_px = size_px
        self.garment = _Upsampler(latent_dims, GARMENT_PX)
        self.neck = _Upsampler(latent_dims, NECK_PX)
        self.box = nn.Linear(latent_dims, 4)
        # A box of three quarters of the photo, until it is learned.
        self.box.weight.data.zero_()
        self.box.bias.data.copy_(torch.tensor([0.15, 0.85, 0.15, 0.85]))

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns garment ``(b, 3, h, w)``, neck ``(b, 3, h', w')`` and box ``(b, 4)``."""
        return torch.sigmoid(self.garment(z)), torch.sigmoid(self.neck(z)), self.box(z)

    def forward(self, z: Tensor) -> Tensor:
        """Returns the pasted pictures."""
        garment, neck, box = self.parts(z)
        height_px, width_px = self.size_px
        top_left = torch.minimum(box[:, 0::2], box[:, 1::2] - 0.1)
        box = torch.stack([top_left[:, 0], box[:, 1], top_left[:, 1], box[:, 3]], dim=1)
        picture, covered = _paste(garment, widened(box, 0.03), self.size_px)
        picture = picture * covered + BACKGROUND * (1.0 - covered)
        close, covered = _paste(neck, neck_box(box, width_px / height_px), self.size_px)
        picture = close * covered + picture * (1.0 - covered)
        return picture.permute(0, 2, 3, 1)


class _Upsampler(nn.Module):
    """A linear layer and five doublings by nearest neighbour and convolution."""

    def __init__(self, latent_dims: int, size_px: tuple[int, int]) -> None:
        super().__init__()
        self.shape = (_CHANNELS[0], size_px[0] // 16, size_px[1] // 16)
        self.unflatten = nn.Linear(latent_dims, self.shape[0] * self.shape[1] * self.shape[2])
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise((*_CHANNELS, 16)):
            layers += [
                nn.Upsample(scale_factor=2.0, mode="nearest"),
                nn.Conv2d(c_in, c_out, 3, padding=1),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(16, 3, 3, padding=1))

    def forward(self, z: Tensor) -> Tensor:
        """Returns logits ``(b, 3, h, w)``."""
        x = torch.relu(self.unflatten(z)).view(-1, *self.shape)  # (b, flat) -> (b, c, h/16, w/16)
        logits: Tensor = self.layers(x)
        return logits


def _paste(part: Tensor, box: Tensor, size_px: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Returns the part ``(b, 3, h, w)`` where its box lies, and how much it covers there."""
    b = part.shape[0]
    h, w = size_px
    down = (torch.arange(h, device=box.device, dtype=box.dtype) + 0.5) / h
    across = (torch.arange(w, device=box.device, dtype=box.dtype) + 0.5) / w
    y = (down - box[:, 0:1]) / (box[:, 1:2] - box[:, 0:1])  # (b, h), 0..1 inside the box
    x = (across - box[:, 2:3]) / (box[:, 3:4] - box[:, 2:3])
    grid = torch.stack(
        [(2 * x - 1)[:, None, :].expand(b, h, w), (2 * y - 1)[:, :, None].expand(b, h, w)], dim=3
    )
    picture = functional.grid_sample(
        part, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    inside_y = (torch.minimum(y, 1.0 - y) / FADE).clamp(0.0, 1.0)[:, :, None]
    inside_x = (torch.minimum(x, 1.0 - x) / FADE).clamp(0.0, 1.0)[:, None, :]
    return picture, (inside_y * inside_x)[:, None]
