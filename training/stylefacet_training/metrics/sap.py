"""Separated attribute predictability; knows nothing of how codes are made.

Source: Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled
Observations", section 3: R2 of a line for numbers, balanced accuracy of thresholds for
categories. The latter is rescaled so that chance is 0, else a constant code would score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier

from stylefacet_training.data.factor import FactorKind, FactorSpec
from stylefacet_training.metrics.ground_truth import (
    Blocks,
    Matrix,
    checked,
    columns_of,
    dimension_blocks,
    explained,
    targets_of,
)


@dataclass(frozen=True, slots=True)
class Sap:
    """The gap, 0 to 1: mean, by factor, and the predictabilities it was taken from."""

    score: float
    by_factor: Mapping[str, float]
    predictability: Matrix
    """`(units, f)`, 0 for chance and 1 for perfect, on held-out items."""


def sap(
    representation: npt.ArrayLike,
    factors: npt.ArrayLike,
    specs: Sequence[FactorSpec],
    blocks: Blocks | None = None,
    *,
    held_out: float = 0.3,
    seed: int = 0,
) -> Sap:
    """Return the gap between the two dimensions, or blocks, that predict each factor best.

    `representation` is `(n, d)`, `factors` `(n, f)`.

    Raises:
        ValueError: if the shapes or blocks do not fit or values are not finite.
    """
    codes, truth = checked(representation, factors, specs)
    units = dimension_blocks(codes.shape[1]) if blocks is None else blocks
    order = np.random.default_rng(seed).permutation(len(codes))
    split = round(len(codes) * (1 - held_out))
    fit, rest = order[:split], order[split:]
    table = np.zeros((len(units), len(specs)))
    for i, block in enumerate(units.values()):
        unit = columns_of(codes, block)
        for j, spec in enumerate(specs):
            table[i, j] = _predictability(unit, truth[:, j], spec, fit, rest)
    ranked = np.sort(table, axis=0)[::-1]
    gaps = ranked[0] - ranked[1] if len(ranked) > 1 else ranked[0]
    by_factor = {spec.name: float(gap) for spec, gap in zip(specs, gaps, strict=True)}
    return Sap(float(gaps.mean()), by_factor, table)


def _predictability(
    unit: Matrix,
    values: Matrix,
    spec: FactorSpec,
    fit: npt.NDArray[np.int64],
    rest: npt.NDArray[np.int64],
) -> float:
    if np.ptp(unit[fit], axis=0).max() == 0:
        return 0.0
    if spec.kind is not FactorKind.CATEGORICAL:
        targets = targets_of(values, spec)
        line = LinearRegression().fit(unit[fit], targets[fit])
        return explained(targets[rest], line.predict(unit[rest]))
    count = len(np.unique(values[fit]))
    if unit.shape[1] == 1:
        model = DecisionTreeClassifier(
            max_leaf_nodes=max(count, 2), class_weight="balanced", random_state=0
        )
    else:
        model = RidgeClassifier(class_weight="balanced")
    model.fit(unit[fit], values[fit])
    hit = balanced_accuracy_score(values[rest], model.predict(unit[rest]))
    chance = 1 / len(np.unique(values[rest]))
    return max(0.0, float((hit - chance) / (1 - chance)))
