"""Visiting few cells finds what a pass over all rows finds."""

from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylefacet.search import cells
from stylefacet.search.columns import FeatureColumns
from stylefacet.search.index import SimilarityIndex
from stylefacet.search.rows import Items
from stylefacet.search.selection import Selection


def make_points(kind, count, width, rng):
    points = rng.normal(size=(count, width))
    if kind == "clusters":
        points = points * 0.01 + 10 * rng.normal(size=(7, width))[rng.integers(0, 7, count)]
    elif kind == "grid":  # many equal distances, many equal points
        points = np.round(points * 2)
    elif kind == "far":
        points[:3] *= 1e4
    return points


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["normal", "clusters", "grid", "far"]),
    width=st.integers(1, 8),
    dead_share=st.sampled_from([0.0, 0.2]),
    is_inside=st.booleans(),
    query_count=st.sampled_from([1, 1, 3]),
    later=st.integers(0, 300),
)
def test_no_row_that_is_near_is_missed(
    seed, kind, width, dead_share, is_inside, query_count, later
):
    rng = np.random.default_rng(seed)
    points = make_points(kind, 2000, width, rng)
    columns = FeatureColumns(np.eye(width, dtype=np.float32), np.zeros(width))
    first = len(points) - later
    columns.append(points[:first])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "MIN_ROW_COUNT", 100)
        columns.build_cells()
    columns.append(points[first:])
    inside = points[rng.integers(2000, size=query_count)]
    queries = (inside if is_inside else rng.normal(size=inside.shape) * 3).astype("f4")
    dead = np.flatnonzero(rng.random(2000) < dead_share)
    everything = Selection(2000, dead)
    alive = np.setdiff1d(np.arange(2000), dead)
    exact = np.min([np.square(points - query).sum(axis=1) for query in queries], axis=0)
    radius = float(np.linalg.norm(points, axis=1).max())
    for count in (1, 10, 100):
        scan = columns.scan(queries, radius)
        rows, edge = scan.nearest(count, everything)
        margin = scan.error_bound * (1 + 1e-9)
        left_out = np.setdiff1d(alive, rows)
        assert set(rows) <= set(alive)
        assert (exact[left_out] >= edge - margin).all()
        wanted = np.sort(exact[alive])[count - 1]
        near = scan.within(wanted + margin, everything)
        assert set(near) <= set(alive)
        assert set(alive[exact[alive] <= wanted]) <= set(near)


def test_few_rows_are_visited():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(50_000, 3))
    columns = FeatureColumns(np.eye(3, dtype=np.float32), np.zeros(3))
    columns.append(points)
    columns.build_cells()
    query = points[5].astype(np.float32)
    everything = Selection(len(points), np.empty(0, np.int64))
    statistics: Any = faiss.cvar  # SWIG's globals have no stubs
    statistics.indexIVF_stats.reset()
    rows, _ = columns.scan(query[None], 10.0).nearest(10, everything)
    assert 5 in rows
    assert 0 < statistics.indexIVF_stats.ndis < 3000


def test_a_large_index_finds_what_brute_force_finds_after_changes():
    rng = np.random.default_rng(4)
    count = 45_000
    means = rng.normal(size=(count, 6)).astype(np.float32)
    index = SimilarityIndex(6)
    index.set_features({"narrow": np.eye(6, dtype=np.float32)[:3]})
    keys = np.arange(1, count + 1)
    for start in range(0, count, 5000):
        some = slice(start, start + 5000)
        index.add(Items(keys[some], keys[some], keys[some], means[some]))
    index.replace(keys[:4000], Items(keys[:10], keys[:10], keys[:10], means[:10] + 1))
    means[:10] += 1
    exists = np.r_[np.full(10, True), np.full(3990, False), np.full(count - 4000, True)]
    for _ in range(20):
        query = rng.normal(size=(1, 6)).astype(np.float32)
        squares = np.square((means - query)[:, :3].astype(np.float64)).sum(axis=1)
        wanted = keys[exists][np.argsort(squares[exists])[:10]]
        hits = index.search(query, {"narrow": 1.0}, 10).hits
        assert [hit.product_key for hit in hits] == wanted.tolist()
