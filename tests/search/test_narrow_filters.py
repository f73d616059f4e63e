"""Where a filter keeps few rows they are fetched, not passed over: none of the best is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylefacet.search import index as index_module
from stylefacet.search import ranking, scans
from stylefacet.search import selection as selection_module
from stylefacet.search.content import Content
from stylefacet.search.index import SimilarityIndex
from stylefacet.search.ranking import Metric
from stylefacet.search.rows import Items
from stylefacet.search.selection import Selection
from tests.search.brute_force import D as WIDTH
from tests.search.brute_force import make_catalogue

D = 6
WEIGHTS = {"f": 0.7, "g": 0.3}


def make_index(means, group_size=1):
    keys = np.arange(len(means))
    index = SimilarityIndex(D)
    rng = np.random.default_rng(5)
    index.set_features(
        {"f": rng.normal(size=(4, D)).astype(np.float32), "g": np.eye(D, dtype=np.float32)[:2]}
    )
    index.add(Items(keys, keys // 2, keys // group_size, means))
    return index


def brute_force(index, queries, means, among, group_size, limit):
    """Returns product keys of the best groups, nearest first, one row after the other."""
    matrices = dict(index.snapshot().matrices)
    metric = Metric(matrices, WEIGHTS)
    distances = np.min([metric.distances(query, means) for query in queries], axis=0)
    allowed = set(among.tolist())
    seen, found = set(), []
    for row in sorted(range(len(means)), key=lambda row: (distances[row], row // 2, row)):
        if row // 2 in allowed and row // group_size not in seen:
            seen.add(row // group_size)
            found.append((row // 2, row))
    return found[:limit]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e6, 1e25, 1e38]),
    offset=st.sampled_from([0.0, 100.0, 1e5]),
    step=st.sampled_from([0.0, 0.5]),
    group_size=st.sampled_from([2, 6, 150]),
    query_count=st.integers(1, 3),
    limit=st.sampled_from([1, 5, 40]),
)
def test_fetching_rows_loses_none_of_the_best(
    seed, scale, offset, step, group_size, query_count, limit
):
    offset = 0.0 if scale > 1e30 else offset  # float32 ends there
    rng = np.random.default_rng(seed)
    points = np.clip(rng.normal(size=(600, D)), -3, 3)
    if step:  # many equal distances
        points = np.round(points / step) * step
    means = (scale * (points + offset)).astype(np.float32)
    queries = means[rng.integers(600, size=query_count)] + np.float32(scale / 4)
    among = np.flatnonzero(rng.random(300) < 0.8)
    index = make_index(means, group_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "_FEW_ROWS", 10)
        patch.setattr(index_module, "_SPARE_ROWS", 3)
        patch.setattr(selection_module, "_NARROW", 1.1)
        patch.setattr(scans, "_FETCH_CHUNK", 128)
        patch.setattr(scans, "_BLOCK", 16)
        patch.setattr(scans, "_MANY", 64)
        patch.setattr(ranking, "_CHUNK", 100)
        hits = index.search(queries, WEIGHTS, limit, among=among, grouped=True).hits
    wanted = brute_force(index, queries, means, among, group_size, limit)
    assert [(hit.product_key, hit.image_key) for hit in hits] == wanted


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    log_scale=st.integers(-8, 8),
    offset=st.sampled_from([0.0, 1.0, -1e3, 1e6]),
    weights=st.dictionaries(
        st.sampled_from(["block", "f1", "f2", "f3", "f8"]),
        st.floats(1e-6, 1.0),
        min_size=1,
        max_size=5,
    ),
)
def test_no_fetched_row_is_off_by_more_than_the_bound(seed, log_scale, offset, weights):
    rng = np.random.default_rng(seed)
    catalogue = make_catalogue(rng, 60, 1, 10.0**log_scale, offset)
    content = Content(WIDTH).with_features(catalogue.matrices)
    content.append(content.prepare(catalogue.columns()))
    total = sum(weights.values())
    weights = {name: weight / total for name, weight in sorted(weights.items())}
    query = (rng.normal(size=WIDTH) * 10.0**log_scale + offset).astype(np.float32)
    rows = np.arange(60)
    one_of_many = Selection(10_000, np.empty(0, np.int64), rows)
    scan = content.scan(query[None], weights, one_of_many)
    exact = [catalogue.distance2(query[None], mean, weights) for mean in content.means]
    margin = scan.error_bound * (1 + 1e-9)
    for count in range(1, 60):
        near, edge = scan.nearest(count, one_of_many)
        assert len(near) >= count
        assert abs(edge - sorted(exact)[count - 1]) <= margin
        assert all(exact[row] >= edge - margin for row in set(rows.tolist()) - set(near.tolist()))


def test_products_that_are_not_there_are_passed_over():
    index = make_index(np.eye(D, dtype=np.float32))
    query = np.zeros((1, D), np.float32)
    for among, wanted in (([-1, 1], [1]), ([1, 7], [1]), ([-3, 12], []), ([-2], [])):
        hits = index.search(query, WEIGHTS, 10, among=np.array(among)).hits
        assert [hit.product_key for hit in hits] == wanted


def test_distances_that_float32_cannot_order_are_told_apart():
    for seed in range(20):
        points = np.random.default_rng(seed).normal(size=(30_000, D))
        means = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
        index = SimilarityIndex(D)
        index.set_features({"all": np.eye(D, dtype=np.float32)})
        keys = np.arange(30_000)
        index.add(Items(keys, keys, keys, means))
        among = np.arange(0, 30_000, 25)
        query = np.zeros((1, D), np.float32)
        hits = index.search(query, {"all": 1.0}, 10, among=among).hits
        exact = np.square(means[among].astype(np.float64)).sum(axis=1)
        order = np.lexsort((among, exact))[:10]
        assert [hit.product_key for hit in hits] == among[order].tolist()


def test_few_rows_are_measured_in_float64(monkeypatch):
    rng = np.random.default_rng(1)
    means = rng.normal(size=(100_000, D)).astype(np.float32)
    index = make_index(means)
    measured = []
    squares = Metric.squares

    def counted(self, query, candidates):
        measured.append(len(candidates))
        return squares(self, query, candidates)

    monkeypatch.setattr(Metric, "squares", counted)
    hits = index.search(means[:1], WEIGHTS, 10, among=np.arange(0, 50_000, 50)).hits
    assert hits[0].product_key == 0
    assert sum(measured) < 100
