"""Finds combinations of two properties that the catalogue lacks; knows no HTML."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.report.attributes import OTHERS, Attribute, Source

# Below these a gap may well be chance: nine expected and none there is three deviations.
_MIN_DEVIATIONS = 3.0
_MAX_SHARE = 0.25
# Two attributes as tied as this say the same thing: no collar of theirs is "missing".
_MAX_ASSOCIATION = 0.6
MAX_GAP_COUNT = 10


@dataclass(frozen=True, slots=True)
class Gap:
    """A combination that is rare although both its values are common.

    ``expected_count`` is what there would be if the two properties were combined freely.
    """

    first: Attribute
    first_code: int
    second: Attribute
    second_code: int
    count: int
    expected_count: float


def find_gaps(attributes: Sequence[Attribute]) -> list[Gap]:
    """Returns the widest gaps first, between named properties if there are two of them.

    Otherwise they are between parts of the garment.
    """
    named = [a for a in attributes if a.named]
    chosen = named if len(named) >= 2 else list(attributes)
    found = [gap for a, b in itertools.combinations(chosen, 2) for gap in _between(a, b)]
    found.sort(key=lambda gap: -_deviations(gap))
    return found[:MAX_GAP_COUNT]


def _between(first: Attribute, second: Attribute) -> list[Gap]:
    if _base_name(first) == _base_name(second):
        return []
    observed = cross_counts(first, second)
    total = observed.sum()
    if not total:
        return []
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / total
    if _association(observed, expected) > _MAX_ASSOCIATION:
        return []
    gaps = [
        Gap(first, row, second, column, int(observed[row, column]), float(expected[row, column]))
        for row, column in np.ndindex(*observed.shape)
        if OTHERS not in (first.values[row], second.values[column])
    ]
    return [
        gap
        for gap in gaps
        if gap.count <= _MAX_SHARE * gap.expected_count and _deviations(gap) >= _MIN_DEVIATIONS
    ]


def cross_counts(first: Attribute, second: Attribute) -> npt.NDArray[np.int64]:
    """Returns how many products have both values, ``(values, other values)``."""
    counts = np.zeros((len(first.values), len(second.values)), np.int64)
    both = (first.codes >= 0) & (second.codes >= 0)
    np.add.at(counts, (first.codes[both], second.codes[both]), 1)
    return counts


def _base_name(attribute: Attribute) -> str:
    return attribute.name.lower() if attribute.source is not Source.PART else attribute.title


def _deviations(gap: Gap) -> float:
    return (gap.expected_count - gap.count) / math.sqrt(max(gap.expected_count, 1e-9))


def _association(observed: npt.NDArray[np.int64], expected: npt.NDArray[np.float64]) -> float:
    """Returns Cramér's V, 0 for free combination to 1 for one value fixing the other."""
    used = expected > 0
    chi_square = (np.square(observed - expected)[used] / expected[used]).sum()
    freedom = min(used.any(axis=1).sum(), used.any(axis=0).sum()) - 1
    return float((chi_square / observed.sum() / freedom) ** 0.5) if freedom > 0 else 1.0
