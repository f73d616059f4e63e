"""Colours as numbers that follow the eye, inside the exported graph; knows no garment."""

import torch
from torch import Tensor

# sRGB primaries to XYZ, divided by the D65 white. Source: IEC 61966-2-1.
_TO_XYZ = (
    (0.4339499, 0.3762098, 0.1898402),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0177566, 0.1094680, 0.8727754),
)


def lab(unit: Tensor) -> Tensor:
    """Returns CIE L*a*b* ``(b, 3, h, w)`` of sRGB pictures ``(b, 3, h, w)`` in 0..1.

    It is within 1.5 units of the definition: powers cost a millisecond a photo in the runtime, so
    the gamma is a cubic and the cube root a product of square roots.
    """
    linear = unit * (unit * (unit * 0.305306011 + 0.682171111) + 0.012522878)
    matrix = torch.tensor(_TO_XYZ, dtype=unit.dtype, device=unit.device)
    xyz = (matrix @ linear.flatten(2)).clamp(min=1e-4).view(linear.shape)
    fourth = xyz.sqrt().sqrt()
    sixteenth = fourth.sqrt().sqrt()
    root = fourth * sixteenth * sixteenth.sqrt().sqrt()  # the power 1/4 + 1/16 + 1/64
    x, y, z = root[:, 0], root[:, 1], root[:, 2]
    return torch.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], dim=1)


def soft_histogram(colours: Tensor, weights: Tensor, centres: Tensor, width: float) -> Tensor:
    """Returns the share of each centre colour, ``(b, k)``, in pixels ``(b, 3, p)``.

    Every pixel is shared out among the centres ``(k, 3)`` near it, by a softmax over squared
    distance with standard deviation ``width``; ``weights`` is ``(b, p)`` and sums to 1 a row.
    """
    unit = 1.0 / (width * width)
    nearness = colours.transpose(1, 2) @ (centres.T * unit)
    shares = torch.softmax(nearness - 0.5 * unit * centres.square().sum(1), dim=2)  # (b, p, k)
    return (weights[:, None] @ shares)[:, 0]
