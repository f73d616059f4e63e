"""Finds the garment on its plain background and says where its regions are; knows no network.

Everything here lies in the exported graph, before the networks, and is written for the runtime:
slices replace average pooling, which alone would cost more than all of this.
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
    colours = _opponent(pixels)  # (b, 3, h/2, w/2)
    ground = _frame_median(pixels) @ torch.tensor(_OPPONENT, device=pixels.device).T / 255.0
    apart = (colours - ground[:, :, None, None]).square()
    distance = (apart[:, 0] + apart[:, 1] + apart[:, 2]).sqrt()
    lightness = colours[:, 0]
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


def _opponent(pixels: Tensor) -> Tensor:
    """Returns lightness and two opponent colours, ``(b, 3, h/2, w/2)``, of ``(b, h, w, 3)`` uint8.

    A mean of two of each four pixels. Rows are taken as one channel of ``3 w`` numbers, so that the
    bytes need not be put in planes first.
    """
    height, width = pixels.shape[1:3]
    matrix = torch.tensor(_OPPONENT, device=pixels.device)[:, None] / 510.0  # (3, 1, rgb)
    nought = torch.zeros_like(matrix)
    kernel = torch.stack([torch.cat([matrix, nought], 2), torch.cat([nought, matrix], 2)], dim=2)
    lines = pixels.reshape(-1, 1, height, 3 * width).to(torch.float32)
    return functional.conv2d(lines, kernel, stride=(2, 6))


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
