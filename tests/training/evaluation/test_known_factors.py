import numpy as np
import pytest

from stylefacet_training.data.garments import COLLARS, FACTORS, PATTERNS, sample_factors
from stylefacet_training.evaluation.known_factors import (
    JUDGED,
    factor_names,
    judge_known_factors,
    visible,
)
from stylefacet_training.terminal import Terminal

SPECS = {spec.name: spec for spec in FACTORS}


@pytest.fixture(scope="module")
def measured(tiny_bundle):
    return judge_known_factors(tiny_bundle, 200, seed=0, draw_count=2, terminal=Terminal())


def test_every_judged_factor_is_drawn_by_the_renderer():
    assert set(JUDGED) <= set(SPECS)


def test_numbers_are_named_by_equally_frequent_ranges():
    values = np.random.default_rng(0).random(1000) ** 3

    names, counts = np.unique(factor_names(values, SPECS["value"]), return_counts=True)

    assert len(names) == 10
    assert counts.min() >= 99


def test_categories_keep_their_names():
    assert factor_names(np.array([0.0, 7.0]), SPECS["collar"]).tolist() == [COLLARS[0], COLLARS[7]]


def test_a_plain_or_grey_cloth_is_not_asked_for_what_it_does_not_show():
    factors = sample_factors(300, np.random.default_rng(1))

    patterned, coloured = visible("pattern_scale", factors), visible("hue", factors)

    assert not patterned[factors.pattern == PATTERNS.index("plain")].any()
    assert not coloured[factors.saturation == factors.saturation.min()].any()
    assert visible("collar", factors).all()


def test_an_encoder_of_mean_colours_carries_value_and_no_collar(measured):
    value, collar = measured.retrieval["value"], measured.retrieval["collar"]

    assert value.named_all > 0.1
    assert collar.named_all < collar.chance + 0.15


def test_separation_is_measured_by_dimension_and_by_block(measured):
    assert set(measured.active_by_block) == {"collar", "sleeve", "body"}
    assert measured.by_block is not None
    assert set(measured.by_block.disentanglement_by_unit) == {"collar", "sleeve", "body"}
    assert set(measured.by_dimension.mig_by_factor) == set(JUDGED)
    # Mean colours hold no factor of their own in any block.
    assert 0.0 <= measured.by_block.disentanglement < 0.5
