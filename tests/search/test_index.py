"""What a hit says, how features come and go, and threads."""

import threading

import numpy as np
import pytest

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet.search.index import SimilarityIndex
from stylefacet.search.rows import Items
from tests.search.brute_force import D, make_catalogue


@pytest.fixture
def catalogue(rng):
    return make_catalogue(rng, 200)


def test_contributions_add_up_to_the_distance(catalogue, rng):
    weights = {"f1": 1.0, "f3": 0.5, "block": 2.0}
    hits = catalogue.index().search(rng.normal(size=(1, D)).astype(np.float32), weights, 20).hits
    for hit in hits:
        total = sum(share.contribution for share in hit.shares)
        assert total == pytest.approx(hit.distance2, rel=1e-12)


def test_a_contribution_is_the_weighted_square_of_the_plain_distance(catalogue, rng):
    weights = {"f1": 1.0, "block": 3.0}
    hit = catalogue.index().search(rng.normal(size=(1, D)).astype(np.float32), weights, 1).hits[0]
    shares = {share.feature: share for share in hit.shares}
    assert shares["block"].contribution == pytest.approx(0.75 * shares["block"].distance ** 2)
    assert shares["f1"].contribution == pytest.approx(0.25 * shares["f1"].distance ** 2)


def test_weights_count_by_their_ratio(catalogue, rng):
    index, query = catalogue.index(), rng.normal(size=(1, D)).astype(np.float32)
    small = index.search(query, {"f1": 1e-300, "f2": 3e-300}, 5).hits
    large = index.search(query, {"f1": 5e307, "f2": 1.5e308}, 5).hits
    assert [hit.product_key for hit in small] == [hit.product_key for hit in large]
    assert small[0].distance2 == pytest.approx(large[0].distance2)


def test_a_zero_weight_leaves_a_feature_out(catalogue, rng):
    index, query = catalogue.index(), rng.normal(size=(1, D)).astype(np.float32)
    assert (
        index.search(query, {"f1": 1.0, "f2": 0.0}, 5).hits
        == index.search(query, {"f1": 2.0}, 5).hits
    )


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -0.5])
def test_a_weight_that_is_no_weight_is_refused(catalogue, weight):
    with pytest.raises(InvalidField, match=r"weights\['f1'\]"):
        catalogue.index().search(np.zeros((1, D), np.float32), {"f1": weight, "f2": 1.0}, 5)


@pytest.mark.parametrize("weights", [{}, {"f1": 0.0}])
def test_no_weight_above_zero_is_refused(catalogue, weights):
    with pytest.raises(InvalidField, match="at least one"):
        catalogue.index().search(np.zeros((1, D), np.float32), weights, 5)


def test_an_unknown_feature_is_named(catalogue):
    with pytest.raises(ResourceMissing, match="'hem'"):
        catalogue.index().search(np.zeros((1, D), np.float32), {"f1": 1.0, "hem": 1.0}, 5)


def test_a_feature_added_later_ranks_what_is_there(catalogue, rng):
    index, query = catalogue.index(), rng.normal(size=(1, D)).astype(np.float32)
    catalogue.matrices["late"] = rng.normal(size=(2, D)).astype(np.float32)
    index.add_feature("late", catalogue.matrices["late"])
    hits = index.search(query, {"late": 1.0, "f1": 1.0}, 5).hits
    wanted = catalogue.brute_force(query, {"late": 1.0, "f1": 1.0}, 5)
    assert [hit.product_key for hit in hits] == [product for _, product in wanted]


def test_a_replaced_feature_ranks_by_its_new_map(catalogue, rng):
    index, query = catalogue.index(), rng.normal(size=(1, D)).astype(np.float32)
    catalogue.matrices["f2"] = rng.normal(size=(1, D)).astype(np.float32)
    index.add_feature("f2", catalogue.matrices["f2"])
    hits = index.search(query, {"f2": 1.0}, 5).hits
    assert [hit.product_key for hit in hits] == [
        product for _, product in catalogue.brute_force(query, {"f2": 1.0}, 5)
    ]


def test_a_removed_feature_is_unknown_and_the_others_stay(catalogue, rng):
    index, query = catalogue.index(), rng.normal(size=(1, D)).astype(np.float32)
    before = index.search(query, {"f1": 1.0, "f3": 1.0}, 5).hits
    index.remove_feature("f2")
    assert index.feature_names == ["block", "f1", "f3", "f8"]
    assert index.search(query, {"f1": 1.0, "f3": 1.0}, 5).hits == before


def test_moments_are_those_of_the_live_vectors(catalogue):
    index = catalogue.index()
    index.replace(np.arange(1, 51), None)
    means = np.stack([mean for _, _, _, mean in catalogue.items[50:]]).astype(np.float64)
    moments = index.moments()
    assert moments.count == 150
    np.testing.assert_allclose(moments.mean, means.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(means.T, bias=True), atol=1e-12)


def test_dead_rows_are_compacted_away(rng):
    catalogue = make_catalogue(rng, 6000)
    index = catalogue.index()
    index.replace(np.arange(1, 3001), None)
    assert index.image_count == 3000
    assert len(index._content.rows) == 3000


def test_searches_see_whole_changes_while_a_writer_works(rng):
    # Every version of a product has two images with one mean: a torn read would show otherwise.
    index = SimilarityIndex(D)
    index.set_features({"all": np.eye(D, dtype=np.float32)})
    products = np.repeat(np.arange(300), 2)
    torn: list[float] = []
    stop = threading.Event()

    def write() -> None:
        for version in range(1, 40):
            means = np.full((600, D), version, np.float32)
            items = Items(np.arange(600), products, products, means)
            index.replace(np.arange(300), items, sequence=version)
        stop.set()

    def read() -> None:
        while not stop.is_set():
            result = index.search(np.zeros((1, D), np.float32), {"all": 1.0}, 300)
            found = {hit.distance2 for hit in result.hits}
            if result.sequence and found != {float(D * result.sequence**2)}:
                torn.append(result.sequence)

    threads = [threading.Thread(target=target) for target in (read, read, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torn == []


def test_sample_is_of_live_vectors_and_names_none_twice(catalogue, rng):
    index = catalogue.index()
    index.replace(np.arange(1, 51), None)
    live = {item[3].astype(np.float32).tobytes() for item in catalogue.items[50:]}

    some, all_of_them = index.sample(40, rng), index.sample(10_000, rng)

    assert some.shape == (40, D)
    assert {vector.tobytes() for vector in some} <= live
    assert {vector.tobytes() for vector in all_of_them} == live
    assert len(all_of_them) == 150
