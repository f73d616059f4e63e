"""Finding a drawn garment on plain, shaded and padded backgrounds."""

import numpy as np
import pytest
import torch

from stylefacet_training.models.cropping import crop, crop_plane
from stylefacet_training.models.garment import find_garment, neck_box

# Edges count as garment with the 4 pixels at half size around them: 8 px on each side.
BOX = (56 / 256, 200 / 256, 40 / 192, 152 / 192)


def photo(ground: float | np.ndarray = 245.0, colour: tuple[int, int, int] = (40, 80, 160)):
    """Returns ``(1, 256, 192, 3)`` uint8: a rectangle over the middle, with camera noise."""
    pixels = np.broadcast_to(ground, (256, 192)).astype(np.float64)[..., None].repeat(3, axis=2)
    pixels = pixels + np.random.default_rng(0).normal(0, 1.2, pixels.shape)
    pixels[64:192, 48:144] = colour
    return torch.from_numpy(pixels.clip(0, 255).astype(np.uint8))[None]


def test_box_of_a_garment_is_found_with_its_seam():
    box = find_garment(photo()).box[0]

    assert box.tolist() == pytest.approx(BOX, abs=3.5 / 192)


def test_a_background_that_darkens_upwards_is_no_garment():
    shade = np.linspace(205, 240, 256)[:, None]

    assert find_garment(photo(shade)).box[0].tolist() == pytest.approx(BOX, abs=3.5 / 192)


def test_letterbox_padding_is_no_garment():
    pixels = photo()
    pixels[:, :, :20] = 251
    pixels[:, :, -20:] = 251

    assert find_garment(pixels).box[0].tolist() == pytest.approx(BOX, abs=3.5 / 192)


def test_a_photo_without_garment_is_taken_whole():
    pixels = torch.full((1, 256, 192, 3), 240, dtype=torch.uint8)

    assert find_garment(pixels).box[0].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_crop_agrees_with_grid_sample():
    pixels = torch.randint(0, 256, (2, 40, 30, 3), generator=torch.Generator().manual_seed(0))
    box = torch.tensor([[0.1, 0.8, 0.2, 0.9], [-0.1, 0.5, 0.3, 1.1]])
    y = box[:, :1] + (box[:, 1:2] - box[:, :1]) * (torch.arange(16) + 0.5) / 16
    x = box[:, 2:3] + (box[:, 3:4] - box[:, 2:3]) * (torch.arange(12) + 0.5) / 12
    grid = torch.stack(
        [(2 * x - 1)[:, None].expand(2, 16, 12), (2 * y - 1)[:, :, None].expand(2, 16, 12)], dim=3
    )

    planes = pixels.permute(0, 3, 1, 2).to(torch.uint8)
    expected = torch.nn.functional.grid_sample(
        planes.float(), grid, padding_mode="border", align_corners=False
    )

    assert torch.allclose(crop(planes, box, (16, 12)), expected, atol=1e-2)
    plane = crop_plane(planes[:, 0].float(), box, (16, 12))
    assert torch.allclose(plane, expected[:, 0], atol=1e-2)


def test_neck_box_is_a_square_in_pixels_at_the_top_middle():
    top, bottom, left, right = neck_box(torch.tensor([[0.2, 0.9, 0.1, 0.9]]), 0.75)[0].tolist()

    assert (bottom - top) * 256 == pytest.approx((right - left) * 192)
    assert (left + right) / 2 == pytest.approx(0.5)
    assert top < 0.2 < bottom
