"""Turns image bytes into the checked RGB letterbox an encoder takes; knows no encoder and no RPC.

Training and serving both read photos through :func:`read_letterbox`, so that they cannot drift.
"""

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from stylefacet.errors import ImageTooLarge, ImageUndecodable

FORMATS = ("JPEG", "PNG", "WEBP")
# Decode JPEG at no less than this multiple of the target: at 2 a latent of a photo of 1000x1500
# moves by 2% of its standard deviation against a full decode, for two thirds of the time (1: 6%).
DRAFT_OVERSAMPLING = 2
# Rows and columns at the edge of a photo that count as its border, in letterbox pixels.
BORDER_PX = 2
# What Pillow's parsers let escape on damaged input.
_PARSER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
# Pillow's own guard warns through a global and refuses at a bound that callers cannot state; every
# size is checked against ImageLimits before pixels are decoded.
Image.MAX_IMAGE_PIXELS = None
_WHITE = (255, 255, 255)
_OPAQUE_ALPHA = 128


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What an image may cost before it is decoded."""

    max_encoded_bytes: int = 20 * 2**20
    max_pixels: int = 64_000_000


DEFAULT_LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A photo scaled to fit and centred on its own border colour.

    ``pixels`` is ``(height, width, 3)`` uint8 RGB. The source size is that of the upright photo,
    after EXIF orientation.
    """

    pixels: npt.NDArray[np.uint8]
    source_width_px: int
    source_height_px: int


def read_letterbox(
    content: bytes, height_px: int, width_px: int, limits: ImageLimits = DEFAULT_LIMITS
) -> Letterbox:
    """Returns the letterbox of an encoded photo.

    Takes JPEG, PNG and WebP in any colour mode; of an animation, the first frame. Transparent
    parts are composed on the colour of the border. Embedded colour profiles are ignored.

    Raises:
        ImageTooLarge: before decoding, when bytes or pixels exceed ``limits``.
        ImageUndecodable: for anything that is no complete image in these formats.
    """
    if len(content) > limits.max_encoded_bytes:
        raise ImageTooLarge(len(content), limits.max_encoded_bytes, "bytes")
    if not content:
        raise ImageUndecodable("it is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return _letterbox(image, height_px, width_px, limits)
    except UnidentifiedImageError as error:
        raise ImageUndecodable("not a JPEG, PNG or WebP") from error
    except _PARSER_ERRORS as error:
        raise ImageUndecodable(_cause(error)) from error


def fit_letterbox(pixels: npt.NDArray[np.uint8], height_px: int, width_px: int) -> Letterbox:
    """Returns the letterbox of a picture ``(h, w, 3)`` uint8 RGB; of one, the same."""
    return _letterbox(Image.fromarray(pixels), height_px, width_px, DEFAULT_LIMITS)


def border_median(pixels: npt.NDArray[np.uint8], border_px: int = BORDER_PX) -> tuple[int, ...]:
    """Returns the median colour of a picture's outermost pixels, a channel at a time.

    ``pixels`` is ``(h, w, c)`` uint8; the result has ``c`` values in 0..255.
    """
    b = min(border_px, (min(pixels.shape[:2]) + 1) // 2)
    c = pixels.shape[2]
    rows = np.concatenate([pixels[:b].reshape(-1, c), pixels[-b:].reshape(-1, c)])
    columns = np.concatenate([pixels[:, :b].reshape(-1, c), pixels[:, -b:].reshape(-1, c)])
    return tuple(int(v) for v in np.median(np.concatenate([rows, columns]), axis=0))


def encode_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Returns a picture ``(h, w, 3)`` uint8 RGB as PNG, without loss."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def resize(pixels: npt.NDArray[np.uint8], height_px: int, width_px: int) -> npt.NDArray[np.uint8]:
    """Returns a picture ``(h, w, 3)`` uint8 RGB at another size."""
    scaled = Image.fromarray(pixels).resize((width_px, height_px), Image.Resampling.BILINEAR)
    return np.asarray(scaled)


def decode_png(content: bytes) -> npt.NDArray[np.uint8]:
    """Returns the ``(h, w, 3)`` uint8 RGB pixels of a PNG made by :func:`encode_png`.

    Raises:
        ImageUndecodable: when it was damaged.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            return np.asarray(image.convert("RGB"))
    except _PARSER_ERRORS as error:
        raise ImageUndecodable(_cause(error)) from error


def _letterbox(image: Image.Image, height_px: int, width_px: int, limits: ImageLimits) -> Letterbox:
    if image.width * image.height > limits.max_pixels:
        raise ImageTooLarge(image.width * image.height, limits.max_pixels, "pixels")
    source = image.size
    if image.format == "JPEG":
        # Orientation is not applied yet, so the target is the larger of the two ways round.
        width, height = max(
            _fit(source, (width_px, height_px)), _fit(source, (height_px, width_px))
        )
        image.draft(None, (width * DRAFT_OVERSAMPLING, height * DRAFT_OVERSAMPLING))
    image.load()
    was_wide = image.width > image.height
    ImageOps.exif_transpose(image, in_place=True)
    is_turned = (image.width > image.height) != was_wide
    source_width, source_height = (source[1], source[0]) if is_turned else source
    rgba = _as_rgb_or_rgba(image)
    scaled = rgba.resize(_fit(rgba.size, (width_px, height_px)), Image.Resampling.BILINEAR)
    rgb, background = _flatten(scaled)
    canvas = Image.new("RGB", (width_px, height_px), background)
    canvas.paste(rgb, ((width_px - rgb.width) // 2, (height_px - rgb.height) // 2))
    return Letterbox(np.asarray(canvas), source_width, source_height)


def _fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """Returns ``size`` scaled to fit in ``box``, each side at least one pixel."""
    factor = min(box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _as_rgb_or_rgba(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "RGBA"):
        return image
    if image.mode.startswith("I"):
        # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling.
        wide = np.asarray(image).astype(np.uint32)
        return Image.fromarray((wide >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB")


def _flatten(image: Image.Image) -> tuple[Image.Image, tuple[int, ...]]:
    """Returns an opaque picture and the colour of its border, on which it was composed."""
    pixels = np.asarray(image)
    if image.mode == "RGB":
        return image, border_median(pixels)
    edge = np.ones(pixels.shape[:2], dtype=bool)
    edge[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = False
    opaque = pixels[edge & (pixels[..., 3] >= _OPAQUE_ALPHA)]
    # A cut-out has no border of its own: it lies on white, as in a studio.
    colour = tuple(int(v) for v in np.median(opaque[:, :3], axis=0)) if len(opaque) else _WHITE
    base = Image.new("RGBA", image.size, (*colour, 255))
    return Image.alpha_composite(base, image).convert("RGB"), colour


def _cause(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:120] if text else type(error).__name__
