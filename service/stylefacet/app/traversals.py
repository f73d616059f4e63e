"""Finds the ways through latent space that a feature's pictures are drawn along; draws nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.app.adjustments import coordinates_of, fitted_of, telling_matrix, value_centre
from stylefacet.app.features import LiveFeature
from stylefacet.errors import InvalidField
from stylefacet.features.axes import Axis, find_axis
from stylefacet.search.index import Moments

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Pictures = npt.NDArray[np.uint8]

# Directions whose effect on the picture is tried out, one decode each: the catalogue's widest.
_MOST_TRIED = 48
# A direction along which the catalogue varies by less than this share of the widest is left out.
_NARROWEST = 1e-6


@dataclass(frozen=True, slots=True)
class Step:
    """One place on a way: latent vector ``(d,)``, and where it lies as the contract tells it."""

    mean: F32
    offset: float
    position: float = 0.0
    value: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """Steps along one direction, low to high, and the values at its ends, if any."""

    start_position: float
    steps: tuple[Step, ...]
    low_value: str = ""
    high_value: str = ""


def has_axis(feature: LiveFeature, order: Sequence[str] = ()) -> bool:
    """Returns whether the feature is ordered: whether there is one way through it."""
    return find_axis(len(feature.projection.matrix), fitted_of(feature), order) is not None


def ways_along_axes(
    feature: LiveFeature,
    start: F32,
    population: Moments,
    decode: Callable[[F32], Pictures],
    *,
    order: Sequence[str],
    step_count: int,
    way_count: int,
    reach: float,
) -> list[Way]:
    """Returns the strongest ways through a feature from a latent vector ``(d,)``.

    An ordered feature has one, its axis. Of any other fitted feature they are its discriminants,
    as the fit ordered them. Without values they are the directions along which the picture
    changes most for a standard deviation of the population: a whitened block varies alike in all
    directions, so variance tells nothing. They are found at the population's mean, so that they
    are the same for every start. Each goes ``reach`` standard deviations to either side of that
    mean; what the feature sees besides stays.
    """
    matrix = telling_matrix(feature)
    spread = matrix @ population.covariance @ matrix.T
    mean = population.mean.astype(np.float32)
    fitted = fitted_of(feature)
    axis = find_axis(len(matrix), fitted, order)
    if axis is not None:
        axes = [axis]
    elif fitted is not None:
        axes = [Axis(row) for row in np.eye(len(matrix))[:way_count]]
    else:
        axes = [Axis(u) for u in _visible_directions(matrix, spread, mean, decode)[:way_count]]
    here = coordinates_of(feature, start[None])[0]
    middle = matrix @ population.mean
    return [_way(matrix, each, start, here, middle, spread, step_count, reach) for each in axes]


def way_through_values(feature: LiveFeature, start: F32) -> Way:
    """Returns a step from a latent vector ``(d,)`` to the mean of each value.

    Raises:
        InvalidField: for a feature that was not fitted.
    """
    fitted = fitted_of(feature)
    if fitted is None:
        raise InvalidField("path", f"{feature.name!r} was not fitted, so it has no values")
    matrix = telling_matrix(feature)
    here = coordinates_of(feature, start[None])[0]
    steps = []
    for value in fitted.values:
        wish = value_centre(feature, fitted, value) - here
        moved = _moved(matrix, start, wish)
        steps.append(Step(moved, float(np.linalg.norm(wish)), value=value))
    return Way(0.0, tuple(steps))


def _way(
    matrix: F64,
    axis: Axis,
    start: F32,
    here: F64,
    middle: F64,
    spread: F64,
    step_count: int,
    reach: float,
) -> Way:
    u = axis.direction
    deviation = float(u @ spread @ u) ** 0.5
    positions = np.linspace(-reach, reach, step_count)
    offsets = u @ middle + deviation * positions - u @ here
    steps = [
        Step(_moved(matrix, start, offset * u), float(offset), float(position))
        for offset, position in zip(offsets, positions, strict=True)
    ]
    start_position = float(u @ (here - middle)) / deviation if deviation > 0 else 0.0
    return Way(start_position, tuple(steps), axis.low, axis.high)


def _visible_directions(
    matrix: F64, spread: F64, mean: F32, decode: Callable[[F32], Pictures]
) -> list[F64]:
    """Returns unit vectors ``(k,)``, those that change the picture most first.

    Source: the leading singular directions of a generator's Jacobian, Ramesh, Choi and LeCun 2018
    ("A Spectral Regularizer for Unsupervised Disentanglement"), here over steps of one standard
    deviation of the population.
    """
    variances, principal = np.linalg.eigh(spread)
    widest = np.flatnonzero(variances > _NARROWEST * variances[-1])[::-1][:_MOST_TRIED]
    # One standard deviation along each principal direction, (k, tried).
    strides = principal[:, widest] * np.sqrt(variances[widest])
    tried = np.stack([_moved(matrix, mean, stride) for stride in strides.T])
    pictures = decode(np.concatenate([mean[None], tried])).astype(np.float32)
    changes = (pictures[1:] - pictures[0]).reshape(len(tried), -1)
    strengths, mixes = np.linalg.eigh((changes @ changes.T).astype(np.float64))
    directions = strides @ mixes[:, np.argsort(strengths)[::-1]]
    # Either sign would do; one is chosen, so that a picture is drawn the same way every time.
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), range(directions.shape[1])])
    return list((directions * signs / np.linalg.norm(directions, axis=0)).T)


def _moved(matrix: F64, start: F32, wish: F64) -> F32:
    """Returns the latent vector ``(d,)`` after the shortest move that does as wished."""
    return np.asarray(start + np.linalg.pinv(matrix, rcond=1e-6) @ wish, np.float32)
