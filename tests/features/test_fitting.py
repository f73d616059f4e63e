"""The fit of named features, judged against draws whose truth is known."""

import numpy as np
import pytest

from stylefacet.errors import InvalidField
from stylefacet.features.fitting import FittedFeature, fit_values


def draw(per_value: int, shift: float, d: int = 48, seed: int = 0):
    """Returns unit normal vectors whose first three dimensions are moved by the value."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), per_value)
    means = rng.normal(size=(len(labels), d))
    means[np.arange(len(labels)), labels] += shift
    return means.astype(np.float32), [f"value_{label}" for label in labels]


def covariance(means):
    return np.cov(means.astype(np.float64), rowvar=False)


def precision_at_10(points, values):
    apart = np.square(points[:, None] - points[None]).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argsort(apart, axis=1)[:, :10]
    return (values[nearest] == values[:, None]).mean()


def test_values_far_apart_are_told_apart_on_unseen_vectors():
    means, values = draw(20, shift=4.0)
    unseen, truth = draw(200, shift=4.0, seed=1)

    fitted = fit_values(means, values, covariance(means))

    predicted = [fitted.values[i] for i in fitted.probabilities(unseen).argmax(axis=1)]
    assert np.mean([a == b for a, b in zip(predicted, truth, strict=True)]) > 0.95
    assert fitted.quality.carried


def test_values_that_differ_in_nothing_are_not_carried():
    verdicts = []
    for seed in range(5):
        means, values = draw(20, shift=0.0, seed=seed)
        verdicts.append(fit_values(means, values, covariance(means)).quality.carried)

    assert verdicts == [False] * 5


def test_twenty_examples_leave_dimensions_without_signal_out_of_the_map():
    means, values = draw(20, shift=3.0, d=96)

    fitted = fit_values(means, values, covariance(means))

    strength = np.square(fitted.projection.matrix).sum(axis=0)
    assert strength[:3].sum() > 0.8 * strength.sum()


def test_beside_three_examples_a_value_the_latent_dimensions_find_more_than_the_fit_alone():
    means, values = draw(3, shift=3.0)
    unseen, truth = draw(200, shift=3.0, seed=1)

    fitted = fit_values(means, values, covariance(means))

    coordinates = fitted.projection.coordinates(unseen)
    alone = coordinates[:, : fitted.discriminant_count]
    assert precision_at_10(coordinates, np.array(truth)) > precision_at_10(alone, np.array(truth))


def test_two_items_of_the_population_are_one_apart_in_mean_square():
    means, values = draw(100, shift=3.0)

    fitted = fit_values(means, values, covariance(means))

    coordinates = fitted.projection.coordinates(means)
    assert 2 * coordinates.var(axis=0, ddof=1).sum() == pytest.approx(1.0, rel=1e-4)


def test_a_hundred_idle_dimensions_change_no_distance():
    # Beyond the number of examples the fit works in their span; idle dimensions must not matter.
    means, values = draw(10, shift=3.0, d=8)
    wide = np.concatenate([means, np.zeros((len(means), 100), np.float32)], axis=1)

    fits = [fit_values(vectors, values, covariance(vectors)) for vectors in (means, wide)]

    narrow, broad = (fit.probabilities(v) for fit, v in zip(fits, (means, wide), strict=True))
    assert (narrow.argmax(axis=1) == broad.argmax(axis=1)).mean() > 0.9


def test_probabilities_are_calibrated_within_a_tenth():
    means, values = draw(60, shift=1.5, seed=3)
    unseen, truth = draw(2000, shift=1.5, seed=4)

    fitted = fit_values(means, values, covariance(means))

    probabilities = fitted.probabilities(unseen)
    right = np.array([fitted.values[i] for i in probabilities.argmax(axis=1)]) == np.array(truth)
    assert probabilities.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.1)


def test_a_fit_survives_its_own_json():
    means, values = draw(20, shift=3.0)
    fitted = fit_values(means, values, covariance(means))

    again = FittedFeature.from_model(fitted.projection, fitted.to_model())

    np.testing.assert_allclose(again.probabilities(means), fitted.probabilities(means))
    assert again.quality == fitted.quality


def test_one_value_alone_is_refused():
    means, _ = draw(20, shift=3.0)

    with pytest.raises(InvalidField, match="two values"):
        fit_values(means, ["same"] * len(means), covariance(means))
