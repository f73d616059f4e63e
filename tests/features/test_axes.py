import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylefacet.errors import InvalidField
from stylefacet.features.axes import find_axis, least_move
from stylefacet.features.fitting import FitQuality, FittedFeature
from stylefacet.features.projection import Projection


def fitted(values: tuple[str, ...], centres: np.ndarray) -> FittedFeature:
    quality = FitQuality(1.0, 0.5, 1.0, 0.5, True, 10)
    projection = Projection(np.eye(centres.shape[1], 4, dtype=np.float32), 1.0)
    return FittedFeature(projection, values, centres, 1.0, quality)


@given(seed=st.integers(0, 10_000), counts=st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_move_is_the_least_squares_one(seed: int, counts: list[int]):
    rng = np.random.default_rng(seed)
    maps = [rng.normal(size=(k, 12)) for k in counts]
    wishes = [rng.normal(size=k) for k in counts]

    move = least_move(maps, wishes)

    expected = np.linalg.lstsq(np.vstack(maps), np.concatenate(wishes), rcond=None)[0]
    assert move is not None
    np.testing.assert_allclose(move, expected, rtol=1e-6, atol=1e-8)


def test_wishes_that_agree_about_one_direction_are_met():
    row = np.array([[0.0, 2.0, 0.0]])

    move = least_move([row, 2 * row], [np.ones(1), 2 * np.ones(1)])

    assert move is not None
    np.testing.assert_allclose(move, [0.0, 0.5, 0.0], atol=1e-12)


def test_wishes_that_contradict_have_no_move():
    row = np.array([[0.0, 2.0, 0.0]])

    assert least_move([row, row], [np.ones(1), -np.ones(1)]) is None


def test_axis_leads_through_the_centres_in_order():
    centres = np.array([[0.0, 0.0], [5.0, 1.0], [2.0, 1.0]])
    feature = fitted(("a", "b", "c"), centres)

    axis = find_axis(2, feature, ("b", "c", "a"))

    # The slope over ranks 0, 1, 2 is half the way from the first to the last.
    expected = (centres[0] - centres[1]) / np.linalg.norm(centres[0] - centres[1])
    assert axis is not None
    np.testing.assert_allclose(axis.direction, expected)
    assert (axis.low, axis.high) == ("b", "a")


def test_numbers_are_weighed_as_numbers():
    centres = np.array([[10.0, 0.0], [0.0, 1.0], [1.0, 5.0]])
    feature = fitted(("100", "0", "10"), centres)

    axis = find_axis(2, feature)

    numbers = np.array([100.0, 0.0, 10.0])
    slopes = [np.polyfit(numbers, centres[:, column], 1)[0] for column in range(2)]
    assert axis is not None
    np.testing.assert_allclose(axis.direction, np.array(slopes) / np.linalg.norm(slopes))
    assert (axis.low, axis.high) == ("0", "100")


def test_values_without_an_order_have_no_axis():
    assert find_axis(2, fitted(("a", "b", "c"), np.eye(3, 2))) is None
    assert find_axis(2, fitted(("1", "2", "nan"), np.eye(3, 2))) is None
    assert find_axis(3, None) is None


def test_values_at_one_place_have_no_axis():
    with pytest.raises(InvalidField, match="behind the other"):
        find_axis(2, fitted(("a", "b"), np.ones((2, 2))))
