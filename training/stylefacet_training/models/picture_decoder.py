"""Decodes a latent vector into a picture of the garment on white; knows no encoder.

The garment is decoded once, in the frame of its own box, and pasted where the decoded box lies. The
neck is cut out of that picture: decoded apart it came in another colour than the garment.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet_training.models.cropping import crop
from stylefacet_training.models.garment import neck_box, widened

GARMENT_PX, NECK_PX = (96, 64), (96, 96)
# Share of the box by which the decoded frame is larger on every side.
MARGIN = 0.03
_HIDDEN = 256
_CHANNELS = (96, 72, 48, 32)
BACKGROUND = 0.96


class PictureDecoder(nn.Module):
    """Latent vectors ``(b, d)`` to pictures ``(b, h, w, 3)`` in 0..1."""

    def __init__(self, latent_dims: int, size_px: tuple[int, int]) -> None:
        super().__init__()
        self.size_px = size_px
        self.garment = _Upsampler(latent_dims, GARMENT_PX)
        self.box = nn.Linear(latent_dims, 4)
        # A box of three quarters of the photo, until it is learned.
        self.box.weight.data.zero_()
        self.box.bias.data.copy_(torch.tensor([0.15, 0.85, 0.15, 0.85]))

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the garment ``(b, 3, h, w)`` in 0..1 in its frame and its box ``(b, 4)``."""
        return torch.sigmoid(self.garment(z)), self.box(z)

    def forward(self, z: Tensor) -> Tensor:
        """Returns the garments where their boxes lie."""
        garment, box = self.parts(z)
        picture, covered = _paste(garment, widened(_upright(box), MARGIN), self.size_px)
        picture = picture * covered + BACKGROUND * (1.0 - covered)
        return picture.permute(0, 2, 3, 1)

    def neck(self, z: Tensor) -> Tensor:
        """Returns the garments' necks ``(b, 3, h, w)``."""
        garment, box = self.parts(z)
        box = _upright(box)
        frame = widened(box, MARGIN)
        top_left = frame[:, [0, 0, 2, 2]]
        size = (frame[:, [1, 1, 3, 3]] - top_left).clamp(min=1e-3)
        near = neck_box(box, self.size_px[1] / self.size_px[0])
        return crop(garment, (near - top_left) / size, NECK_PX)


class _Upsampler(nn.Module):
    """Two linear layers, three doublings by nearest neighbour and convolution, one by shuffling."""

    def __init__(self, latent_dims: int, size_px: tuple[int, int]) -> None:
        super().__init__()
        self.shape = (_CHANNELS[0], size_px[0] // 16, size_px[1] // 16)
        self.hidden = nn.Linear(latent_dims, _HIDDEN)
        self.unflatten = nn.Linear(_HIDDEN, self.shape[0] * self.shape[1] * self.shape[2])
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise(_CHANNELS):
            layers += [
                nn.Upsample(scale_factor=2.0, mode="nearest"),
                nn.Conv2d(c_in, c_out, 3, padding=1),
                nn.ReLU(),
            ]
        # Full size costs a third as much this way as by one more doubling.
        layers += [nn.Conv2d(_CHANNELS[-1], 3 * 4, 3, padding=1), nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        """Returns logits ``(b, 3, h, w)``."""
        x = torch.relu(self.unflatten(torch.relu(self.hidden(z))))
        logits: Tensor = self.layers(x.view(-1, *self.shape))  # (b, flat) -> (b, c, h/16, w/16)
        return logits


def _upright(box: Tensor) -> Tensor:
    """Returns boxes whose sides are a tenth of the picture or more."""
    top_left = torch.minimum(box[:, 0::2], box[:, 1::2] - 0.1)
    return torch.stack([top_left[:, 0], box[:, 1], top_left[:, 1], box[:, 3]], dim=1)


def _paste(part: Tensor, box: Tensor, size_px: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Returns the part ``(b, 3, h, w)`` where its box lies, and whether it covers a pixel there."""
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
    inside_y = ((y - 0.5).abs() < 0.5)[:, :, None]
    inside_x = ((x - 0.5).abs() < 0.5)[:, None, :]
    return picture, (inside_y & inside_x)[:, None].to(part.dtype)
