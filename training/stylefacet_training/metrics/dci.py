"""Disentanglement, completeness and informativeness; knows nothing of how codes are made.

Source: Eastwood and Williams 2018, "A Framework for the Quantitative Evaluation of Disentangled
Representations", section 2, with random forests as regressors. Importances are summed over a
block's dimensions for the scores by block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

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
class Dci:
    """The three scores, 0 to 1, and what they were taken from."""

    disentanglement: float
    completeness: float
    informativeness: float
    """Mean over factors of the share explained on held-out items: variance for numbers,
    accuracy above the commonest value's for categories."""
    completeness_by_factor: Mapping[str, float]
    informativeness_by_factor: Mapping[str, float]
    disentanglement_by_unit: Mapping[str, float]
    importance: Matrix
    """`(units, f)`, each column sums to 1, or to 0 where the code says nothing."""


def dci(
    representation: npt.ArrayLike,
    factors: npt.ArrayLike,
    specs: Sequence[FactorSpec],
    blocks: Blocks | None = None,
    *,
    held_out: float = 0.3,
    trees: int = 30,
    seed: int = 0,
) -> Dci:
    """Return the scores by latent dimension, or by block where `blocks` are given.

    `representation` is `(n, d)`, `factors` `(n, f)`; the last `held_out` share of a seeded
    shuffle measures informativeness, the rest fits the forests.

    Raises:
        ValueError: if the shapes or blocks do not fit or values are not finite.
    """
    codes, truth = checked(representation, factors, specs)
    units = dimension_blocks(codes.shape[1]) if blocks is None else blocks
    order = np.random.default_rng(seed).permutation(len(codes))
    split = round(len(codes) * (1 - held_out))
    fit, rest = order[:split], order[split:]
    importances, carried = [], []
    for j, spec in enumerate(specs):
        importance, share = _forest(codes, truth[:, j], spec, fit, rest, trees, seed)
        importances.append(importance)
        carried.append(share)
    by_dimension = np.stack(importances)
    table = np.stack([columns_of(by_dimension, block).sum(axis=1) for block in units.values()])
    return _scores(table, carried, list(units), [spec.name for spec in specs])


def _forest(
    codes: Matrix,
    values: Matrix,
    spec: FactorSpec,
    fit: npt.NDArray[np.int64],
    rest: npt.NDArray[np.int64],
    trees: int,
    seed: int,
) -> tuple[Matrix, float]:
    """Return `(d,)` importances and the share of the factor told on the held-out items."""
    # Every dimension at every split: with a random few, dimensions that tell nothing would
    # be split on whenever the one that tells is not among them.
    if spec.kind is FactorKind.CATEGORICAL:
        classifier = RandomForestClassifier(
            trees, min_samples_leaf=5, max_features=None, random_state=seed
        )
        classifier.fit(codes[fit], values[fit])
        hit = float((classifier.predict(codes[rest]) == values[rest]).mean())
        common = float(np.unique(values[rest], return_counts=True)[1].max()) / len(rest)
        share = max(0.0, (hit - common) / (1 - common)) if common < 1 else 0.0
        return np.asarray(classifier.feature_importances_, np.float64), share
    forest = RandomForestRegressor(trees, min_samples_leaf=5, max_features=None, random_state=seed)
    targets = targets_of(values, spec)
    forest.fit(codes[fit], targets[fit] if targets.shape[1] > 1 else targets[fit, 0])
    predicted = forest.predict(codes[rest]).reshape(len(rest), -1)
    return np.asarray(forest.feature_importances_, np.float64), explained(targets[rest], predicted)


def _scores(
    importance: Matrix, carried: Sequence[float], units: Sequence[str], names: Sequence[str]
) -> Dci:
    apart = _concentration(importance)
    weight = importance.sum(axis=1)
    total = weight.sum()
    complete = _concentration(importance.T)
    return Dci(
        disentanglement=float((apart * weight).sum() / total) if total else 0.0,
        completeness=float(complete.mean()),
        informativeness=float(np.mean(carried)),
        completeness_by_factor=dict(zip(names, complete.tolist(), strict=True)),
        informativeness_by_factor=dict(zip(names, carried, strict=True)),
        disentanglement_by_unit=dict(zip(units, apart.tolist(), strict=True)),
        importance=importance,
    )


def _concentration(rows: Matrix) -> Matrix:
    """Return `(m,)`: 1 where a row's weight is in one place, 0 where it is even or absent."""
    if rows.shape[1] < 2:
        return np.asarray((rows.sum(axis=1) > 0).astype(np.float64))
    total = rows.sum(axis=1, keepdims=True)
    share = np.divide(rows, total, out=np.zeros_like(rows), where=total > 0)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    entropy = -(share * logs).sum(axis=1) / np.log(rows.shape[1])
    return np.where(total[:, 0] > 0, 1 - entropy, 0.0)
