import pytest

from stylefacet_training.metrics.dci import dci

EACH = {"one": (0, 1), "two": (1, 2), "three": (2, 3)}


def test_an_identity_code_scores_near_one(identity, factors, specs):
    result = dci(identity, factors, specs)
    assert min(result.disentanglement, result.completeness, result.informativeness) > 0.95


def test_a_constant_code_scores_zero(constant, factors, specs):
    result = dci(constant, factors, specs)
    assert (result.disentanglement, result.completeness, result.informativeness) == (0, 0, 0)


def test_a_duplicated_code_is_disentangled_but_not_complete(duplicated, factors, specs):
    result = dci(duplicated, factors, specs)
    assert result.disentanglement > 0.95
    assert result.completeness < 0.75


def test_a_mixed_code_is_informative_but_not_disentangled(mixed, factors, specs):
    result = dci(mixed, factors, specs)
    assert result.informativeness > 0.5
    assert result.disentanglement < 0.5


def test_noise_is_not_informative(noise, factors, specs):
    assert dci(noise, factors, specs).informativeness < 0.05


def test_a_factor_spread_over_one_block_is_complete_by_block(hue_code, hue, circle):
    blocks = {"colour": (0, 2), "rest": (2, 3)}
    assert dci(hue_code, hue, [circle], blocks).completeness > 0.95
    assert dci(hue_code, hue, [circle]).completeness < 0.5


def test_copies_inside_blocks_are_complete_by_block(identity, duplicated, factors, specs):
    by_factor = duplicated[:, [0, 3, 1, 4, 2, 5]]
    blocks = {"length": (0, 2), "collar": (2, 4), "width": (4, 6)}
    assert dci(by_factor, factors, specs, blocks).completeness > 0.95


def test_importances_of_a_factor_sum_to_one(mixed, factors, specs):
    assert dci(mixed, factors, specs, EACH).importance.sum(axis=0) == pytest.approx(1)


def test_a_block_beyond_the_code_is_rejected(identity, factors, specs):
    with pytest.raises(ValueError, match="outside"):
        dci(identity, factors, specs, {"one": (0, 9)})
