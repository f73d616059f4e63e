import numpy as np
import pytest

from stylefacet.errors import ImageUndecodable
from stylefacet.imaging import decode_png, encode_png
from stylefacet.kept_inputs import pack_pixels, show_kept, unpack_pixels


def noise(height: int, width: int):
    rng = np.random.default_rng(height * width)
    return rng.integers(0, 256, (height, width, 3), np.uint8)


def gradient(height: int, width: int):
    rows = np.arange(height)[:, None, None] * 3 + np.arange(width)[None, :, None]
    return (rows + np.array([0, 40, 90])).astype(np.uint8)


@pytest.mark.parametrize("shape", [(256, 192), (1, 1), (1, 7), (9, 1), (96, 64)])
@pytest.mark.parametrize("make", [noise, gradient])
def test_every_pixel_comes_back(make, shape):
    pixels = make(*shape)

    np.testing.assert_array_equal(unpack_pixels(pack_pixels(pixels)), pixels)


def test_what_earlier_releases_kept_as_png_is_read():
    pixels = noise(20, 30)
    png = encode_png(pixels)

    np.testing.assert_array_equal(unpack_pixels(png), pixels)
    assert show_kept(png) == png


def test_it_is_shown_as_png():
    pixels = gradient(40, 30)

    np.testing.assert_array_equal(decode_png(show_kept(pack_pixels(pixels))), pixels)


def test_it_is_smaller_than_png():
    pixels = gradient(256, 192) + noise(256, 192)[..., :1] // 64

    assert len(pack_pixels(pixels)) < 0.7 * len(encode_png(pixels))


@pytest.mark.parametrize("keep", [pack_pixels, encode_png])
def test_damage_is_told(keep):
    content = keep(noise(16, 12))
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    damaged = [b"", b"x", content[:8], content[: len(content) // 2], bytes(flipped)]
    if keep is pack_pixels:
        longer, wider = bytearray(content), bytearray(content)
        longer[5] += 1
        wider[7] -= 1
        damaged += [content[:-1], bytes(longer), bytes(wider)]

    for some in damaged:
        with pytest.raises(ImageUndecodable):
            unpack_pixels(some)
        with pytest.raises(ImageUndecodable):
            show_kept(some)
