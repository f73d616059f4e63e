import numpy as np
import pytest

from stylefacet.errors import InvalidField
from stylefacet_training.evaluation.robustness import auroc, measure_robustness
from stylefacet_training.terminal import Terminal


@pytest.fixture(scope="module")
def measured(tiny_bundle, judged_garments):
    return measure_robustness(
        tiny_bundle,
        str(judged_garments),
        [f"{judged_garments}:labels.collar=hood"],
        limit=40,
        seed=0,
        terminal=Terminal(),
    )


def test_an_unchanged_photo_hardly_moves_and_is_found(measured):
    figure = measured.alterations["unchanged"]

    # Reading the JPEG by its reduced decode and in full differs by a grey level or two.
    assert figure.movement["whole"].p90 < 0.05
    assert figure.found_share == 1.0


def test_another_background_moves_mean_colours_far(measured):
    moved = {name: f.movement["whole"].median for name, f in measured.alterations.items()}

    assert moved["on grey"] > 0.3
    assert moved["JPEG quality 30"] < 0.1
    assert moved["unchanged"] == min(moved.values())


def test_a_mark_on_the_collar_moves_the_block_above_alone(measured):
    movement = measured.alterations["shop logo"].movement

    assert set(movement) == {"whole", "collar", "sleeve", "body"}
    assert movement["collar"].median > 3 * movement["body"].median


def test_novelty_is_judged_against_every_other_set_and_noise(measured):
    assert list(measured.novelty)[-1] == "noise"
    assert len(measured.novelty) == 2
    assert all(0.0 <= figure.auroc <= 1.0 for figure in measured.novelty.values())


def test_the_area_under_the_curve_counts_pairs():
    rng = np.random.default_rng(0)
    known, other = rng.integers(0, 6, size=40) / 6, rng.integers(2, 9, size=30) / 6

    pairs = np.mean([[(o > k) + 0.5 * (o == k) for k in known] for o in other])
    assert auroc(known, other) == pytest.approx(pairs)
    assert auroc(known, known) == pytest.approx(0.5)


def test_a_single_photo_has_no_distance_to_compare_with(tiny_bundle, judged_garments):
    with pytest.raises(InvalidField, match="two photos"):
        measure_robustness(
            tiny_bundle, str(judged_garments), [], limit=1, seed=0, terminal=Terminal()
        )
