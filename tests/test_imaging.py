import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from stylefacet.errors import ImageTooLarge, ImageUndecodable
from stylefacet.imaging import (
    ImageLimits,
    border_median,
    decode_png,
    encode_png,
    read_letterbox,
)

RED, BLUE = (200, 30, 30), (30, 30, 200)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def two_halves(width: int = 60, height: int = 80) -> Image.Image:
    """Red above, blue below: shows which way up a photo came out."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width, height // 2))
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_supported_formats_keep_size_and_colours(kind: str):
    letterbox = read_letterbox(encode(two_halves(), kind), 80, 60)

    assert letterbox.pixels.shape == (80, 60, 3)
    assert letterbox.pixels.dtype == np.uint8
    assert (letterbox.source_width_px, letterbox.source_height_px) == (60, 80)
    np.testing.assert_allclose(letterbox.pixels[20, 30], RED, atol=8)
    np.testing.assert_allclose(letterbox.pixels[60, 30], BLUE, atol=8)


def test_padding_takes_the_colour_of_the_border():
    image = Image.new("RGB", (100, 50), (190, 190, 200))
    image.paste(RED, (30, 10, 70, 40))

    pixels = read_letterbox(encode(image, "PNG"), 80, 60).pixels

    assert (pixels[0] == (190, 190, 200)).all()
    assert (pixels[-1] == (190, 190, 200)).all()


def test_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate a quarter clockwise
    lying = two_halves().rotate(90, expand=True)

    letterbox = read_letterbox(encode(lying, "JPEG", exif=exif), 80, 60)

    assert (letterbox.source_width_px, letterbox.source_height_px) == (60, 80)
    np.testing.assert_allclose(letterbox.pixels[15, 30], RED, atol=10)
    np.testing.assert_allclose(letterbox.pixels[65, 30], BLUE, atol=10)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1"])
def test_colour_modes_come_out_as_rgb(mode: str):
    image = two_halves().convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"

    pixels = read_letterbox(encode(image, kind), 80, 60).pixels

    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_allclose(pixels[20, 30], expected[20, 30], atol=8)


def test_sixteen_bit_grey_is_scaled_not_clipped():
    levels = np.linspace(0, 65_535, 60).astype(np.uint16)
    image = Image.fromarray(np.tile(levels, (80, 1)))

    pixels = read_letterbox(encode(image, "PNG"), 80, 60).pixels

    np.testing.assert_allclose(pixels[40, :, 0], levels >> 8, atol=1)


def test_transparency_lies_on_the_colour_of_the_border():
    image = Image.new("RGBA", (60, 80), (220, 220, 210, 255))
    image.paste((0, 0, 0, 0), (20, 20, 40, 60))

    pixels = read_letterbox(encode(image, "PNG"), 80, 60).pixels

    np.testing.assert_array_equal(pixels[40, 30], (220, 220, 210))


def test_cut_out_lies_on_white():
    image = Image.new("RGBA", (60, 80), (0, 0, 0, 0))
    image.paste((*RED, 255), (20, 20, 40, 60))

    pixels = read_letterbox(encode(image, "PNG"), 80, 60).pixels

    np.testing.assert_array_equal(pixels[0, 0], (255, 255, 255))
    np.testing.assert_array_equal(pixels[40, 30], RED)


def test_colour_profiles_do_not_disturb():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

    pixels = read_letterbox(encode(two_halves(), "PNG", icc_profile=profile), 80, 60).pixels

    np.testing.assert_array_equal(pixels[20, 30], RED)


def test_scaled_decoding_is_near_full_decoding():
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (6, 4, 3), dtype=np.uint8))
    large = smooth.resize((1000, 1500), Image.Resampling.BICUBIC)

    by_jpeg = read_letterbox(encode(large, "JPEG", quality=95), 256, 192).pixels
    by_png = read_letterbox(encode(large, "PNG"), 256, 192).pixels

    assert np.abs(by_jpeg.astype(int) - by_png).mean() < 2


def test_animation_shows_its_first_frame():
    frames = [Image.new("RGB", (60, 80), RED), Image.new("RGB", (60, 80), BLUE)]
    content = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)

    np.testing.assert_array_equal(read_letterbox(content, 80, 60).pixels[40, 30], RED)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (3, 2)])
def test_extreme_shapes_are_letterboxed(size: tuple[int, int]):
    pixels = read_letterbox(encode(Image.new("RGB", size, RED), "PNG"), 80, 60).pixels

    assert pixels.shape == (80, 60, 3)


@pytest.mark.parametrize(
    "content", [b"", b"no image at all", b"\xff\xd8\xff", b"GIF89a" + bytes(50)], ids=len
)
def test_what_is_no_image_is_undecodable(content: bytes):
    with pytest.raises(ImageUndecodable):
        read_letterbox(content, 80, 60)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_truncated_image_is_undecodable(kind: str):
    noise = np.random.default_rng(0).integers(0, 255, (80, 60, 3), dtype=np.uint8)
    content = encode(Image.fromarray(noise), kind)

    with pytest.raises(ImageUndecodable):
        read_letterbox(content[: len(content) // 2], 80, 60)


def test_other_formats_are_refused():
    with pytest.raises(ImageUndecodable, match="JPEG, PNG or WebP"):
        read_letterbox(encode(two_halves(), "BMP"), 80, 60)


def test_too_many_bytes_are_refused_before_decoding():
    with pytest.raises(ImageTooLarge, match="bytes"):
        read_letterbox(bytes(101), 80, 60, ImageLimits(max_encoded_bytes=100))


def png_claiming(side_px: int) -> bytes:
    """A PNG whose header claims a size that its few bytes of data do not have."""
    chunks = b""
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b"")):
        crc = zlib.crc32(name + body)
        chunks += struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("side_px", [9_000, 30_000])
def test_bomb_is_refused_by_its_header(side_px: int):
    with pytest.raises(ImageTooLarge, match="pixels"):
        read_letterbox(png_claiming(side_px), 80, 60)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(0, 300))
def test_damaged_bytes_never_escape_the_error_classes(noise: bytes, kind: str, position: int):
    content = bytearray(encode(two_halves(12, 16), kind))
    content[position : position + len(noise)] = noise

    try:
        pixels = read_letterbox(bytes(content), 16, 12).pixels
    except (ImageUndecodable, ImageTooLarge):
        return
    assert pixels.shape == (16, 12, 3)


def test_border_median_ignores_the_middle():
    pixels = np.full((20, 20, 3), 240, np.uint8)
    pixels[4:16, 4:16] = 0

    assert border_median(pixels) == (240, 240, 240)


def test_png_round_trip_is_lossless():
    pixels = np.random.default_rng(0).integers(0, 255, (20, 10, 3), dtype=np.uint8)

    np.testing.assert_array_equal(decode_png(encode_png(pixels)), pixels)
