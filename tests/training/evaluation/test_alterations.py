import io

import numpy as np
import pytest
from PIL import Image

from stylefacet_training.evaluation.alterations import (
    ALTERATIONS,
    GREY,
    background_mask,
    corner,
    grey_background,
    mirror,
    rotation,
)

WALL, CLOTH = (240, 238, 236), (30, 60, 120)


@pytest.fixture
def photo() -> Image.Image:
    """A garment of one colour with a hole of the wall's colour, off the middle."""
    pixels = np.full((120, 90, 3), WALL, np.uint8)
    pixels[30:100, 20:60] = CLOTH
    pixels[50:60, 30:40] = WALL
    return Image.fromarray(pixels)


def decode(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def cloth_of(pixels):
    return np.abs(pixels.astype(int) - CLOTH).max(axis=2) < 40


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_photo_keeps_its_size_and_shows_the_garment(photo, name):
    altered = ALTERATIONS[name](photo)

    assert altered is not None
    pixels = decode(altered)
    assert pixels.shape == (120, 90, 3)
    assert cloth_of(pixels).any()


def test_only_the_first_alteration_changes_nothing(photo):
    same = [np.array_equal(decode(alter(photo)), photo) for alter in ALTERATIONS.values()]

    assert same == [True] + [False] * (len(same) - 1)


def test_the_garment_goes_to_the_corner_at_half_its_size(photo):
    before, after = cloth_of(np.asarray(photo)), cloth_of(decode(corner(photo)))

    assert after.sum() == pytest.approx(before.sum() / 4, rel=0.05)
    assert not after[:60].any()
    assert not after[:, :45].any()


def test_a_turned_garment_keeps_its_area_and_meets_no_edge(photo):
    pixels = decode(rotation(photo))

    assert cloth_of(pixels).sum() == pytest.approx(cloth_of(np.asarray(photo)).sum(), rel=0.03)
    assert np.abs(pixels[0].astype(int) - WALL).max() <= 1


def test_background_is_what_hangs_together_with_the_border(photo):
    mask = background_mask(np.asarray(photo))

    assert mask[:30].all()
    assert not mask[50:60, 30:40].any()
    assert mask.sum() == 120 * 90 - 70 * 40


def test_a_winding_background_is_followed_to_its_end():
    pixels = np.full((40, 40, 3), CLOTH, np.uint8)
    pixels[:, :2], pixels[:2], pixels[:, -2:], pixels[-2:] = WALL, WALL, WALL, WALL
    pixels[5, 2:30] = WALL
    pixels[5:25, 30] = WALL
    pixels[25, 10:31] = WALL
    pixels[15:26, 10] = WALL

    assert background_mask(pixels)[15, 10]


def test_the_wall_becomes_grey_and_the_garment_stays(photo):
    pixels = decode(grey_background(photo))

    assert pixels[5, 5].tolist() == list(GREY)
    assert pixels[80, 40].tolist() == list(CLOTH)


def test_a_garment_as_white_as_the_wall_is_left_out():
    pixels = np.full((120, 90, 3), WALL, np.uint8)
    pixels[30:100, 20:60] = np.array(WALL) - 5

    assert grey_background(Image.fromarray(pixels)) is None


def test_mirroring_twice_gives_the_photo_back(photo):
    once = Image.fromarray(decode(mirror(photo)))

    assert np.array_equal(decode(mirror(once)), photo)
