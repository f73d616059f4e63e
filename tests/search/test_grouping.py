"""Groups of pairs: every two members are a pair, and no chain is a group."""

import itertools

import numpy as np
import pytest

from stylefacet.search.grouping import complete_link


def as_sets(groups: list[list[int]]) -> set[frozenset[int]]:
    return {frozenset(group) for group in groups}


def agglomerate(distances: np.ndarray, limit: float) -> set[frozenset[int]]:
    """Merges the two groups whose farthest members are nearest, as long as within the limit."""
    groups = [[n] for n in range(len(distances))]
    while len(groups) > 1:
        widths = {
            (a, b): distances[np.ix_(groups[a], groups[b])].max()
            for a, b in itertools.combinations(range(len(groups)), 2)
        }
        (a, b), width = min(widths.items(), key=lambda item: item[1])
        if width > limit:
            break
        groups[a] += groups.pop(b)
    return {frozenset(group) for group in groups if len(group) > 1}


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_those_of_complete_linkage(seed: int):
    points = np.random.default_rng(seed).normal(size=(40, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    limit = 0.8
    pairs = [p for p in itertools.combinations(range(40), 2) if distances[p] <= limit]
    pairs.sort(key=lambda pair: distances[pair])

    groups = complete_link(pairs)
    assert as_sets(groups) == agglomerate(distances, limit)
    assert len(groups) > 3
    for group in groups:
        assert all(distances[p] <= limit for p in itertools.combinations(group, 2))


def test_a_chain_of_small_steps_is_no_group():
    chain = [(n, n + 1) for n in range(9)]

    assert as_sets(complete_link(chain)) == {frozenset((n, n + 1)) for n in range(0, 10, 2)}


def test_all_pairs_of_some_are_one_group():
    assert as_sets(complete_link(itertools.combinations(range(30), 2))) == {frozenset(range(30))}


def test_no_pairs_are_no_groups():
    assert complete_link([]) == []
