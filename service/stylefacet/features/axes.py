"""The axis of an ordered feature, and latent moves of least norm; knows no product and no name.

Coordinates here are scaled: two items drawn at random are 1 apart in root mean square.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField
from stylefacet.features.fitting import FittedFeature

F64 = npt.NDArray[np.float64]
# Directions of the joint map weaker than this share of the strongest count as absent: to move
# along them would take the query a million times as far as it is asked to go.
_WEAKEST = 1e-6
# What float32 maps may leave of a wish, as a share of it.
_RESIDUAL = 1e-3


@dataclass(frozen=True, slots=True)
class Axis:
    """A unit vector ``(k,)`` in a feature's coordinates, and the values at its two ends, if any."""

    direction: F64
    low: str = ""
    high: str = ""


def find_axis(
    coordinate_count: int, fitted: FittedFeature | None, order: Sequence[str] = ()
) -> Axis | None:
    """Returns the axis of a feature; None when its values have no order of their own.

    A feature of one coordinate that was not fitted rises with it. A fitted one of two values leads
    from the first by name to the second, one of numbers rises, and any other follows the ``order``
    that is given: the slope of the values' centres over their ranks, by least squares.

    Raises:
        InvalidField: for an order that names fewer than two values, or one that is not there.
    """
    if fitted is None:
        if order:
            raise InvalidField("order", "the feature was not fitted, so it has no values")
        return Axis(np.ones(1)) if coordinate_count == 1 else None
    if order:
        _check_order(fitted.values, order)
        values, ranks = list(order), np.arange(len(order), dtype=np.float64)
    elif (numbers := _numbers(fitted.values)) is not None:
        values = sorted(fitted.values, key=lambda value: float(value))
        ranks = np.sort(numbers)
    elif len(fitted.values) == 2:
        values, ranks = list(fitted.values), np.arange(2.0)
    else:
        return None
    centres = fitted.centres[[fitted.values.index(value) for value in values]]
    slope = (ranks - ranks.mean()) @ (centres - centres.mean(axis=0))
    length = float(np.linalg.norm(slope))
    if not length > 0:
        raise InvalidField("order", "the values do not lie one behind the other")
    return Axis(slope / length, values[0], values[-1])


def least_move(maps: Sequence[F64], wishes: Sequence[F64]) -> F64 | None:
    """Returns the shortest latent move ``(d,)`` that moves every feature as wished.

    ``maps`` are scaled, ``(k, d)`` each; ``wishes`` are the moves of their coordinates, ``(k,)``
    each. None when no move meets them all, as for overlapping features pulled apart.
    """
    matrix, wish = np.vstack(maps), np.concatenate(wishes)
    left, strengths, right = np.linalg.svd(matrix, full_matrices=False)
    kept = strengths > _WEAKEST * strengths[0]
    move = right[kept].T @ ((left[:, kept].T @ wish) / strengths[kept])
    missed = float(np.linalg.norm(matrix @ move - wish))
    if missed > _RESIDUAL * float(np.linalg.norm(wish)):
        return None
    return np.asarray(move)


def _check_order(values: Sequence[str], order: Sequence[str]) -> None:
    if len(order) < 2:
        raise InvalidField("order", "name two values or more, the lowest first")
    if len(set(order)) < len(order):
        raise InvalidField("order", "names a value twice")
    for value in order:
        if value not in values:
            raise InvalidField("order", f"{value!r} is no value; there are {', '.join(values)}")


def _numbers(values: Sequence[str]) -> F64 | None:
    """Returns the values as numbers; None unless all are finite and no two are equal."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return None
    if not all(map(math.isfinite, numbers)) or len(set(numbers)) < len(numbers):
        return None
    return np.array(numbers)
