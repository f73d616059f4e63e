import numpy as np
import pytest

from stylefacet_training.sampling import (
    TripletPlan,
    interpolated,
    random_codes,
    systematic,
    triplet_codes,
)


def test_interpolation_begins_at_one_code_and_ends_at_the_other():
    one, other = np.array([0.0, 2.0], np.float32), np.array([4.0, 0.0], np.float32)

    found = interpolated(one, other, 5)

    assert found.tolist() == [[0, 2], [1, 1.5], [2, 1], [3, 0.5], [4, 0]]


def test_a_systematic_grid_is_read_like_a_page():
    found = systematic((0, 0), (1, 2), 3)

    assert found[:4].tolist() == [[0, 2], [0.5, 2], [1, 2], [0, 1]]
    assert found[-1].tolist() == [1, 0]


def test_random_codes_have_the_moments_of_the_prior():
    codes = random_codes(20_000, 2, np.random.default_rng(0))

    assert np.abs(codes.mean(axis=0)).max() < 0.03
    assert np.abs(codes.std(axis=0) - 1).max() < 0.03


@pytest.fixture
def anchors() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(400, 10)).astype(np.float32)
    logvar = rng.normal(-2, 1, size=(400, 10)).astype(np.float32)
    return mean, logvar, mean.mean(axis=0)


def test_positive_and_negative_lie_at_the_radii_of_algorithm_3(anchors):
    mean, logvar, middle = anchors

    codes = triplet_codes(mean, logvar, middle, TripletPlan(), np.random.default_rng(0))

    near = np.abs(codes.positive - codes.anchor) / np.abs(logvar)
    far = np.abs(codes.negative - codes.anchor) / np.abs(logvar)
    assert near == pytest.approx(np.full_like(near, 0.15), abs=1e-3)
    assert far == pytest.approx(np.full_like(far, 0.30), abs=1e-3)


def test_moves_go_towards_the_mean_as_often_as_asked(anchors):
    mean, logvar, middle = anchors

    codes = triplet_codes(mean, logvar, middle, TripletPlan(), np.random.default_rng(0))

    toward = np.sign(middle - mean)
    assert (np.sign(codes.positive - mean) == toward).mean() == pytest.approx(0.95, abs=0.02)
    assert (np.sign(codes.negative - mean) == toward).mean() == pytest.approx(0.85, abs=0.02)


def test_random_distances_make_different_triplets_of_one_anchor(anchors):
    mean, logvar, middle = anchors
    plan = TripletPlan(positive_toward_mean=1.0, random_distance=True)

    one = triplet_codes(mean, logvar, middle, plan, np.random.default_rng(1)).positive
    other = triplet_codes(mean, logvar, middle, plan, np.random.default_rng(2)).positive

    assert not np.allclose(one, other)
    assert (np.abs(one - mean) <= 0.15 * np.abs(logvar) + 1e-5).all()
