"""Mutual information gap; knows nothing of how representations are made.

Source: Chen et al. 2018, "Isolating Sources of Disentanglement in Variational Autoencoders",
equation 6, with the histogram estimate of Locatello et al. 2019. Blocks have no published
definition: here a block tells about a factor what its best cross-validated guess tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold, cross_val_predict

from stylefacet_training.data.factor import FactorSpec
from stylefacet_training.metrics.ground_truth import (
    Blocks,
    Matrix,
    checked,
    classes_of,
    columns_of,
)

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Mig:
    """The gap, 0 to 1: mean, by factor, and the information it was taken from."""

    score: float
    by_factor: Mapping[str, float]
    information: Matrix
    """`(units, f)` information of each dimension or block about each factor, in nats."""
    entropy: Matrix
    """`(f,)` entropy of each factor, in nats."""


def mig(
    representation: npt.ArrayLike,
    factors: npt.ArrayLike,
    specs: Sequence[FactorSpec],
    bins: int = 20,
) -> Mig:
    """Return the gap between the two latent dimensions that tell most of each factor.

    `representation` is `(n, d)`, `factors` `(n, f)`. Both are cut into `bins` of equal width.

    Raises:
        ValueError: if the shapes do not fit or values are not finite.
    """
    codes, truth = checked(representation, factors, specs)
    latent = [_cut(column, bins) for column in codes.T]
    known = [classes_of(truth[:, j], spec, bins) for j, spec in enumerate(specs)]
    return _gaps(np.array([[_information(z, v) for v in known] for z in latent]), known, specs)


def block_mig(
    representation: npt.ArrayLike,
    factors: npt.ArrayLike,
    specs: Sequence[FactorSpec],
    blocks: Blocks,
    bins: int = 10,
    seed: int = 0,
) -> Mig:
    """Return the gap between the two blocks that tell most of each factor.

    A block's information is that of a random forest's out-of-fold guess of the factor's class,
    a lower bound of what the block holds.

    Raises:
        ValueError: if the shapes or blocks do not fit or values are not finite.
    """
    codes, truth = checked(representation, factors, specs)
    known = [classes_of(truth[:, j], spec, bins) for j, spec in enumerate(specs)]
    units = [columns_of(codes, block) for block in blocks.values()]
    table = [[_information(_guess(unit, v, seed), v) for v in known] for unit in units]
    return _gaps(np.array(table), known, specs)


def _guess(unit: Matrix, known: Labels, seed: int) -> Labels:
    forest = RandomForestClassifier(40, min_samples_leaf=3, random_state=seed)
    folds = KFold(3, shuffle=True, random_state=seed)
    return np.asarray(cross_val_predict(forest, unit, known, cv=folds), np.int64)


def _cut(column: Matrix, bins: int) -> Labels:
    low, high = column.min(), column.max()
    if high <= low:
        return np.zeros(len(column), np.int64)
    share = (column - low) / (high - low)
    return np.asarray(np.minimum(share * bins, bins - 1), np.int64)


def _information(a: Labels, b: Labels) -> float:
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1 / len(a))
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / independent[seen])).sum())


def _entropy(a: Labels) -> float:
    share = np.bincount(a) / len(a)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def _gaps(information: Matrix, known: Sequence[Labels], specs: Sequence[FactorSpec]) -> Mig:
    entropy = np.array([_entropy(v) for v in known])
    ranked = np.sort(information, axis=0)[::-1]
    second = ranked[1] if len(ranked) > 1 else np.zeros_like(ranked[0])
    gaps = np.where(entropy > 0, (ranked[0] - second) / np.where(entropy > 0, entropy, 1), 0.0)
    by_factor = {spec.name: float(gap) for spec, gap in zip(specs, gaps, strict=True)}
    return Mig(float(gaps.mean()), by_factor, information, entropy)
