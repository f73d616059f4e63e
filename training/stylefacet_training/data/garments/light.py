"""Light on cloth: folds, roundness, texture, background; knows nothing of collars or patterns."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from stylefacet_training.data.garments.canvas import Canvas, Plane, Window
from stylefacet_training.data.garments.factors import FABRICS, Garment
from stylefacet_training.data.garments.outline import Outline

CELL = 4
"""Pixels per cell of the coarse grid on which soft light is computed."""


@lru_cache(maxsize=256)
def _enlarging(size: int) -> Plane:
    """Return `(size, cells)` cubic B-spline weights from coarse cells to pixels.

    The grid hangs on the first pixel, so that a window whose corner lies on a cell's corner
    sees the same light as the whole picture does.
    """
    cells = -(-size // CELL)
    position = (np.arange(size) + 0.5) / CELL - 0.5
    distance = np.abs(position[:, None] - np.arange(-1, cells + 1)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    # What would fall on the cells just outside is given to the outermost ones.
    weights[:, 1] += weights[:, 0]
    weights[:, -2] += weights[:, -1]
    return np.ascontiguousarray(weights[:, 1:-1]).astype(np.float32)


@lru_cache(maxsize=256)
def _averaging(size: int) -> Plane:
    """Return `(cells, size)` weights that average pixels to coarse cells."""
    cells = -(-size // CELL)
    member = np.arange(size)[None, :] // CELL == np.arange(cells)[:, None]
    return np.asarray(member / member.sum(axis=1, keepdims=True), np.float32)


def enlarge(field: Plane, height: int, width: int) -> Plane:
    """Return a field of coarse cells as a smooth `(height, width)` plane."""
    rows, columns = _enlarging(height), _enlarging(width)
    return np.asarray(rows @ field @ columns.T, np.float32)


def coarse_cover(canvas: Canvas) -> Plane:
    """Return the canvas's silhouette averaged over coarse cells."""
    rows, columns = _averaging(canvas.height), _averaging(canvas.width)
    return np.asarray(rows @ canvas.cover @ columns.T, np.float32)


def aligned(window: Window, height: int, width: int) -> Window:
    """Return the window grown to whole cells of the picture."""
    return Window(
        window.top // CELL * CELL,
        window.left // CELL * CELL,
        min(-(-window.bottom // CELL) * CELL, height),
        min(-(-window.right // CELL) * CELL, width),
    )


def fold_rng(garment: Garment) -> np.random.Generator:
    """Return the generator that decides how the cloth lies."""
    return np.random.default_rng(int(garment.fold_seed * 2**32))


def body_folds(
    canvas: Canvas, garment: Garment, outline: Outline, rng: np.random.Generator
) -> Plane:
    """Return the body's soft folds as a share of light to add, over the whole canvas.

    Every fold is a wave `sin(a x + b(y))` that fades along x and y by themselves, so it is
    `sin(a x) cos(b) + cos(a x) sin(b)`: the sum of them all is one product of two matrices.
    """
    x, y = canvas.axes
    below = y - outline.armhole_y
    down = np.clip(below / (outline.length - outline.armhole_y), 0, 1)
    draw = rng.uniform(_FOLD_LOW, _FOLD_HIGH)
    patches = draw[:28].reshape(4, 7, 1).astype(np.float32)
    drapes, pulls = draw[28:38].reshape(2, 5).tolist(), draw[38:44].reshape(2, 3).tolist()
    across = [np.sin(patches[0] * x + patches[1])]
    along = [np.sin(patches[2] * y + patches[3]) * 0.024]
    for period, lean, sway, phase, turn in drapes:
        pitch = 2 * math.pi / (period * (1.15 - 0.5 * garment.flare))
        bend = pitch * (lean * y + 4 * np.sin(y / sway + phase)) + turn
        depth = (0.018 + 0.045 * garment.flare) * (0.2 + down)
        across += [np.sin(pitch * x)[None], np.cos(pitch * x)[None]]
        along += [(depth * np.cos(bend))[None], (depth * np.sin(bend))[None]]
    for side, (tilt, pitch, turn) in zip((-1, 1), pulls, strict=True):
        # Cloth pulls from the armpit towards the waist, and little light falls there.
        off = x - side * outline.half_width
        wave, fall = -side * tilt * pitch * off, pitch * below + turn
        near, level = off * off, below * below
        fade, sink = np.exp(near / -700), 0.05 * np.exp(level / -700)
        across += [(fade * np.sin(wave))[None], (fade * np.cos(wave))[None]]
        along += [(sink * np.cos(fall))[None], (sink * np.sin(fall))[None]]
        across.append(np.exp(near / -75)[None])
        along.append(-0.13 * np.exp(level / -75)[None])
    rows = np.concatenate(along) * np.float32(garment.fold_strength)
    return np.asarray(rows.T @ np.concatenate(across), np.float32)


# Ranges of what body_folds draws: of seven soft patches the pitch and phase across and along;
# of two drapes period, lean, sway's length, its phase, the wave's; of two pulls tilt, pitch, phase.
_FOLD_LOW = np.array(
    [0.05] * 7 + [0] * 7 + [0.04] * 7 + [0] * 7 + [17, -0.25, 16, 0, 0] * 2 + [0.55, 0.28, 0] * 2
)
_FOLD_HIGH = np.array(
    [0.2] * 7
    + [6.28] * 7
    + [0.15] * 7
    + [6.28] * 7
    + [34, 0.25, 30, 6.28, 6.28] * 2
    + [1, 0.42, 6.28] * 2
)


def body_roundness(outline: Outline, x: Plane, y: Plane) -> Plane:
    """Return the light of the body's roundness: darker towards the side seams."""
    half = outline.half_width_at(y[:, :1].astype(np.float64)).astype(np.float32)
    edge = x / half
    edge *= edge
    edge *= edge
    edge *= np.float32(-0.09)
    edge += 1
    return edge


def sleeve_light(garment: Garment, share: Plane, along: Plane, rng: np.random.Generator) -> Plane:
    """Return the light on both sleeves, `(2, height, width)`, left then right.

    `share` runs from -1 at the inner to 1 at the outer edge, `along` down the sleeve.
    """
    slope = np.float32(0.06 * math.sin(garment.light_angle)) * _SIDES
    light = share * np.float32(-0.10)
    light += slope
    light *= share
    light += 1
    # What fades along the sleeve changes little across it: taken once a row, at its middle.
    rows = along[:, :, along.shape[2] // 2, None]
    draw = rng.uniform((12, 13, 9, -8), (80, 26, 17, 8), (2, 2, 4)).astype(np.float32)
    for at, spread, period, lean in draw.transpose(0, 2, 1)[..., None, None]:
        crease = lean * share
        crease += along
        crease *= np.float32(2 * math.pi) / period
        np.sin(crease, out=crease)
        crease *= np.exp(-(((rows - at) / spread) ** 2)) * np.float32(0.055 * garment.fold_strength)
        light += crease
    # The armpit's shadow, on the inner side near the body.
    inner = np.maximum(np.float32(0.4) - share, 0)
    inner *= np.exp(np.minimum(rows, 60) * np.float32(-1 / 16)) * np.float32(0.11)
    light -= inner
    return light


_SIDES = np.array([-1, 1], np.float32)[:, None, None]


@lru_cache(maxsize=8)
def _texture(fabric: str, height: int, width: int) -> Plane:
    """Return `(height + 64, width + 64)` light ratios of a fabric, the same on each call."""
    rng = np.random.default_rng(FABRICS.index(fabric))
    shape = (height + 64, width + 64)
    noise = rng.standard_normal(shape, dtype=np.float32)
    if fabric == "melange":
        streaks = noise + np.roll(noise, 1, 1) + np.roll(noise, 2, 1) + np.roll(noise, 3, 1)
        return np.asarray(1 + 0.036 * streaks + 0.02 * np.roll(noise, 31, 0), np.float32)
    y, x = np.indices(shape, dtype=np.float32)
    if fabric == "knit":
        ribs = np.cos(x * np.float32(2 * math.pi / 4))
        stitches = np.cos((y + np.abs(x % 4 - 2)) * np.float32(2 * math.pi / 3))
        return np.asarray(1 + 0.030 * ribs + 0.020 * stitches + 0.018 * noise, np.float32)
    if fabric == "woven":
        warp = rng.standard_normal((1, shape[1]), dtype=np.float32)
        weft = rng.standard_normal((shape[0], 1), dtype=np.float32)
        return np.asarray(1 + 0.008 * (warp + weft) + 0.009 * noise, np.float32)
    return np.asarray(1 + 0.010 * (noise + np.roll(noise, 1, 0)), np.float32)


def texture(garment: Garment, canvas: Canvas, size: int, rng: np.random.Generator) -> Plane:
    """Return the fabric's fine structure on the canvas as light ratios near 1.

    `size` is the picture's longer side, which fixes the fabric to the picture.
    """
    tile = _texture(FABRICS[garment.fabric], size, size)
    top, left = rng.integers(0, 64, 2) + np.array([canvas.window.top, canvas.window.left])
    return tile[top : top + canvas.height, left : left + canvas.width]


@lru_cache(maxsize=8)
def _backdrop(height: int, width: int) -> tuple[Plane, Plane]:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return y, x * x + y * y


def background(garment: Garment, canvas: Canvas, cover: Plane, height: int, width: int) -> Plane:
    """Return the lit wall behind the garment with its soft shadow; `cover` is coarse."""
    down, round_ = _backdrop(height, width)
    wall = round_ * np.float32(-0.5 * garment.vignette * garment.background_value)
    wall += garment.background_value * (1 + garment.background_gradient * down)
    cells = np.zeros((-(-height // CELL), -(-width // CELL)), np.float32)
    top, left = canvas.window.top // CELL, canvas.window.left // CELL
    cells[top : top + len(cover), left : left + cover.shape[1]] = garment.shadow * cover
    # The wide shadow falls a cell down and away from the light, the narrow one hugs the edge.
    wide = np.roll(_blurred(cells, 7.0), (1, -1 if garment.light_angle > 0 else 1), (0, 1))
    lit = 1 - 0.85 * wide - 0.3 * _blurred(cells, 2.5)
    wall *= enlarge(lit, height, width)
    return wall


def roundness(garment: Garment, canvas: Canvas, cover: Plane) -> Plane:
    """Return light ratios of a coarse silhouette, as if it were filled with a body."""
    height = _blurred(cover, 6.0)
    slope_y = np.zeros_like(height)
    slope_y[1:-1] = height[2:] - height[:-2]
    slope_x = np.zeros_like(height)
    slope_x[:, 1:-1] = height[:, 2:] - height[:, :-2]
    lit = math.cos(garment.light_angle) * slope_y + math.sin(garment.light_angle) * slope_x
    field = 0.17 * garment.light_strength * lit - 0.09 * np.clip(0.9 - height, 0, None)
    return 1 + enlarge(np.asarray(field, np.float32), canvas.height, canvas.width)


def _blurred(cells: Plane, blur_px: float) -> Plane:
    return np.asarray(_gauss(len(cells), blur_px) @ cells @ _gauss(cells.shape[1], blur_px))


@lru_cache(maxsize=256)
def _gauss(cells: int, blur_px: float) -> Plane:
    apart = (np.arange(cells)[:, None] - np.arange(cells)[None, :]) * CELL / blur_px
    weights = np.exp(-0.5 * apart**2) * CELL / (blur_px * math.sqrt(2 * math.pi))
    return np.asarray(weights, np.float32)
