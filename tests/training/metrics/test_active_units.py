import numpy as np
import pytest

from stylefacet_training.metrics.active_units import active_units


def test_all_dimensions_of_an_identity_code_are_active(identity):
    assert active_units(identity).count == 3


def test_no_dimension_of_a_constant_code_is_active(constant):
    assert active_units(constant).count == 0


def test_duplicated_dimensions_all_count(duplicated):
    assert active_units(duplicated).count == 6


def test_the_threshold_is_a_variance():
    code = np.array([[0.0, 0.0], [0.18, 0.22]])
    assert active_units(code).active.tolist() == [False, True]


def test_blocks_count_their_own_dimensions(identity, constant):
    codes = np.concatenate([identity, constant], axis=1)
    counts = active_units(codes).by_block({"living": (0, 3), "dead": (3, 6), "both": (2, 4)})
    assert counts == {"living": 3, "dead": 0, "both": 1}


def test_one_item_is_rejected():
    with pytest.raises(ValueError, match="at least two"):
        active_units(np.zeros((1, 3)))
