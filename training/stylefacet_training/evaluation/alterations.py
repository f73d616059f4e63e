"""What happens to photos on their way: small changes that a garment's code should survive.

Every alteration takes a photo and returns an encoded one, as a shop would upload it, or None where
it cannot be done to this photo; none knows an encoder.
"""

import io
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from stylefacet.imaging import border_median, encode_png

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

# The longer side that photos are reduced to beforehand; letterboxes are smaller than that.
WORKING_PX = 512
# Share of the photo's size at which the garment is put in a corner.
CORNER_SHARE = 0.5
ROTATION_DEGREES = 5.0
JPEG_QUALITY = 30
GREY = (150, 150, 150)
# Largest difference from the border colour, in grey levels, of what counts as background: the
# shadows of a studio wall, but not most cloth.
BACKGROUND_TOLERANCE = 14
# Share of a photo that must stand out from its background to set it on another.
MIN_FOREGROUND = 0.15
# Share of each side over which a photo fades into its background's colour before it is moved, lest
# the edge of the photo be seen where no edge would be.
FADE_SHARE = 0.06
LOGO_COLOUR = (196, 32, 48)


def unchanged(photo: Image.Image) -> bytes:
    """Returns the photo as it is, encoded anew: the floor of every other figure."""
    return _png(photo)


def corner(photo: Image.Image) -> bytes:
    """Returns the photo at half its size in the lower right corner of its own background."""
    canvas = Image.new("RGB", photo.size, _background(photo))
    photo = _faded(photo)
    width, height = (max(1, round(side * CORNER_SHARE)) for side in photo.size)
    small = photo.resize((width, height), Image.Resampling.LANCZOS)
    canvas.paste(small, (photo.width - width, photo.height - height))
    return _png(canvas)


def rotation(photo: Image.Image) -> bytes:
    """Returns the photo turned by 5 degrees, its corners filled with its background."""
    turned = photo.rotate(ROTATION_DEGREES, Image.Resampling.BICUBIC, fillcolor=_background(photo))
    return _png(turned)


def grey_background(photo: Image.Image) -> bytes | None:
    """Returns the photo with its background, as far as it hangs together, in a middle grey.

    None where hardly anything would be left: a garment as white as its wall runs into it.
    """
    background = background_mask(np.asarray(photo))
    if 1.0 - background.mean() < MIN_FOREGROUND:
        return None
    mask = Image.fromarray(background.astype(np.uint8) * 255)
    soft = mask.filter(ImageFilter.GaussianBlur(0.7))
    return _png(Image.composite(Image.new("RGB", photo.size, GREY), photo, soft))


def logo(photo: Image.Image) -> bytes:
    """Returns the photo with a shop's badge in its upper left corner."""
    marked = photo.copy()
    width, height = round(photo.width * 0.26), round(photo.height * 0.09)
    left, top = round(photo.width * 0.04), round(photo.height * 0.03)
    badge = ImageDraw.Draw(marked)
    badge.rounded_rectangle((left, top, left + width, top + height), height // 4, LOGO_COLOUR)
    font = ImageFont.load_default(max(8.0, height * 0.6))
    centre = (left + width / 2, top + height / 2)
    badge.text(centre, "SALE", "white", font, anchor="mm")
    return _png(marked)


def mirror(photo: Image.Image) -> bytes:
    """Returns the photo with left and right exchanged."""
    return _png(ImageOps.mirror(photo))


def low_quality_jpeg(photo: Image.Image) -> bytes:
    """Returns the photo as JPEG of quality 30."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


ALTERATIONS: Mapping[str, Callable[[Image.Image], bytes | None]] = {
    "unchanged": unchanged,
    "half size in a corner": corner,
    "turned by 5 degrees": rotation,
    "on grey": grey_background,
    "shop logo": logo,
    "mirrored": mirror,
    "JPEG quality 30": low_quality_jpeg,
}


def background_mask(pixels: Pixels) -> Mask:
    """Returns where ``(h, w, 3)`` pixels are background, ``(h, w)``.

    That is: near the border's median colour, and connected through such pixels with the border.
    """
    colour = np.array(border_median(pixels), dtype=np.int16)
    near = np.abs(pixels.astype(np.int16) - colour).max(axis=2) <= BACKGROUND_TOLERANCE
    reached = np.zeros_like(near)
    reached[[0, -1], :] = near[[0, -1], :]
    reached[:, [0, -1]] = near[:, [0, -1]]
    while True:
        # Whole runs along rows, then along columns: a few rounds where steps of a pixel would
        # take hundreds.
        along_rows = _reached_runs(near, reached)
        further: Mask = _reached_runs(near.T, along_rows.T).T
        if further.sum() == reached.sum():
            return further
        reached = further


def _reached_runs(near: Mask, reached: Mask) -> Mask:
    """Returns the runs along rows of ``near`` that hold a reached pixel."""
    starts = near.copy()
    starts[:, 1:] &= ~near[:, :-1]
    run = np.cumsum(starts).reshape(near.shape)
    hit = np.zeros(int(run[-1, -1]) + 1, dtype=np.bool_)
    hit[run[reached]] = True
    return np.asarray(near & hit[run])


def _background(photo: Image.Image) -> tuple[int, ...]:
    return border_median(np.asarray(photo))


def _faded(photo: Image.Image) -> Image.Image:
    """Returns the photo with its margin fading into the median colour of its border."""
    ramps = []
    for side in (photo.height, photo.width):
        edge = np.minimum(np.arange(side), np.arange(side)[::-1])
        ramps.append(np.minimum(edge / max(1.0, FADE_SHARE * side), 1.0))
    share = np.outer(ramps[0], ramps[1])
    mask = Image.fromarray((255 * share).astype(np.uint8))
    return Image.composite(photo, Image.new("RGB", photo.size, _background(photo)), mask)


def _png(photo: Image.Image) -> bytes:
    return encode_png(np.asarray(photo))
