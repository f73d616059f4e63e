"""Finds where products crowd and which stand alone; knows coordinates only, no HTML."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.report.catalogue import F32, Catalogue

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

NEIGHBOUR_COUNT = 5
MAX_SPOT_COUNT = 6
MAX_OUTLIER_COUNT = 12
MAX_SPOT_PICTURES = 8
# A spot is worth telling when it is this many times as crowded as usual.
_MIN_CROWDING = 2.0
# All pairs of these are measured: 20,000 took 46 s of one core at 96 dimensions, this a quarter.
MAX_MEASURED_COUNT = 10_000
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Spot:
    """A crowded place: a product and those around it, the nearest first."""

    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outlier:
    """A product far from all others.

    ``remoteness`` is how many times as far its neighbours are as usual, ``part`` the title of the
    part of the garment in which it stands out the most from the product nearest to it.
    """

    product: int
    nearest: int
    remoteness: float
    part: str


@dataclass(frozen=True, slots=True)
class Neighbourhoods:
    """How dense the catalogue is: ``usual_count`` products lie around a typical one."""

    measured_count: int
    usual_count: int
    spots: tuple[Spot, ...]
    outliers: tuple[Outlier, ...]


def find_neighbourhoods(catalogue: Catalogue) -> Neighbourhoods:
    """Returns crowded spots, the densest first, and outliers, the farthest first.

    A catalogue beyond ``MAX_MEASURED_COUNT`` is measured by a random sample of that size.
    """
    whole = catalogue.whole()
    measured = sample_positions(len(whole), MAX_MEASURED_COUNT)
    x = whole[measured].astype(np.float64)
    neighbour_count = min(NEIGHBOUR_COUNT, len(x) - 1)
    nearest, distances = _nearest(x, neighbour_count)
    # Half of the products have this many others within the radius, by its definition.
    radius = float(np.median(distances[:, -1]))
    spots = _spots(x, _count_within(x, radius), radius, neighbour_count)
    return Neighbourhoods(
        len(x),
        neighbour_count,
        tuple(Spot(tuple(measured[list(spot)].tolist())) for spot in spots),
        tuple(_outliers(catalogue, measured, nearest, distances)),
    )


def sample_positions(count: int, limit: int) -> I64:
    """Returns all positions below ``count``, or a seeded sample of ``limit``, in order."""
    if count <= limit:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, limit, replace=False))


def _squared_distances(x: F64, begin: int) -> F64:
    """Returns squared distances ``(chunk, n)`` of some rows to all; to themselves infinity."""
    some = x[begin : begin + _CHUNK]
    squares = np.square(x).sum(axis=1)
    found = squares[begin : begin + len(some), None] + squares - 2 * some @ x.T
    np.maximum(found, 0, out=found)
    found[np.arange(len(some)), begin + np.arange(len(some))] = np.inf
    return np.asarray(found, np.float64)


def _nearest(x: F64, count: int) -> tuple[I64, F64]:
    """Returns positions and distances ``(n, count)`` of the nearest others, nearest first."""
    positions, distances = [], []
    for begin in range(0, len(x), _CHUNK):
        squared = _squared_distances(x, begin)
        some = np.argpartition(squared, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(squared, some, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        positions.append(np.take_along_axis(some, order, axis=1))
        distances.append(np.sqrt(np.take_along_axis(values, order, axis=1)))
    return np.concatenate(positions), np.concatenate(distances)


def _count_within(x: F64, radius: float) -> I64:
    limit = radius**2
    chunks = range(0, len(x), _CHUNK)
    return np.concatenate([(_squared_distances(x, b) <= limit).sum(axis=1) for b in chunks])


def _spots(x: F64, counts: I64, radius: float, usual: int) -> list[tuple[int, ...]]:
    """Returns the densest places that do not overlap, their middle first."""
    free = np.ones(len(x), dtype=bool)
    spots: list[tuple[int, ...]] = []
    for middle in np.argsort(-counts, kind="stable").tolist():
        if len(spots) == MAX_SPOT_COUNT or counts[middle] < _MIN_CROWDING * usual:
            break
        away = np.sqrt(np.square(x - x[middle]).sum(axis=1))
        members = np.flatnonzero(away <= radius)
        # A rim of the last spot is no spot of its own.
        if not free[members].all():
            continue
        free[members] = False
        spots.append(tuple(members[np.argsort(away[members], kind="stable")].tolist()))
    return spots


def _outliers(catalogue: Catalogue, measured: I64, nearest: I64, distances: F64) -> list[Outlier]:
    remoteness = distances.mean(axis=1)
    usual = max(float(np.median(remoteness)), 1e-9)
    usual_by_part = [
        max(float(np.median(_gaps(part.coordinates[measured], nearest[:, 0]))), 1e-9)
        for part in catalogue.parts
    ]
    found = []
    for row in np.argsort(-remoteness, kind="stable")[:MAX_OUTLIER_COUNT].tolist():
        product, other = int(measured[row]), int(measured[nearest[row, 0]])
        ratios = [
            float(np.linalg.norm(part.coordinates[product] - part.coordinates[other])) / common
            for part, common in zip(catalogue.parts, usual_by_part, strict=True)
        ]
        part = catalogue.parts[int(np.argmax(ratios))].title
        found.append(Outlier(product, other, float(remoteness[row]) / usual, part))
    return found


def _gaps(x: F32, nearest: I64) -> F32:
    return np.asarray(np.linalg.norm(x - x[nearest], axis=1), np.float32)
