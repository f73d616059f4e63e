import numpy as np
import pytest

from stylefacet_training.metrics.factor_vae import factor_vae_score, factor_vae_score_of_codes


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_an_identity_code_scores_one(specs, rng):
    assert factor_vae_score(lambda values: values, specs, rng, votes=100).score == 1


def test_a_constant_code_scores_zero(specs, rng):
    result = factor_vae_score(lambda values: np.zeros((len(values), 3)), specs, rng, votes=20)
    assert result.score == 0


def test_noise_scores_near_chance(specs, rng):
    def observe(values):
        return rng.standard_normal((len(values), 3))

    # Majority votes over three factors cannot help beating 1/3 by a little.
    assert factor_vae_score(observe, specs, rng, votes=200).score < 0.5


def test_a_duplicated_code_still_scores_one(duplicated, factors, specs, rng):
    assert factor_vae_score_of_codes(duplicated, factors, specs, rng, votes=60).score > 0.95


def test_codes_at_hand_score_as_fresh_ones(identity, factors, specs, rng):
    assert factor_vae_score_of_codes(identity, factors, specs, rng, votes=60).score > 0.95


def test_two_factors_in_one_dimension_are_not_told_apart(identity, factors, specs, rng):
    codes = np.stack([identity[:, 0] + identity[:, 2], identity[:, 1]], axis=1)
    # One dimension names the category, the other one of the two numbers.
    assert factor_vae_score_of_codes(codes, factors, specs, rng, votes=150).score < 0.8


def test_a_collapsed_dimension_takes_no_part(identity, factors, specs, rng):
    codes = np.concatenate([np.full((len(identity), 1), 1e-9), identity], axis=1)
    result = factor_vae_score_of_codes(codes, factors, specs, rng, votes=60)
    assert result.votes[0].sum() == 0
    assert result.score > 0.95


def test_blocks_vote_as_one(hue_code, hue, circle, specs, identity, factors, rng):
    codes = np.concatenate([hue_code[:, :2], identity[:, :1]], axis=1)
    truth = np.concatenate([hue, factors[:, :1]], axis=1)
    blocks = {"colour": (0, 2), "shape": (2, 3)}
    result = factor_vae_score_of_codes(codes, truth, [circle, specs[0]], rng, blocks, votes=60)
    assert result.score > 0.95
