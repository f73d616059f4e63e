"""The kinds of pictures that the source documents show, as PNG; knows no experiment."""

import colorsys
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from stylefacet_training.models.base import VariationalModel
from stylefacet_training.plots import FONT_PX, INK, PAPER, Picture, sheet
from stylefacet_training.sampling import interpolated, systematic
from stylefacet_training.traversals import decode_codes

Codes = npt.NDArray[np.float32]

MAP_PX, MARGIN_PX, DOT_PX = 640, 30, 1
# Codes that differ less are one: what is left of them is the noise of arithmetic.
LEAST_RANGE = 1e-3
SAMPLE_COLUMNS, SAMPLE_ROWS = 10, 3


def grid(
    model: VariationalModel, values: Sequence[float], title: str, *, by_channel: bool = False
) -> bytes:
    """Returns a row a latent dimension, moved through ``values``, the others at nought.

    With ``by_channel`` every picture stands there thrice, in red, green and blue alone. Source:
    thesis, figures 5.8 to 5.11, 5.42 to 5.45, A.1 to A.9.
    """
    rows, labels = [], []
    for j in range(model.latent_dims):
        codes = np.zeros((len(values), model.latent_dims), np.float32)
        codes[:, j] = values
        pictures = list(decode_codes(model, codes))
        if by_channel:
            pictures = [alone(p, c) for c in range(3) for p in pictures]
        rows.append(pictures)
        labels.append(f"z{j + 1}")
    return sheet(title, rows, labels, [f"{v:g}" for v in values] * (3 if by_channel else 1))


def alone(picture: Picture, channel: int) -> Picture:
    """Returns one colour channel of a picture ``(h, w, 3)``, the others black."""
    kept = np.zeros_like(picture)
    kept[..., channel] = picture[..., channel]
    return kept


def random_samples(model: VariationalModel, title: str, *, seed: int = 0) -> bytes:
    """Returns pictures of draws of N(0, I), the first that of the zero vector.

    Source: thesis, figures 5.4 to 5.6.
    """
    rng = np.random.default_rng(seed)
    codes = rng.standard_normal((SAMPLE_ROWS * SAMPLE_COLUMNS, model.latent_dims))
    codes[0] = 0.0
    pictures = list(decode_codes(model, codes))
    rows = [pictures[i : i + SAMPLE_COLUMNS] for i in range(0, len(pictures), SAMPLE_COLUMNS)]
    return sheet(f"{title} (the first: the zero vector)", rows, [""] * len(rows), [])


def plane(
    model: VariationalModel, low: Sequence[float], high: Sequence[float], title: str, side: int = 15
) -> bytes:
    """Returns the pictures of a model of two dimensions, systematically over a rectangle.

    Source: lab exercise 8, figures 1 and 2.
    """
    codes = systematic(low, high, side)
    pictures = decode_codes(model, codes)
    h, w = pictures.shape[1:3]
    # (side^2, h, w, 3) -> (side h, side w, 3): the second dimension rises upwards.
    page = pictures.reshape(side, side, h, w, 3).transpose(0, 2, 1, 3, 4).reshape(side * h, -1, 3)
    factor = max(1, MAP_PX // len(page))
    page = page.repeat(factor, 0).repeat(factor, 1)
    labels = f"{title}; z1 {low[0]:.1f} to {high[0]:.1f}, z2 {low[1]:.1f} to {high[1]:.1f} upwards"
    return titled(page, labels)


def interpolations(
    model: VariationalModel, pairs: Sequence[tuple[Codes, Codes]], title: str, count: int = 10
) -> bytes:
    """Returns a row a pair of codes ``(d,)``: the way from one to the other."""
    rows = [list(decode_codes(model, interpolated(a, b, count))) for a, b in pairs]
    return sheet(title, rows, [""] * len(rows), [])


def scatter(
    points: npt.NDArray[np.floating],
    classes: npt.NDArray[np.int64],
    names: Sequence[str],
    title: str,
    *,
    means: bool = False,
) -> bytes:
    """Returns a map of points ``(n, 2)``, a colour a class; with ``means`` each class' number.

    The numbers at its edges are the coordinates that lie there.
    """
    low, high = _ranges(points)
    inner = MAP_PX - 2 * MARGIN_PX
    at = MARGIN_PX + (points - low) / (high - low) * inner
    at[:, 1] = MAP_PX - at[:, 1]  # the second coordinate rises upwards
    page = Image.new("RGB", (MAP_PX + 140, MAP_PX), PAPER)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(FONT_PX)
    colours = [_colour(i / len(names), 0.85 - 0.3 * (i % 2)) for i in range(len(names))]
    for (x, y), number in zip(at, classes, strict=True):
        if 0 <= x < MAP_PX and 0 <= y < MAP_PX:
            draw.ellipse((x - DOT_PX, y - DOT_PX, x + DOT_PX, y + DOT_PX), colours[number])
    for number, name in enumerate(names):
        draw.text((MAP_PX + 4, MARGIN_PX + 18 * number), name, colours[number], font)
        mine = at[classes == number]
        if means and len(mine):
            x, y = mine.mean(axis=0)
            draw.ellipse((x - 9, y - 9, x + 9, y + 9), PAPER, INK)
            draw.text((x, y), name[:2], INK, font, anchor="mm")
    _label_axes(draw, low, high)
    return titled(np.asarray(page), title)


def _ranges(points: npt.NDArray[np.floating]) -> tuple[Codes, Codes]:
    """Returns the least and the largest coordinates ``(2,)`` of a map, outliers left out.

    A coordinate in which all points are one gets a range of 1 around it.
    """
    low, high = np.quantile(points.astype(np.float32), (0.002, 0.998), axis=0)
    alike = high - low < LEAST_RANGE
    middle = (low + high) / 2
    return np.where(alike, middle - 0.5, low), np.where(alike, middle + 0.5, high)


def _label_axes(draw: ImageDraw.ImageDraw, low: Codes, high: Codes) -> None:
    font = ImageFont.load_default(FONT_PX)
    near, far = MARGIN_PX, MAP_PX - MARGIN_PX
    for value, x, anchor in ((low[0], near, "lb"), (high[0], far, "rb")):
        draw.text((x, MAP_PX), f"{value:.2f}", INK, font, anchor=anchor)
    for value, y in ((low[1], far), (high[1], near)):
        draw.text((0, y), f"{value:.2f}", INK, font, anchor="lm")


def _colour(hue: float, lightness: float) -> tuple[int, int, int]:
    r, g, b = colorsys.hsv_to_rgb(hue, 0.85, lightness)
    return round(255 * r), round(255 * g), round(255 * b)


def titled(page: Picture, title: str) -> bytes:
    """Returns a page ``(h, w, 3)`` under a title."""
    font = ImageFont.load_default(FONT_PX)
    width = max(page.shape[1], round(font.getlength(title)) + 8)
    sheet = Image.new("RGB", (width, page.shape[0] + 2 * FONT_PX), PAPER)
    ImageDraw.Draw(sheet).text((4, FONT_PX // 2), title, INK, font)
    sheet.paste(Image.fromarray(page), (0, 2 * FONT_PX))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
