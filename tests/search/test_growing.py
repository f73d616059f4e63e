"""Arrays that grow keep what they hold, and are not copied for every addition."""

import numpy as np
import pytest

from stylefacet.search.growing import GrowingArray


@pytest.mark.parametrize("axis", [0, 1])
def test_values_stay_in_order(axis):
    array = GrowingArray(np.int64, (0, 3) if axis == 0 else (3, 0), axis)
    added = [np.full((k, 3) if axis == 0 else (3, k), k) for k in (1, 5, 0, 200, 2)]
    for values in added:
        array.extend(values)
    array.reserve(300)
    array.extend(added[0])
    assert (array.values == np.concatenate([*added, added[0]], axis)).all()


def test_additions_after_a_reserved_length_move_nothing():
    array = GrowingArray(np.float32, (4, 0), axis=1)
    array.reserve(1000)
    place = array.values.ctypes.data
    array.extend(np.ones((4, 1000), np.float32))
    array.extend(np.ones((4, 200), np.float32))
    assert array.values.ctypes.data == place


def test_additions_one_by_one_are_seldom_moved():
    array = GrowingArray(np.int64)
    places = set()
    for number in range(5000):
        array.extend(np.array([number]))
        places.add(array.values.ctypes.data)
    assert len(places) < 20
    assert array.values.tolist() == list(range(5000))
