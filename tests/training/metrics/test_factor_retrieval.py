import numpy as np
import pytest

from stylefacet_training.metrics.factor_retrieval import (
    named_retrieval,
    nearest_items,
    whole_retrieval,
)


def by_factor(codes: np.ndarray) -> dict[str, np.ndarray]:
    return {"length": codes[:, :1], "collar": codes[:, 1:2], "width": codes[:, 2:3]}


def test_an_identity_code_scores_near_one(identity, factors, specs):
    results = named_retrieval(by_factor(identity), factors, specs)
    assert min(result.score for result in results.values()) > 0.95


def test_noise_scores_at_chance(noise, factors, specs):
    results = named_retrieval(by_factor(noise), factors, specs)
    assert all(abs(result.score - result.chance) < 0.06 for result in results.values())


def test_a_constant_code_scores_at_chance(constant, factors, specs):
    results = named_retrieval(by_factor(constant), factors, specs)
    # The ten first stored items answer every query: a sample of ten, so a wide tolerance.
    assert all(abs(result.score - result.chance) < 0.3 for result in results.values())


def test_a_circle_is_near_across_its_seam(hue_code, hue, circle):
    results = named_retrieval({"hue": hue_code[:, :2]}, hue, [circle])
    assert results["hue"].score > 0.95


def test_the_value_of_a_circle_as_a_number_is_not_near_across_its_seam(hue, circle):
    nearly = named_retrieval({"hue": (hue + 0.5) % 1}, hue, [circle])["hue"].score
    assert nearly > 0.9


def test_a_duplicated_code_retrieves_as_the_code_does(identity, duplicated, factors, specs):
    once = whole_retrieval(identity, factors, specs)
    twice = whole_retrieval(duplicated, factors, specs)
    assert once == twice


def test_chance_of_a_category_is_the_share_of_equal_pairs(identity, factors, specs):
    result = named_retrieval({"collar": identity[:, 1:2]}, factors, specs)["collar"]
    counts = np.unique(factors[:, 1], return_counts=True)[1]
    assert result.chance == pytest.approx((counts * (counts - 1)).sum() / (600 * 599))


def test_nearest_items_equal_a_sorted_distance_matrix(noise):
    apart = np.linalg.norm(noise[:, None] - noise[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert np.array_equal(nearest_items(noise, 7), np.argsort(apart, axis=1)[:, :7])


def test_an_unknown_factor_is_rejected(identity, factors, specs):
    with pytest.raises(ValueError, match="no such factor: cuff"):
        named_retrieval({"cuff": identity}, factors, specs)


def test_too_few_items_are_rejected(specs, factors, identity):
    with pytest.raises(ValueError, match="more than 10"):
        whole_retrieval(identity[:5], factors[:5], specs)
