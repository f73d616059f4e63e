import io

import numpy as np
from PIL import Image

from stylefacet_training.lab.pictures import MAP_PX, scatter
from stylefacet_training.plots import FONT_PX


def dots(png: bytes) -> np.ndarray:
    """Returns the rows and columns of the map's coloured pixels, ``(n, 2)``."""
    page = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    colourful = np.ptp(page[2 * FONT_PX :, :MAP_PX], axis=2) > 60
    return np.argwhere(colourful)


def test_a_map_of_one_point_shows_it_in_the_middle():
    png = scatter(np.full((50, 2), 3.0), np.zeros(50, np.int64), ["a"], "one")

    found = dots(png)

    assert np.abs(found - MAP_PX / 2).max() <= 2


def test_points_that_differ_by_rounding_alone_are_drawn_as_one():
    points = 3.0 + 1e-6 * np.random.default_rng(0).standard_normal((50, 2))

    found = dots(scatter(points, np.zeros(50, np.int64), ["a"], "one"))

    assert np.abs(found - MAP_PX / 2).max() <= 2


def test_a_map_fills_its_page_and_its_second_coordinate_rises_upwards():
    points = np.array([[0.0, 0.0], [8.0, 0.5]]).repeat(500, 0)
    classes = np.array([0, 1]).repeat(500)

    found = dots(scatter(points, classes, ["a", "b"], "two"))

    low_left, high_right = found[found[:, 1].argmin()], found[found[:, 1].argmax()]
    assert low_left[0] > 0.9 * MAP_PX
    assert high_right[0] < 0.1 * MAP_PX
    assert high_right[1] - low_left[1] > 0.9 * MAP_PX
