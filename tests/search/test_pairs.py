"""All pairs within distances: the same as brute force finds, whatever the blocks."""

import numpy as np
import pytest

from stylefacet.errors import InvalidField
from stylefacet.search import pairs as pairs_module
from stylefacet.search.index import SimilarityIndex
from stylefacet.search.pairs import PairFinder, Snapshot, usual_distances
from stylefacet.search.rows import Items

D = 6


def make_snapshot(rng: np.random.Generator, product_count: int, images: int = 1) -> Snapshot:
    """Returns products in clumps, far from the origin, with up to some images each."""
    product_keys = np.repeat(np.arange(product_count), rng.integers(1, images + 1, product_count))
    clumps = 40 + rng.normal(0, 1, (product_count // 4 + 1, D))
    means = clumps[product_keys // 4] + rng.normal(0, 0.15, (len(product_keys), D))
    order = rng.permutation(len(product_keys))
    items = Items(
        np.arange(len(product_keys)) + 1000,
        product_keys[order],
        product_keys[order] // 8,
        means[order].astype(np.float32),
    )
    eye = np.eye(D, dtype=np.float32)
    mixed = rng.normal(0, 0.6, (3, D)).astype(np.float32)
    return Snapshot(items, {"top": eye[:2], "low": eye[2:5] * 0.5, "mixed": mixed}, 7)


def distance_table(snapshot: Snapshot, feature: str) -> np.ndarray:
    """Returns the distance of every two images in a feature, in float64."""
    means = snapshot.items.means.astype(np.float64)
    coordinates = means @ snapshot.matrices[feature].astype(np.float64).T
    return np.asarray(np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2))


def brute_force(snapshot, alike, different) -> dict[tuple[int, int], float]:
    """Returns each pair of products and the mean of its squared distances."""
    near = [distance_table(snapshot, name) for name in alike]
    fits = np.all([t <= limit for t, limit in zip(near, alike.values(), strict=True)], axis=0)
    means = np.mean(np.square(near), axis=0)
    far = {name: distance_table(snapshot, name) for name in different}
    products = snapshot.items.product_keys
    found: dict[tuple[int, int], float] = {}
    for i, j in zip(*np.nonzero(np.triu(fits, 1)), strict=True):
        a, b = sorted((int(products[i]), int(products[j])))
        block = np.ix_(products == a, products == b)
        if a != b and all(far[name][block].min() >= d for name, d in different.items()):
            found[a, b] = min(found.get((a, b), np.inf), means[i, j])
    return found


def found_by(snapshot, alike, different=None) -> dict[tuple[int, int], float]:
    finder = PairFinder(snapshot, alike, different or {})
    for _ in finder.scan():
        pass
    pairs = finder.pairs()
    assert (np.diff(pairs.distances2) >= 0).all()
    keys = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return dict(zip(keys, pairs.distances2.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("images", [1, 3])
def test_pairs_are_those_of_brute_force(seed, images, monkeypatch):
    monkeypatch.setattr(pairs_module, "_MAX_BLOCK_ROWS", 17)
    rng = np.random.default_rng(seed)
    snapshot = make_snapshot(rng, 90, images)
    alike, different = {"top": 0.3, "low": 0.25}, {"mixed": 0.2}

    found = found_by(snapshot, alike, different)
    expected = brute_force(snapshot, alike, different)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected)
    assert len(expected) > 10
    assert found_by(snapshot, alike).keys() > found.keys()


def test_equal_images_are_pairs_at_no_distance():
    rng = np.random.default_rng(1)
    snapshot = make_snapshot(rng, 12)
    snapshot.items.means[:] = snapshot.items.means[0]

    assert found_by(snapshot, {"top": 0.0, "mixed": 0.0}) == {
        (a, b): 0.0 for a in range(12) for b in range(a + 1, 12)
    }


def test_images_of_one_product_are_no_pair():
    rng = np.random.default_rng(2)
    snapshot = make_snapshot(rng, 5, 4)
    snapshot.items.product_keys[:] = 3

    assert found_by(snapshot, {"top": 100.0}) == {}


def test_an_empty_catalogue_has_no_pairs():
    empty = make_snapshot(np.random.default_rng(3), 0)

    assert found_by(empty, {"top": 1.0}) == {}


def test_distances_that_take_in_everything_are_refused(monkeypatch):
    monkeypatch.setattr(pairs_module, "MAX_PAIR_COUNT", 1000)
    snapshot = make_snapshot(np.random.default_rng(4), 90)

    with pytest.raises(InvalidField, match="more than 1,000 pairs"):
        found_by(snapshot, {"top": 100.0})


def test_usual_distances_are_those_of_two_products():
    snapshot = make_snapshot(np.random.default_rng(5), 30, 2)
    table = distance_table(snapshot, "low")
    products = snapshot.items.product_keys
    other = np.triu(products[:, None] != products[None], 1)

    assert usual_distances(snapshot, "low") == pytest.approx(table[other])


def test_a_sample_of_usual_distances_is_close_to_all_of_them(monkeypatch):
    snapshot = make_snapshot(np.random.default_rng(6), 250)
    every = np.quantile(usual_distances(snapshot, "top"), [0.1, 0.5])
    monkeypatch.setattr(pairs_module, "_SAMPLE_COUNT", 10_000)

    assert np.quantile(usual_distances(snapshot, "top"), [0.1, 0.5]) == pytest.approx(every, 0.1)


def test_a_snapshot_is_a_copy_of_the_live_images():
    items = make_snapshot(np.random.default_rng(7), 40, 2).items
    index = SimilarityIndex(D)
    index.set_features({"top": np.eye(D, dtype=np.float32)[:2]})
    index.add(items, 5)
    index.replace(np.array([3, 4]), None, 6)
    snapshot = index.snapshot(np.array([2, 3, 9]))
    index.replace(np.array([2]), None, 7)

    assert set(snapshot.items.product_keys) == {2, 9}
    assert snapshot.sequence == 6
    assert set(index.snapshot().items.product_keys) == set(range(40)) - {2, 3, 4}
