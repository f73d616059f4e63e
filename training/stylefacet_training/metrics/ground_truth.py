"""Factors as the metrics see them: checked, discretised, as targets; knows no metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from stylefacet_training.data.factor import FactorKind, FactorSpec

Matrix: TypeAlias = npt.NDArray[np.float64]
Blocks: TypeAlias = Mapping[str, tuple[int, int]]


def checked(
    representation: npt.ArrayLike, factors: npt.ArrayLike, specs: Sequence[FactorSpec]
) -> tuple[Matrix, Matrix]:
    """Return both as float64 matrices.

    Raises:
        ValueError: if they are not `(n, d)` and `(n, len(specs))`, or hold NaN or infinity.
    """
    codes, truth = np.asarray(representation, np.float64), np.asarray(factors, np.float64)
    if codes.ndim != 2 or truth.shape != (len(codes), len(specs)):
        raise ValueError(
            f"want (n, d) codes and (n, {len(specs)}) factors, got {codes.shape}, {truth.shape}"
        )
    if not (np.isfinite(codes).all() and np.isfinite(truth).all()):
        raise ValueError("codes and factors must be finite")
    return codes, truth


def dimension_blocks(dimensions: int) -> Blocks:
    """Return the blocks that hold one dimension each: scores by dimension."""
    return {str(i): (i, i + 1) for i in range(dimensions)}


def columns_of(codes: Matrix, block: tuple[int, int]) -> Matrix:
    """Return the block's columns.

    Raises:
        ValueError: if the block is empty or reaches beyond the representation.
    """
    start, end = block
    if not 0 <= start < end <= codes.shape[1]:
        raise ValueError(f"block {block} lies outside {codes.shape[1]} dimensions")
    return codes[:, start:end]


def classes_of(values: Matrix, spec: FactorSpec, bins: int) -> npt.NDArray[np.int64]:
    """Return `(n,)` class numbers: the value itself, or its bin of equal width."""
    if spec.kind is FactorKind.CATEGORICAL:
        return values.astype(np.int64)
    share = (values - spec.low) / (spec.high - spec.low)
    return np.asarray(np.minimum(share * bins, bins - 1), np.int64)


def targets_of(values: Matrix, spec: FactorSpec) -> Matrix:
    """Return what a regression predicts: `(n, 1)`, or cosine and sine `(n, 2)` on a circle."""
    if spec.kind is FactorKind.CIRCULAR:
        return np.stack([np.cos(2 * np.pi * values), np.sin(2 * np.pi * values)], axis=1)
    return values[:, None]


def factor_distance(a: Matrix, b: Matrix, spec: FactorSpec) -> Matrix:
    """Return the distance of factor values: on the line, round the circle, or 0 and 1."""
    if spec.kind is FactorKind.CATEGORICAL:
        return np.asarray(a != b, np.float64)
    apart: Matrix = np.abs(a - b)
    return np.asarray(np.minimum(apart, 1 - apart)) if spec.kind is FactorKind.CIRCULAR else apart


def explained(truth: Matrix, predicted: Matrix) -> float:
    """Return the share of variance explained over `(n, k)` columns, at least 0."""
    spread = float(((truth - truth.mean(axis=0)) ** 2).sum())
    return max(0.0, 1 - float(((truth - predicted) ** 2).sum()) / spread) if spread else 0.0
