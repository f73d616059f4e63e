"""Cuts boxes out of pictures and stretches them to one size; knows no garment.

Written for the runtime, where GridSample alone would cost more than all of this: rows are gathered
for all boxes at once while the pixels are bytes, and columns are a product with the weights of
bilinear interpolation.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

# A box ``(b, 4)``: top, bottom, left, right in 0..1 of the picture; the size it is stretched to.
View = tuple[Tensor, tuple[int, int]]


def crops(pictures: Tensor, views: Sequence[View]) -> Sequence[Tensor]:
    """Returns the boxes of pictures ``(b, c, h, w)``, each as ``(b, c, *size)`` float32.

    Bilinear; what lies beyond the picture repeats its border.
    """
    height, width = pictures.shape[2:]
    places = [_places(box[:, 0:2], size[0], height) for box, size in views]
    rows = _rows(pictures, torch.cat(places, dim=1))
    parts = torch.split(rows, [size[0] for _, size in views], dim=2)
    return [
        part @ _weights(_places(box[:, 2:4], size[1], width), width)[:, None]
        for part, (box, size) in zip(parts, views, strict=True)
    ]


def crop(pictures: Tensor, box: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns one box of each picture; see :func:`crops`."""
    return crops(pictures, [(box, size)])[0]


def crop_plane(plane: Tensor, box: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns the box of planes ``(b, h, w)`` float32, ``(b, *size)``, for small sizes."""
    height, width = plane.shape[1:]
    down = _weights(_places(box[:, 0:2], size[0], height), height).transpose(1, 2)
    return down @ plane @ _weights(_places(box[:, 2:4], size[1], width), width)


def _places(ends: Tensor, count: int, length: int) -> Tensor:
    """Returns where ``count`` samples between ``ends`` ``(b, 2)`` lie in 0..length-1."""
    share = (torch.arange(count, device=ends.device, dtype=ends.dtype) + 0.5) / count
    place = ends[:, 0:1] + (ends[:, 1:2] - ends[:, 0:1]) * share
    return (place * length - 0.5).clamp(0.0, length - 1.0)


def _rows(pictures: Tensor, place: Tensor) -> Tensor:
    """Returns rows at fractional places ``(b, k)`` of pictures, ``(b, c, k, w)`` float32."""
    n, channels, height, width = pictures.shape
    count = place.shape[1]
    below = place.floor()
    above = (below + 1.0).clamp(max=height - 1.0)
    index = torch.cat([below, above], dim=1).to(torch.int64)[:, None, :]  # (b, 1, 2k)
    first = torch.arange(n * channels, device=place.device).view(n, channels, 1) * height
    flat = (first + index).reshape(n * channels * 2 * count)
    lines = pictures.reshape(n * channels * height, width).index_select(0, flat)
    lines = lines.view(n, channels, 2 * count, width).to(torch.float32)
    one, other = lines[:, :, :count], lines[:, :, count:]
    return one + (place - below)[:, None, :, None] * (other - one)


def _weights(place: Tensor, length: int) -> Tensor:
    """Returns the weights ``(b, length, k)`` of bilinear interpolation at places ``(b, k)``."""
    at = torch.arange(length, device=place.device, dtype=place.dtype)
    return torch.relu(1.0 - (at[:, None] - place[:, None, :]).abs())
