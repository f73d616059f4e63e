"""Finds the garment on its plain background and cuts regions out; knows no network.

Everything here lies in the exported graph, before the networks, and is written for the runtime: a
photo costs 0.5 ms in all. Sampling of rows and columns replaces GridSample, and slices replace
average pooling, each of which alone would cost more than that.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# Lightness and two opponent colours of gamma-coded RGB in 0..1, in about the units of L*a*b*.
_OPPONENT = ((29.9, 58.7, 11.4), (90.0, -90.0, 0.0), (37.5, 37.5, -75.0))
# Every this many pixels of the outermost frame give the background's colour.
FRAME_STEP_PX = 2
# Shades of grey by which garment and background differ at least; the multiples are of what the
# frame itself shows, so that a shaded background does not count.
COLOUR_FLOOR, COLOUR_MULTIPLE, COLOUR_LIMIT = 7.0, 1.5, 12.0
EDGE_FLOOR, EDGE_MULTIPLE, EDGE_LIMIT = 2.2, 1.5, 4.0
COLOUR_SOFTNESS, EDGE_SOFTNESS = 1.5, 0.5
FRAME_PX = 8
# Letterbox padding is constant; a photo's own rows and columns never are. In lightness, 0 to 100.
PADDING_RANGE = 0.6
# Share of a row or column that must be garment for the box to reach it.
PROFILE_FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class Found:
    """The garment in a batch of photos.

    ``mask`` is ``(b, h/2, w/2)`` in 0..1; ``box`` is ``(b, 4)``: top, bottom, left, right in 0..1
    of the photo.
    """

    mask: Tensor
    box: Tensor


def find_garment(pixels: Tensor) -> Found:
    """Returns where the garment is in photos ``(b, h, w, 3)`` uint8."""
    # Two of each four pixels: a mean of all costs as much as everything else here.
    half = pixels[:, ::2, ::2].to(torch.float32) + pixels[:, 1::2, 1::2].to(torch.float32)
    b, h, w, _ = half.shape
    colours = _opponent(half.reshape(b, h * w, 3)) / 510.0
    apart = (colours - _opponent(_frame_median(pixels)[:, None]) / 255.0).square()
    distance = (apart[:, 0] + apart[:, 1] + apart[:, 2]).sqrt().reshape(b, h, w)
    lightness = colours[:, 0].reshape(b, h, w)
    edges = _edges(lightness)
    inside = _inside(lightness)
    # min-pooling by max-pooling the negative; the padding makes the photo's border a border too.
    core = -_max_pool(-functional.pad(inside, [FRAME_PX] * 4), 2 * FRAME_PX + 1, 0)
    frame = inside - core
    area = frame.sum((1, 2), keepdim=True).clamp(min=1.0)
    shade = (frame * distance).sum((1, 2), keepdim=True) / area
    grain = (frame * edges).sum((1, 2), keepdim=True) / area
    colour_bound = COLOUR_FLOOR + COLOUR_MULTIPLE * shade.clamp(max=COLOUR_LIMIT)
    edge_bound = EDGE_FLOOR + EDGE_MULTIPLE * grain.clamp(max=EDGE_LIMIT)
    # The larger of two logits: one sigmoid instead of two.
    logit = torch.maximum(
        (distance - colour_bound) / COLOUR_SOFTNESS, (edges - edge_bound) / EDGE_SOFTNESS
    )
    mask = torch.sigmoid(logit) * inside
    top, bottom = _extent(mask.mean(2))
    left, right = _extent(mask.mean(1))
    return Found(mask, torch.stack([top, bottom, left, right], dim=1))


def crop(pictures: Tensor, box: Tensor, height_px: int, width_px: int) -> Tensor:
    """Returns the boxes ``(b, 4)`` of pictures ``(b, h, w, c)`` stretched to one size, float32.

    Bilinear; what lies beyond the picture repeats its border.
    """
    down = (torch.arange(height_px, device=box.device, dtype=box.dtype) + 0.5) / height_px
    across = (torch.arange(width_px, device=box.device, dtype=box.dtype) + 0.5) / width_px
    y = box[:, 0:1] + (box[:, 1:2] - box[:, 0:1]) * down  # (b, height)
    x = box[:, 2:3] + (box[:, 3:4] - box[:, 2:3]) * across  # (b, width)
    rows = _sample(pictures, y)  # (b, height, w, c)
    return _sample(rows.transpose(1, 2), x).transpose(1, 2)


def widened(box: Tensor, share: float) -> Tensor:
    """Returns boxes ``(b, 4)`` grown on every side by a share of their own size."""
    height, width = box[:, 1] - box[:, 0], box[:, 3] - box[:, 2]
    return torch.stack(
        [
            box[:, 0] - share * height,
            box[:, 1] + share * height,
            box[:, 2] - share * width,
            box[:, 3] + share * width,
        ],
        dim=1,
    )


def neck_box(box: Tensor, aspect: float) -> Tensor:
    """Returns the square of half the garment's width at the middle of its upper edge.

    ``aspect`` is the photo's width over its height, so that the square is one in pixels.
    """
    width = (box[:, 3] - box[:, 2]) * 0.5
    height = width * aspect
    centre = (box[:, 2] + box[:, 3]) * 0.5
    top = box[:, 0] - 0.06 * height
    return torch.stack([top, top + height, centre - width * 0.5, centre + width * 0.5], dim=1)


def _opponent(colours: Tensor) -> Tensor:
    """Returns lightness and two opponent colours, ``(b, 3, p)``, of RGB ``(b, p, 3)``."""
    matrix = torch.tensor(_OPPONENT, device=colours.device)
    return torch.matmul(matrix, colours.transpose(1, 2))


def _sample(lines: Tensor, place: Tensor) -> Tensor:
    """Returns lines ``(b, n, m, c)`` at fractional places ``(b, k)`` in 0..1, ``(b, k, m, c)``."""
    b, n = lines.shape[0], lines.shape[1]
    at = (place * n - 0.5).clamp(0.0, n - 1.0)
    below = at.floor()
    share = (at - below)[:, :, None, None]
    first = below.to(torch.int64)
    second = (first + 1).clamp(max=n - 1)
    batch = torch.arange(b, device=lines.device)[:, None]
    one, other = (lines[batch, index].to(torch.float32) for index in (first, second))
    return one + share * (other - one)


def _frame_median(pixels: Tensor) -> Tensor:
    """Returns the median of the outermost pixels by channel, ``(b, 3)``."""
    step = FRAME_STEP_PX
    sides = [
        pixels[:, 0, ::step],
        pixels[:, -1, ::step],
        pixels[:, ::step, 0],
        pixels[:, ::step, -1],
    ]
    frame = torch.cat(sides, dim=1).to(torch.float32)  # (b, p, 3)
    middle = frame.shape[1] // 2
    return frame.transpose(1, 2).topk(middle, dim=2).values[:, :, -1]


def _edges(lightness: Tensor) -> Tensor:
    """Returns how much lightness ``(b, h, w)`` changes nearby, smoothed and spread by 2 pixels."""
    right = functional.pad((lightness[:, :, 2:] - lightness[:, :, :-2]).abs(), [1, 1, 0, 0])
    down = functional.pad((lightness[:, 2:] - lightness[:, :-2]).abs(), [0, 0, 1, 1])
    edges = torch.maximum(right, down)
    edges = edges[:, 1:-1] + edges[:, 2:] + edges[:, :-2]
    edges = (edges[:, :, 1:-1] + edges[:, :, 2:] + edges[:, :, :-2]) / 9.0
    return _max_pool(functional.pad(edges, [1, 1, 1, 1]), 5, 2)


def _max_pool(planes: Tensor, size: int, padding: int) -> Tensor:
    """Returns the largest value of each square of planes ``(b, h, w)``."""
    return functional.max_pool2d(planes[:, None], size, 1, padding)[:, 0]


def _inside(lightness: Tensor) -> Tensor:
    """Returns 1 within the photo and 0 on letterbox padding, ``(b, h, w)``."""
    rows = _varies(lightness.amax(2) - lightness.amin(2))
    columns = _varies(lightness.amax(1) - lightness.amin(1))
    return rows[:, :, None] * columns[:, None, :]


def _varies(ranges: Tensor) -> Tensor:
    """Returns 1 where lines ``(b, n)`` and the two beside them vary, ``(b, n)``."""
    padding = (ranges < PADDING_RANGE).to(torch.float32)[:, None]
    return 1.0 - functional.max_pool1d(padding, 5, 1, 2)[:, 0]


def _extent(profile: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the first and the last place of profiles ``(b, n)`` with garment, in 0..1."""
    n = profile.shape[1]
    place = torch.arange(n, device=profile.device, dtype=profile.dtype)
    full = functional.pad((profile > PROFILE_FLOOR).to(profile.dtype), [1, 1])
    # Two of three neighbours: a speck is no garment.
    kept = (full[:, :-2] + full[:, 1:-1] + full[:, 2:]) > 1.5
    first = torch.where(kept, place, torch.full_like(profile, float(n))).amin(1)
    last = torch.where(kept, place, torch.full_like(profile, -1.0)).amax(1) + 1.0
    empty = last <= first
    first = torch.where(empty, torch.zeros_like(first), first)
    last = torch.where(empty, torch.full_like(last, float(n)), last)
    return first / n, last / n
