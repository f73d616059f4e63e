"""Retrieval by known factors: are the nearest alike in the factor asked for?

It knows distances and factor values, not how coordinates were made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet_training.data.factor import FactorKind, FactorSpec
from stylefacet_training.metrics.ground_truth import Matrix, checked, factor_distance

QUERIES_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class FactorRetrieval:
    """How well the neighbours agree with the query in one factor."""

    score: float
    """Categories: share of the neighbours with the query's value. Numbers and circles:
    1 - mean factor distance of the neighbours / mean distance of random pairs."""
    chance: float
    """What a random order scores."""


def named_retrieval(
    coordinates: Mapping[str, npt.ArrayLike],
    factors: npt.ArrayLike,
    specs: Sequence[FactorSpec],
    neighbours: int = 10,
) -> Mapping[str, FactorRetrieval]:
    """Return, for each factor in `coordinates`, how well a search by its own feature does.

    `coordinates` maps factor names to `(n, k)` feature coordinates of the same n items;
    `factors` is `(n, f)`. Every item queries all others; ties keep the stored order.

    Raises:
        ValueError: if shapes do not fit, a name is unknown, or there are too few items.
    """
    by_name = {spec.name: (j, spec) for j, spec in enumerate(specs)}
    unknown = sorted(set(coordinates) - set(by_name))
    if unknown:
        raise ValueError(f"no such factor: {', '.join(unknown)}")
    results = {}
    for name, columns in coordinates.items():
        codes, truth = checked(columns, factors, specs)
        j, spec = by_name[name]
        nearest = nearest_items(codes, neighbours)
        results[name] = _agreement(truth[:, j], spec, nearest)
    return results


def whole_retrieval(
    representation: npt.ArrayLike,
    factors: npt.ArrayLike,
    specs: Sequence[FactorSpec],
    neighbours: int = 10,
) -> Mapping[str, FactorRetrieval]:
    """Return, for each factor, how well a search over all of `(n, d)` codes does at it.

    Raises:
        ValueError: if shapes do not fit or there are too few items.
    """
    codes, truth = checked(representation, factors, specs)
    nearest = nearest_items(codes, neighbours)
    return {spec.name: _agreement(truth[:, j], spec, nearest) for j, spec in enumerate(specs)}


def nearest_items(codes: Matrix, neighbours: int) -> npt.NDArray[np.int64]:
    """Return `(n, neighbours)` indices of each item's nearest others, itself left out.

    Raises:
        ValueError: if there are not more items than neighbours.
    """
    if len(codes) <= neighbours:
        raise ValueError(f"want more than {neighbours} items, got {len(codes)}")
    centred = codes - codes.mean(axis=0)
    square = (centred**2).sum(axis=1)
    rows = []
    for start in range(0, len(codes), QUERIES_AT_ONCE):
        part = centred[start : start + QUERIES_AT_ONCE]
        distance = square[None, :] - 2 * part @ centred.T
        distance[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        rows.append(np.argsort(distance, axis=1, kind="stable")[:, :neighbours])
    return np.concatenate(rows)


def _agreement(values: Matrix, spec: FactorSpec, nearest: npt.NDArray[np.int64]) -> FactorRetrieval:
    apart = float(factor_distance(values[:, None], values[nearest], spec).mean())
    everywhere = _mean_distance(values, spec)
    if spec.kind is FactorKind.CATEGORICAL:
        return FactorRetrieval(1 - apart, 1 - everywhere)
    return FactorRetrieval(1 - apart / everywhere if everywhere else 0.0, 0.0)


def _mean_distance(values: Matrix, spec: FactorSpec) -> float:
    """Return the mean factor distance of all pairs of different items."""
    total = sum(
        factor_distance(values[start : start + QUERIES_AT_ONCE, None], values[None, :], spec).sum()
        for start in range(0, len(values), QUERIES_AT_ONCE)
    )
    return float(total) / (len(values) * (len(values) - 1))
