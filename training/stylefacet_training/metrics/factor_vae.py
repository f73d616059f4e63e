"""The FactorVAE score; knows nothing of how codes are made.

Source: Kim and Mnih 2018, "Disentangling by Factorising", section 4: with one factor held fixed,
the dimension that varies least names it. A block varies as its dimensions do on average.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from stylefacet_training.data.factor import FactorKind, FactorSpec
from stylefacet_training.metrics.ground_truth import (
    Blocks,
    Matrix,
    checked,
    columns_of,
    dimension_blocks,
    factor_distance,
)

Observe: TypeAlias = Callable[[Matrix], npt.ArrayLike]
"""Maps `(n, f)` factor values to the `(n, d)` codes of fresh observations of them."""
Groups: TypeAlias = Callable[[int], Matrix]
"""Returns `(group, d)` codes that share the value of the given factor."""

COLLAPSED = 0.05
"""Dimensions with a smaller standard deviation, relative to the largest, take no part."""


@dataclass(frozen=True, slots=True)
class FactorVae:
    """Accuracy of the majority vote, 0 to 1, and the votes."""

    score: float
    votes: npt.NDArray[np.int64]
    """`(units, f)` training votes: how often a unit varied least under a fixed factor."""


def factor_vae_score(
    observe: Observe,
    specs: Sequence[FactorSpec],
    rng: np.random.Generator,
    blocks: Blocks | None = None,
    *,
    votes: int = 400,
    group: int = 32,
) -> FactorVae:
    """Return the score from fresh observations, as published.

    Draws `2 * votes * group` observations: half the votes train, half judge.
    """
    wide = np.stack([spec.draw(2048, rng) for spec in specs], axis=1).astype(np.float64)
    scale = np.asarray(observe(wide), np.float64).std(axis=0)

    def draw(fixed: int) -> Matrix:
        values = np.stack([spec.draw(group, rng) for spec in specs], axis=1).astype(np.float64)
        values[:, fixed] = values[0, fixed]
        return np.asarray(observe(values), np.float64)

    return _vote(draw, scale, len(specs), rng, blocks, votes)


def factor_vae_score_of_codes(
    representation: npt.ArrayLike,
    factors: npt.ArrayLike,
    specs: Sequence[FactorSpec],
    rng: np.random.Generator,
    blocks: Blocks | None = None,
    *,
    votes: int = 400,
    group: int = 32,
) -> FactorVae:
    """Return the score from codes at hand: `(n, d)` codes of `(n, f)` factors.

    A group that shares a factor is made of the `group` items nearest in it to a random one: of
    equal value for categories, within about `group / n` of the range for numbers.

    Raises:
        ValueError: if the shapes do not fit or values are not finite.
    """
    codes, truth = checked(representation, factors, specs)

    def draw(fixed: int) -> Matrix:
        values = truth[:, fixed]
        apart = factor_distance(values, values[rng.integers(len(values))], specs[fixed])
        if specs[fixed].kind is FactorKind.CATEGORICAL:
            # Equal values are all equally near: take any of them, not the first stored.
            apart = apart + rng.random(len(apart)) * 0.5
        return codes[np.argpartition(apart, group)[:group]]

    return _vote(draw, codes.std(axis=0), len(specs), rng, blocks, votes)


def _vote(
    draw: Groups,
    scale: Matrix,
    factor_count: int,
    rng: np.random.Generator,
    blocks: Blocks | None,
    votes: int,
) -> FactorVae:
    units = dimension_blocks(len(scale)) if blocks is None else blocks
    active = scale > COLLAPSED * scale.max(initial=0.0)
    living = [name for name, (start, end) in units.items() if active[start:end].any()]
    table = np.zeros((2, len(units), factor_count), np.int64)
    if not living:
        return FactorVae(0.0, table[0])
    for half in range(2):
        for _ in range(votes):
            fixed = int(rng.integers(factor_count))
            spread = np.square(draw(fixed).std(axis=0) / np.where(active, scale, 1.0))
            by_unit = [_mean_spread(spread, active, block) for block in units.values()]
            table[half, int(np.argmin(by_unit)), fixed] += 1
    choice = table[0].argmax(axis=1)
    right = int(table[1][np.arange(len(units)), choice].sum())
    return FactorVae(right / votes, table[0])


def _mean_spread(spread: Matrix, active: npt.NDArray[np.bool_], block: tuple[int, int]) -> float:
    part = columns_of(spread[None], block)[0]
    living = part[active[block[0] : block[1]]]
    return float(living.mean()) if len(living) else float("inf")
