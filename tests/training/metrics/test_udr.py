import numpy as np
import pytest

from stylefacet_training.metrics.udr import udr


def permuted(code: np.ndarray) -> np.ndarray:
    """The same code with dimensions swapped, flipped and stretched."""
    return code[:, [2, 0, 1]] * [-1.0, 3.0, 0.5]


def test_models_that_agree_but_for_order_and_sign_score_near_one(identity):
    result = udr([identity, permuted(identity), identity])
    # Independent factors of 600 items still correlate by about 0.04.
    assert (result.scores > 0.85).all()


def test_exact_one_to_one_dimensions_score_one():
    code = np.eye(4)[np.tile(np.arange(4), 25)][:, :1]
    assert udr([code, code]).scores == pytest.approx(1)


def test_a_mixed_model_ranks_last(identity, mixed):
    result = udr([identity, permuted(identity), mixed])
    assert result.scores.argmin() == 2
    assert result.best in (0, 1)


def test_unrelated_models_score_low(noise):
    other = np.random.default_rng(9).standard_normal(noise.shape)
    assert (udr([noise, other]).scores < 0.1).all()


def test_constant_models_score_zero(constant):
    assert udr([constant, constant]).scores.tolist() == [0, 0]


def test_duplicated_dimensions_are_punished(identity, duplicated):
    assert udr([duplicated, duplicated]).scores[0] < 0.6 * udr([identity, identity]).scores[0]


def test_dimensions_said_to_be_uninformative_take_no_part(identity, noise):
    padded = np.concatenate([identity, noise], axis=1)
    told = [np.arange(6) < 3] * 2
    assert udr([padded, padded], told).scores[0] == udr([identity, identity]).scores[0]


def test_one_model_alone_is_rejected(identity):
    with pytest.raises(ValueError, match="at least two"):
        udr([identity])
