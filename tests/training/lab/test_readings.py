"""What the laboratory measures, against cases whose answer is known."""

import numpy as np
import pytest

from stylefacet_training.lab.meanings import (
    correlations,
    described,
    meaning_figures,
    meanings,
)
from stylefacet_training.lab.measures import neighbour_accuracy, sharpness


def test_a_latent_that_follows_a_factor_is_named_after_it():
    factors = np.random.default_rng(0).random((500, 3))
    mean = np.stack([np.exp(3 * factors[:, 1]), np.zeros(500)], 1).astype(np.float32)

    table = correlations(mean, factors)

    assert table[0].argmax() == 1
    assert table[0, 1] == pytest.approx(1.0)
    assert table[1].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ([0.9, 0.0, 0.3], "S + (V)"),
        ([0.1, 0.6, 0.7], "V + H"),
        ([0.1, 0.1, 0.1], "N"),
        ([0.0, 0.0, 0.0], "-"),
    ],
)
def test_a_latent_is_written_as_in_table_5_5(row, text):
    assert described(row, "SHV") == text


def test_meanings_are_read_back_from_figures():
    table = np.array([[0.9, 0.1, 0.3, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.7, 0.0]])
    names = [f"{c} {f}" for c in ("red", "green") for f in ("scale", "horizontal", "vertical")]

    found = dict(meanings({"elbo": 3.0, **meaning_figures(table, names)}))

    assert found == {"z1": "rS + (rV)", "z2": "gH"}


def test_neighbours_find_two_heaps_and_nothing_in_noise():
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1], 200)
    heaps = rng.normal(classes[:, None] * 10.0, 1.0, (400, 2)).astype(np.float32)
    noise = rng.normal(size=(400, 2)).astype(np.float32)

    assert neighbour_accuracy(heaps, classes) == 1.0
    assert neighbour_accuracy(noise, classes) == pytest.approx(0.5, abs=0.1)


def test_a_blurred_picture_is_less_sharp():
    stripes = np.tile(np.array([0, 0, 255, 255], np.uint8), (1, 8, 2))[..., None]
    blurred = np.tile(np.array([60, 90, 170, 200], np.uint8), (1, 8, 2))[..., None]

    assert sharpness(blurred) < sharpness(stripes)
