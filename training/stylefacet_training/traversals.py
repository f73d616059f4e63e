"""Moves one latent block at a time through what real garments have there; draws no page.

A latent dimension of a block of twenty means nothing to a merchandiser, and moved alone it leaves
the garments that exist. So a block goes along the directions that change the picture most, and
takes at each step the mean of what the training photos have there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from stylefacet.bundle import LatentBlock
from stylefacet_training.models.base import VariationalModel

Codes = npt.NDArray[np.float32]
Pictures = npt.NDArray[np.uint8]

# Places on the way from one end of the training photos to the other.
QUANTILES = (0.02, 0.15, 0.32, 0.5, 0.68, 0.85, 0.98)
DIRECTION_COUNT = 2
# Share of the photos whose block is averaged at a place: fewer are odd, more are alike.
WINDOW_SHARE = 0.04
# Photos that directions are found from, garments that the moved one is chosen among.
SAMPLE_COUNT, CANDIDATE_COUNT = 96, 48
# Each side of a picture is reduced by this before it is compared: shifts of a pixel do not count.
COARSENESS = 4
_BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class BlockMove:
    """A block's way along its ``number``-th direction: ``(q, h, w, 3)`` uint8 pictures.

    ``view`` is ``region`` or ``whole`` for what is decoded, ``met`` for garments that lie there.
    """

    block: str
    number: int
    view: str
    pictures: Pictures


def block_moves(model: VariationalModel, mean: Codes) -> Sequence[BlockMove]:
    """Returns every block's leading directions: first its region close up, then the whole garment.

    ``mean`` is ``(n, d)``, the latent means of the training photos.
    """
    anchor = typical_code(model, mean)
    moves = []
    for block in model.blocks:
        for number, codes in enumerate(_ways(model, mean, anchor, block), 1):
            if number == 1:
                region = decode_codes(model, codes, block.name)
                moves.append(BlockMove(block.name, number, "region", region))
            moves.append(BlockMove(block.name, number, "whole", decode_codes(model, codes)))
    return moves


def block_encounters(
    model: VariationalModel, mean: Codes, garments: Pictures
) -> Sequence[BlockMove]:
    """Returns every block's leading directions as ``garments`` ``(m, h, w, 3)`` uint8 met there.

    A decoder draws the mean of all that a code may show, which is blurred; a garment is sharp. At
    each place of a direction it is the one that differs least from the moved garment in all else.
    """
    anchor = typical_code(model, mean)
    own = encode_pictures(model, garments)
    away = (own - anchor) / (mean.std(axis=0) + 1e-6)
    half = max(1, round(WINDOW_SHARE * len(own)))
    moves = []
    for block in model.blocks:
        inside = slice(block.start, block.end)
        others = np.delete(away, np.r_[inside], axis=1)
        for number, slope in enumerate(_directions(model, mean, anchor, block), 1):
            scores = own[:, inside] @ slope
            order = np.argsort(scores, kind="stable")
            chosen = []
            for share in QUANTILES:
                place = round(share * (len(own) - 1))
                window = order[max(0, place - half) : place + half]
                chosen.append(window[np.square(others[window]).sum(axis=1).argmin()])
            moves.append(BlockMove(block.name, number, "met", garments[chosen]))
    return moves


def typical_code(model: VariationalModel, mean: Codes) -> Codes:
    """Returns the code ``(d,)`` of a photo near the middle of all whose picture is colourful.

    On a black or white garment hardly any change would be seen.
    """
    distance = np.square(mean - mean.mean(axis=0)).sum(axis=1)
    near = mean[np.argsort(distance, kind="stable")[:CANDIDATE_COUNT]]
    pictures = decode_codes(model, near).astype(np.float32)
    h, w = pictures.shape[1:3]
    middle = pictures[:, h // 3 : -h // 3, w // 3 : -w // 3].mean(axis=(1, 2))
    # Far from grey and from both ends of lightness.
    chosen = int((middle.max(axis=1) - middle.min(axis=1)).argmax())
    return np.asarray(near[chosen])


@torch.no_grad()
def decode_codes(
    model: VariationalModel, codes: npt.NDArray[np.floating], block: str | None = None
) -> Pictures:
    """Returns pictures ``(n, h, w, 3)`` uint8 of codes ``(n, d)``, of a block's region if named.

    Grey pictures of one channel are returned in three.
    """
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(codes), _BATCH_SIZE):
        z = torch.from_numpy(codes[start : start + _BATCH_SIZE].astype(np.float32)).to(device)
        decoded = model.decode(z) if block is None else model.decode_region(block, z)
        parts.append((decoded * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy())
    return coloured(np.concatenate(parts))


@torch.no_grad()
def encode_pictures(model: VariationalModel, pictures: Pictures) -> Codes:
    """Returns the latent means ``(n, d)`` of pictures ``(n, h, w, 3)`` uint8."""
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(pictures), _BATCH_SIZE):
        batch = torch.from_numpy(pictures[start : start + _BATCH_SIZE]).to(device)
        parts.append(model.encode(batch).mean.cpu().numpy())
    return np.concatenate(parts)


def coloured(pictures: Pictures) -> Pictures:
    """Returns pictures ``(n, h, w, c)`` of one or three channels in three."""
    return np.repeat(pictures, 3, axis=3) if pictures.shape[3] == 1 else pictures


def _ways(
    model: VariationalModel, mean: Codes, anchor: Codes, block: LatentBlock
) -> Sequence[Codes]:
    """Returns codes ``(q, d)`` along each direction: the anchor with other blocks put in."""
    inside = slice(block.start, block.end)
    return [_way(mean, anchor, inside, u) for u in _directions(model, mean, anchor, block)]


def _directions(
    model: VariationalModel, mean: Codes, anchor: Codes, block: LatentBlock
) -> Sequence[npt.NDArray[np.float64]]:
    """Returns the directions ``(size,)`` of a block that change the picture most."""
    inside = slice(block.start, block.end)
    # Evenly over the photos, whose order may mean something.
    drawn = mean[np.linspace(0, len(mean) - 1, min(SAMPLE_COUNT, len(mean)), dtype=int)]
    codes = np.tile(anchor, (len(drawn), 1))
    codes[:, inside] = drawn[:, inside]
    pictures = decode_codes(model, codes, block.name)[:, ::COARSENESS, ::COARSENESS]
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    left, strength, _ = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    slopes = []
    for number in range(min(DIRECTION_COUNT, len(strength))):
        # The direction of the block that tells a picture's score best, by least squares.
        own = drawn[:, inside].astype(np.float64)
        slope, *_ = np.linalg.lstsq(own - own.mean(axis=0), left[:, number], rcond=1e-6)
        slopes.append(slope)
    return slopes


def _way(mean: Codes, anchor: Codes, inside: slice, slope: npt.NDArray[np.float64]) -> Codes:
    order = np.argsort(mean[:, inside] @ slope, kind="stable")
    half = max(1, round(WINDOW_SHARE * len(mean) / 2))
    codes = np.tile(anchor, (len(QUANTILES), 1))
    for row, share in enumerate(QUANTILES):
        place = round(share * (len(mean) - 1))
        window = order[max(0, place - half) : place + half]
        codes[row, inside] = mean[window][:, inside].mean(axis=0)
    return codes
