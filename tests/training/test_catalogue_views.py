"""What outline and palette see of a photo, and what the decoder draws."""

import torch

from stylefacet_training.models.catalogue import CatalogueVae, lightness, silhouettes
from stylefacet_training.models.picture_decoder import PictureDecoder


def photo(top: int, bottom: int, shade: int) -> torch.Tensor:
    pixels = torch.full((1, 256, 192, 3), 245, dtype=torch.uint8)
    pixels[:, top:bottom, 60:132] = shade
    return pixels


def test_the_outline_sees_how_long_a_garment_is_in_the_photo():
    model = CatalogueVae(24)
    short, long = (model.find(photo(60, bottom, 90)) for bottom in (140, 220))

    # One box is as good as another once it is stretched; the area in the photo is not.
    assert silhouettes(long).sum() > 1.5 * silhouettes(short).sum()


def test_the_palette_sees_how_bright_a_garment_is():
    model = CatalogueVae(24)
    dark, light = (lightness(model.regions(photo(60, 200, shade))) for shade in (40, 160))

    assert torch.allclose(dark, torch.full_like(dark, 40 / 255), atol=0.01)
    assert torch.allclose(light, torch.full_like(light, 160 / 255), atol=0.01)


def test_brightness_runs_from_dark_to_light():
    pixels = photo(60, 200, 40)
    pixels[:, 130:200, 60:132] = 160

    seen = lightness(CatalogueVae(24).regions(pixels))[0]

    assert (seen.diff() >= 0).all()
    assert seen[-1] - seen[0] > 0.3


def test_the_decoded_neck_is_a_part_of_the_decoded_garment():
    torch.manual_seed(0)
    decoder = PictureDecoder(8, (256, 192))
    z = torch.randn(2, 8)

    garment, _ = decoder.parts(z)
    neck = decoder.neck(z)

    upper_middle = garment[:, :, :48, 16:48]
    assert neck.shape == (2, 3, 96, 96)
    assert neck.amin() >= upper_middle.amin() - 1e-4
    assert neck.amax() <= upper_middle.amax() + 1e-4
