"""Ways to choose points of a latent space: at random, between two, on a grid, near an anchor.

Knows no network: it takes codes and gives codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.float32]


def random_codes(count: int, latent_dims: int, rng: np.random.Generator) -> Codes:
    """Returns draws of N(0, I), ``(n, d)``."""
    return rng.standard_normal((count, latent_dims)).astype(np.float32)


def interpolated(one: Codes, other: Codes, count: int) -> Codes:
    """Returns ``count`` codes on the line from one code ``(d,)`` to another, both included."""
    share = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, None]
    return one + share * (other - one)


def systematic(low: Sequence[float], high: Sequence[float], side: int) -> Codes:
    """Returns a grid of ``side`` by ``side`` codes over a rectangle, ``(side^2, 2)``.

    Row by row, the first dimension rising within a row and the second falling from row to row, as
    a page is read.
    """
    x = np.linspace(low[0], high[0], side)
    y = np.linspace(high[1], low[1], side)
    return np.stack([np.tile(x, side), np.repeat(y, side)], 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class TripletPlan:
    """How far, and how likely towards the mean, a positive and a negative lie from their anchor.

    Distances are in units of |logvar|, as algorithm 3 has them. With ``random_distance`` each is
    multiplied by a uniform draw of 0..1 for every dimension, the source's proposal for future work.
    Source: thesis on log ends, section 5.3 and algorithm 3; its values are the defaults.
    """

    positive_radius: float = 0.15
    positive_toward_mean: float = 0.95
    negative_radius: float = 0.30
    negative_toward_mean: float = 0.85
    random_distance: bool = False


@dataclass(frozen=True, slots=True)
class TripletCodes:
    """Codes of triplets, ``(n, d)`` each, a row an anchor."""

    anchor: Codes
    positive: Codes
    negative: Codes


def triplet_codes(
    mean: Codes, logvar: Codes, global_mean: Codes, plan: TripletPlan, rng: np.random.Generator
) -> TripletCodes:
    """Returns a positive and a negative for every anchor, by algorithm 3.

    ``mean`` and ``logvar`` ``(n, d)`` are the anchors' posteriors. ``zMean[dim]`` in the listing
    is the matrix of all means indexed by a dimension; ``global_mean`` ``(d,)``, the mean over the
    training pictures, is what the text says of it.
    """

    def moved(radius: float, toward: float) -> Codes:
        away = np.where(rng.random(mean.shape) <= toward, 1.0, -1.0)
        direction = np.where(mean > global_mean, -1.0, 1.0) * away
        distance = radius * np.abs(logvar)
        if plan.random_distance:
            distance = distance * rng.random(mean.shape)
        return (mean + direction * distance).astype(np.float32)

    positive = moved(plan.positive_radius, plan.positive_toward_mean)
    negative = moved(plan.negative_radius, plan.negative_toward_mean)
    return TripletCodes(mean, positive, negative)
