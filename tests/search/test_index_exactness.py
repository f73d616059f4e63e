"""The index finds what brute force in float64 finds."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylefacet.search.rows import Items
from tests.search.brute_force import D, assert_exact, make_catalogue

ONE = {"f3": 1.0}
SOME = {"f1": 0.2, "f8": 3.0, "block": 1.0}
ALL = {"f1": 1.0, "f2": 1.0, "f3": 1.0, "f8": 1.0, "block": 1.0}
WEIGHTS = pytest.mark.parametrize("weights", [ONE, SOME, ALL], ids=["one", "some", "all"])


@WEIGHTS
def test_search_finds_what_brute_force_finds(rng, weights):
    catalogue = make_catalogue(rng, 2000)
    query = rng.normal(size=(1, D)).astype(np.float32)
    result = catalogue.index().search(query, weights, 50)
    assert_exact(result, catalogue.brute_force(query, weights, 50), 1e-12)


@WEIGHTS
def test_a_product_is_as_near_as_its_nearest_pair_of_images(rng, weights):
    catalogue = make_catalogue(rng, 900, images_per_product=3)
    queries = rng.normal(size=(4, D)).astype(np.float32)
    result = catalogue.index().search(queries, weights, 20)
    assert_exact(result, catalogue.brute_force(queries, weights, 20), 1e-12)
    images = {image: mean for image, _, _, mean in catalogue.items}
    for hit in result.hits:
        pair = catalogue.distance2(queries[[hit.query_number]], images[hit.image_key], weights)
        assert pair == pytest.approx(hit.distance2, rel=1e-9)


@WEIGHTS
def test_near_duplicates_are_told_apart(rng, weights):
    catalogue = make_catalogue(rng, 300)
    query = rng.normal(size=D).astype(np.float32)
    for number in range(50):
        catalogue.add(1000 + number, number, query + rng.normal(size=D) * 1e-4)
    result = catalogue.index().search(query[None], weights, 10)
    assert_exact(result, catalogue.brute_force(query[None], weights, 10), 1e-15)


@WEIGHTS
@pytest.mark.parametrize("offset", [100.0, 1e5])
def test_a_huge_offset_costs_no_exactness(rng, weights, offset):
    catalogue = make_catalogue(rng, 600, offset=offset)
    query = catalogue.items[7][3][None]
    result = catalogue.index().search(query, weights, 10)
    assert_exact(result, catalogue.brute_force(query, weights, 10), 1e-9)


@WEIGHTS
def test_one_far_outlier_costs_no_exactness(rng, weights):
    catalogue = make_catalogue(rng, 600)
    catalogue.add(5000, 5000, np.full(D, 1e6))
    query = catalogue.items[7][3][None]
    result = catalogue.index().search(query, weights, 10)
    assert_exact(result, catalogue.brute_force(query, weights, 10), 1e-12)


@WEIGHTS
def test_numbers_beyond_float32_when_squared_are_still_ranked(rng, weights):
    catalogue = make_catalogue(rng, 40, scale=1e25)
    query = catalogue.items[7][3][None]
    result = catalogue.index().search(query, weights, 5)
    assert_exact(result, catalogue.brute_force(query, weights, 5), 1e30)


@WEIGHTS
def test_queries_far_apart_cost_no_exactness(rng, weights):
    catalogue = make_catalogue(rng, 600)
    catalogue.add(5000, 5000, np.full(D, 3e19))
    queries = np.stack([catalogue.items[7][3], np.full(D, 3e19, np.float32)])
    result = catalogue.index().search(queries, weights, 5)
    assert_exact(result, catalogue.brute_force(queries, weights, 5), 1e-12)
    assert 5000 in {hit.product_key for hit in result.hits}


@pytest.mark.parametrize("weights", [ONE, SOME], ids=["one", "some"])
@pytest.mark.parametrize("is_narrow", [False, True])
def test_a_product_of_many_images_is_asked_for_in_bounded_memory(rng, weights, is_narrow):
    count, query_count = 100_000, 200
    means = rng.normal(size=(count, D)).astype(np.float32)
    index = make_catalogue(rng, 0).index()
    keys = np.arange(1, count + 1)
    index.add(Items(keys, keys, keys, means))
    index.search(means[:1], weights, 10)
    among = keys[: count // 50] if is_narrow else None
    tracemalloc.start()
    hits = index.search(means[:query_count], weights, 10, among=among).hits
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {hit.distance2 for hit in hits} == {0.0}
    # By itself each query would take so much that all take three or four times as much.
    assert peak < (5e6 if is_narrow else query_count * count)


@WEIGHTS
def test_equal_vectors_tie_in_order_of_product_key(rng, weights):
    catalogue = make_catalogue(rng, 50)
    for product in (905, 901, 904, 902, 903):
        catalogue.add(product, product, np.ones(D))
    hits = catalogue.index().search(np.ones((1, D), np.float32), weights, 3).hits
    assert [(hit.product_key, hit.distance2) for hit in hits] == [(901, 0), (902, 0), (903, 0)]


@WEIGHTS
def test_thousands_of_equal_vectors_tie_in_order_of_product_key(rng, weights):
    catalogue = make_catalogue(rng, 1)
    twin = rng.normal(size=D)
    for product in range(6000, 100, -1):
        catalogue.add(product, product, twin)
    query = rng.normal(size=(1, D)).astype(np.float32)
    hits = catalogue.index().search(query, weights, 5).hits
    assert [hit.product_key for hit in hits if hit.product_key > 1][:4] == [101, 102, 103, 104]


@WEIGHTS
@pytest.mark.parametrize("share", [0.005, 0.01, 0.1, 0.5])
def test_a_filter_is_applied_before_ranking(rng, weights, share):
    catalogue = make_catalogue(rng, 2000)
    among = np.flatnonzero(rng.random(2000) < share) + 1
    query = rng.normal(size=(1, D)).astype(np.float32)
    result = catalogue.index().search(query, weights, 10, among=among)
    assert_exact(result, catalogue.brute_force(query, weights, 10, set(among)), 1e-12)


def test_products_left_out_cost_no_hits(rng):
    catalogue = make_catalogue(rng, 900, images_per_product=3)
    query = catalogue.items[0][3][None]
    result = catalogue.index().search(query, SOME, 10, without=[1, 2, 3])
    assert_exact(result, catalogue.brute_force(query, SOME, 10, without=[1, 2, 3]), 1e-12)


@WEIGHTS
@pytest.mark.parametrize("group_size", [3, 500])
def test_grouped_search_gives_one_hit_a_group(rng, weights, group_size):
    catalogue = make_catalogue(rng, 0)
    for product in range(1, 3001):
        centre = product // group_size
        catalogue.add(product, product // group_size, rng.normal(size=D) * 0.1 + centre)
    query = rng.normal(size=(1, D)).astype(np.float32)
    hits = catalogue.index().search(query, weights, 7, grouped=True).hits
    wanted = catalogue.brute_force(query, weights, 7, grouped=True)
    assert [hit.product_key // group_size for hit in hits] == [group for _, group in wanted]


@WEIGHTS
def test_deleted_and_replaced_products_are_as_if_never_there(rng, weights):
    catalogue = make_catalogue(rng, 3000, images_per_product=2)
    index = catalogue.index()
    gone, changed = np.arange(1, 800), np.arange(800, 1000)
    old = [item for item in catalogue.items if item[1] >= 1000]
    new = [(9000 + k, k, k, rng.normal(size=D).astype(np.float32)) for k in changed.tolist()]
    index.replace(np.r_[gone, changed], catalogue.columns(new), sequence=2)
    catalogue.items = old + new
    query = rng.normal(size=(1, D)).astype(np.float32)
    result = index.search(query, weights, 30)
    assert index.image_count == len(catalogue.items)
    assert result.sequence == 2
    assert_exact(result, catalogue.brute_force(query, weights, 30), 1e-12)


def test_images_that_come_one_by_one_belong_to_their_product(rng):
    catalogue = make_catalogue(rng, 30, images_per_product=3)
    index = catalogue.index()
    index.replace(np.arange(1, 11), None)
    for item in catalogue.items:
        index.add(catalogue.columns([item]))
    index.replace(np.array([4, 5]), None)
    catalogue.items = [item for item in catalogue.items if item[1] not in (4, 5)]
    query = rng.normal(size=(1, D)).astype(np.float32)
    result = index.search(query, SOME, 10, among=np.array([1, 2, 3, 4, 6]))
    assert index.image_count == 24
    assert_exact(result, catalogue.brute_force(query, SOME, 10, {1, 2, 3, 4, 6}), 1e-12)


def test_a_limit_above_the_count_returns_everything(rng):
    catalogue = make_catalogue(rng, 5)
    query = np.zeros((1, D), np.float32)
    hits = catalogue.index().search(query, ALL, 1000).hits
    assert len(hits) == 5


def test_an_empty_index_has_no_hits():
    catalogue = make_catalogue(np.random.default_rng(1), 0)
    assert catalogue.index().search(np.zeros((1, D), np.float32), ALL, 10).hits == []


def test_a_filter_that_keeps_nothing_has_no_hits(rng):
    index = make_catalogue(rng, 50).index()
    empty = np.empty(0, np.int64)
    assert index.search(np.zeros((1, D), np.float32), ALL, 10, among=empty).hits == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 400),
    images=st.integers(1, 3),
    log_scale=st.integers(-6, 4),
    offset=st.sampled_from([0.0, 3.0, -1e4]),
    weights=st.dictionaries(
        st.sampled_from(sorted(ALL)), st.floats(1e-3, 1e3), min_size=1, max_size=5
    ),
    limit=st.integers(1, 60),
    grouped=st.booleans(),
    share=st.sampled_from([None, 0.05, 0.5]),
)
def test_any_search_equals_brute_force(
    seed, count, images, log_scale, offset, weights, limit, grouped, share
):
    rng = np.random.default_rng(seed)
    scale = 10.0**log_scale
    catalogue = make_catalogue(rng, count, images, scale, offset)
    among = None if share is None else np.flatnonzero(rng.random(count + 1) < share)
    queries = (rng.normal(size=(2, D)) * scale + offset).astype(np.float32)
    result = catalogue.index().search(queries, weights, limit, among=among, grouped=grouped)
    keys = None if among is None else set(among)
    wanted = catalogue.brute_force(queries, weights, limit, keys, grouped=grouped)
    found = [hit.distance2 for hit in result.hits]
    np.testing.assert_allclose(found, [distance for distance, _ in wanted], rtol=1e-6)
