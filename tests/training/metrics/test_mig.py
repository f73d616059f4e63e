import numpy as np
import pytest

from stylefacet_training.metrics.mig import block_mig, mig

EACH = {"one": (0, 1), "two": (1, 2), "three": (2, 3)}


def test_an_identity_code_scores_near_one(identity, factors, specs):
    assert mig(identity, factors, specs).score > 0.85


def test_a_constant_code_scores_zero(constant, factors, specs):
    assert mig(constant, factors, specs).score == 0


def test_a_duplicated_code_scores_zero(duplicated, factors, specs):
    assert mig(duplicated, factors, specs).score == pytest.approx(0, abs=1e-12)


def test_noise_scores_near_zero(noise, factors, specs):
    assert mig(noise, factors, specs).score < 0.1


def test_information_never_exceeds_entropy(identity, factors, specs):
    result = mig(identity, factors, specs)
    assert (result.information <= result.entropy + 1e-9).all()


def test_blocks_of_an_identity_code_score_near_one(identity, factors, specs):
    assert block_mig(identity, factors, specs, EACH).score > 0.75


def test_a_circle_in_one_block_scores_by_block_and_not_by_dimension(hue_code, hue, circle):
    blocks = {"colour": (0, 2), "rest": (2, 3)}
    by_block = block_mig(hue_code, hue, [circle], blocks).score
    assert by_block > 0.8
    assert mig(hue_code, hue, [circle]).score < 0.2


def test_a_constant_block_tells_nothing(constant, factors, specs):
    assert block_mig(constant, factors, specs, EACH).score == pytest.approx(0, abs=1e-12)


def test_values_that_are_not_finite_are_rejected(identity, factors, specs):
    with pytest.raises(ValueError, match="finite"):
        mig(np.where(identity > 1, np.nan, identity), factors, specs)
