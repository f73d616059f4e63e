"""Thinning candidates out in float32 loses none that belongs among the best."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylefacet.search import ranking
from stylefacet.search.ranking import Metric, rank

D = 6


def brute_force(metric, queries, means, rows, keys, limit):
    """Returns the rows of the best groups, nearest first, one row after the other."""
    distances = np.min([metric.distances(query, means[rows]) for query in queries], axis=0)
    groups, products, images = (each[rows] for each in keys)
    seen, found = set(), []
    for place in sorted(range(len(rows)), key=lambda i: (distances[i], products[i], images[i])):
        if groups[place] not in seen:
            seen.add(groups[place])
            found.append(int(rows[place]))
    return found[:limit]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e6, 1e25]),
    offset=st.sampled_from([0.0, 100.0, 1e5]),
    step=st.sampled_from([0.0, 0.5]),
    group_size=st.sampled_from([1, 3, 150]),
    query_count=st.integers(1, 3),
    limit=st.sampled_from([1, 5, 40]),
)
def test_thinning_out_loses_none_of_the_best(
    seed, scale, offset, step, group_size, query_count, limit
):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(600, D))
    if step:  # many equal distances
        points = np.round(points / step) * step
    means = (scale * (points + offset)).astype(np.float32)
    queries = means[rng.integers(600, size=query_count)] + np.float32(scale)
    matrices = {"f": rng.normal(size=(4, D)), "g": np.eye(D)[:2]}
    weights = {"f": 0.7, "g": 0.3}
    metric = Metric({name: matrix.astype(np.float32) for name, matrix in matrices.items()}, weights)
    keys = (np.arange(600) // group_size, np.arange(600) // 2, np.arange(600))
    rows = np.flatnonzero(rng.random(600) < 0.8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_THIN_FROM", 10)
        patch.setattr(ranking, "_SPARE_ROWS", 3)
        patch.setattr(ranking, "_CHUNK", 128)
        found = rank(metric, queries, means, rows, keys, limit)
    assert found.rows.tolist() == brute_force(metric, queries, means, rows, keys, limit)


def test_distances_that_float32_cannot_order_are_not_thinned_out_by_it(monkeypatch):
    monkeypatch.setattr(ranking, "_SPARE_ROWS", 0)
    metric = Metric({"f": np.eye(D, dtype=np.float32)}, {"f": 1.0})
    keys = (np.arange(2000),) * 3
    rows = np.arange(2000)
    for seed in range(20):
        points = np.random.default_rng(seed).normal(size=(2000, D))
        means = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
        query = np.zeros((1, D), np.float32)
        found = rank(metric, query, means, rows, keys, 10)
        assert found.rows.tolist() == brute_force(metric, query, means, rows, keys, 10)


def test_few_rows_are_measured_in_float64(monkeypatch):
    rng = np.random.default_rng(1)
    means = rng.normal(size=(20_000, D)).astype(np.float32)
    metric = Metric({"f": np.eye(D, dtype=np.float32)[:3]}, {"f": 1.0})
    measured = []
    squares = Metric.squares

    def counted(self, query, candidates):
        measured.append(len(candidates))
        return squares(self, query, candidates)

    monkeypatch.setattr(Metric, "squares", counted)
    keys = (np.arange(20_000),) * 3
    found = rank(metric, means[:1], means, np.arange(20_000), keys, 10)
    assert found.rows[0] == 0
    assert sum(measured) < 50
