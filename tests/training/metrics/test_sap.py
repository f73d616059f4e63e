import numpy as np
import pytest

from stylefacet_training.metrics.sap import sap


def test_an_identity_code_scores_near_one(identity, factors, specs):
    assert sap(identity, factors, specs).score > 0.9


def test_a_constant_code_scores_zero(constant, factors, specs):
    assert sap(constant, factors, specs).score == 0


def test_a_duplicated_code_scores_zero(duplicated, factors, specs):
    assert sap(duplicated, factors, specs).score == pytest.approx(0, abs=1e-9)


def test_noise_scores_near_zero(noise, factors, specs):
    assert sap(noise, factors, specs).score < 0.1


def test_a_circle_in_one_block_scores_by_block(hue_code, hue, circle):
    blocks = {"colour": (0, 2), "rest": (2, 3)}
    assert sap(hue_code, hue, [circle], blocks).score > 0.95
    assert sap(hue_code, hue, [circle]).score < 0.2


def test_categories_split_over_a_block_are_predicted_by_block(identity, factors, specs):
    one_hot = (factors[:, 1:2] == [0, 1, 2, 3]).astype(float)
    blocks = {"collar": (0, 4), "rest": (4, 7)}
    codes = np.concatenate([one_hot, identity * 0], axis=1)
    assert sap(codes, factors, specs, blocks).by_factor["collar"] > 0.95
