"""Light on cloth: folds, roundness, texture, background; knows nothing of collars or patterns."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from stylefacet_training.data.garments.canvas import Canvas, Plane
from stylefacet_training.data.garments.factors import FABRICS, Garment
from stylefacet_training.data.garments.outline import Outline, Sleeve

CELL = 4
"""Pixels per cell of the coarse grid on which soft light is computed."""


@lru_cache(maxsize=16)
def _spline(size: int, cells: int) -> Plane:
    """Return `(size, cells)` cubic B-spline weights that blow a coarse line up to `size`."""
    position = (np.arange(size) + 0.5) * cells / size - 0.5
    distance = np.abs(position[:, None] - np.arange(-1, cells + 1)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    weights = np.where(distance < 1, near, far)
    folded = weights[:, 1:-1]
    folded[:, 0] += weights[:, 0]
    folded[:, -1] += weights[:, -1]
    return np.ascontiguousarray(folded).astype(np.float32)


def enlarge(field: Plane, height: int, width: int) -> Plane:
    """Return a coarse field as a smooth `(height, width)` plane."""
    rows, columns = field.shape
    plane: Plane = np.matmul(_spline(height, rows) @ field, _spline(width, columns).T)
    return plane


def _coarse_shape(canvas: Canvas) -> tuple[int, int]:
    return max(canvas.height // CELL, 4), max(canvas.width // CELL, 4)


def blurred_cover(canvas: Canvas, radius: float) -> Plane:
    """Return the silhouette, coarse and blurred by `radius` pixels."""
    image = Image.fromarray((canvas.cover * 255).astype(np.uint8))
    rows, columns = _coarse_shape(canvas)
    small = image.resize((columns, rows), Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(radius / CELL))
    return np.asarray(soft, np.float32) * np.float32(1 / 255)


def fold_rng(garment: Garment) -> np.random.Generator:
    """Return the generator that decides how the cloth lies."""
    return np.random.default_rng(int(garment.fold_seed * 2**32))


def body_folds(
    canvas: Canvas, garment: Garment, outline: Outline, rng: np.random.Generator
) -> Plane:
    """Return the body's soft folds as a share of light to add, over the whole picture."""
    rows, columns = _coarse_shape(canvas)
    frame = canvas.frame
    step_x, step_y = canvas.width / columns, canvas.height / rows
    x = ((np.arange(columns, dtype=np.float32) + 0.5) * step_x - frame.left) / frame.zoom
    y = ((np.arange(rows, dtype=np.float32) + 0.5) * step_y - frame.top) / frame.zoom
    x, y = x[None, :], y[:, None]
    half = np.float32(outline.half_width)
    down = np.clip((y - outline.armhole_y) / (outline.length - outline.armhole_y), 0, 1)
    field = 0.035 * _patches(rows, columns, rng)
    for _ in range(2):
        period = rng.uniform(15, 30) * (1.15 - 0.5 * garment.flare)
        bend = rng.uniform(-0.22, 0.22) * y + 4 * np.sin(
            y / rng.uniform(16, 30) + rng.uniform(0, 6)
        )
        wave = np.sin((x + bend) * (2 * math.pi / period) + rng.uniform(0, 6))
        field = field + (0.016 + 0.04 * garment.flare) * (0.25 + down) * wave
    for side in (-1, 1):
        # Cloth pulls from the armpit towards the waist.
        dx, dy = x - side * half, y - outline.armhole_y
        reach = np.sqrt(dx * dx + dy * dy) + 1e-3
        lean = np.arctan2(dy, -side * dx)
        pull = np.sin(lean * rng.uniform(5.5, 8.5) + rng.uniform(0, 6))
        field = field + 0.06 * pull * np.exp(-(((reach - 17) / 15) ** 2))
        field = field - 0.12 * np.exp(-((reach / 8.5) ** 2))
    return enlarge((field * garment.fold_strength).astype(np.float32), canvas.height, canvas.width)


def _patches(rows: int, columns: int, rng: np.random.Generator) -> Plane:
    """Return smooth noise of about unit deviation on the coarse grid."""
    noise = rng.standard_normal((9, 6), dtype=np.float32) * np.float32(1.6)
    fine = rng.standard_normal((18, 13), dtype=np.float32) * np.float32(0.7)
    return enlarge(noise, rows, columns) + enlarge(fine, rows, columns)


def body_roundness(outline: Outline, x: Plane, y: Plane) -> Plane:
    """Return the light of the body's roundness: darker towards the side seams."""
    half = outline.half_width_at(y[:, :1].astype(np.float64)).astype(np.float32)
    edge = np.abs(x) / half
    edge *= edge
    return (1.0 - 0.10 * edge * edge).astype(np.float32, copy=False)


def sleeve_light(
    garment: Garment, sleeve: Sleeve, share: Plane, along: Plane, rng: np.random.Generator
) -> Plane:
    """Return the light on a sleeve from `share` (-1 inner to 1 outer edge) and `along`."""
    slope = share * np.float32(0.05 * math.sin(garment.light_angle) * sleeve.side)
    light = 1.0 - 0.11 * share * share + slope
    for _ in range(2):
        at, spread = rng.uniform(12, 80), rng.uniform(13, 26)
        period, lean = rng.uniform(9, 17), rng.uniform(-7, 7)
        crease = np.sin((along + lean * share) * np.float32(2 * math.pi / period))
        fade = np.exp(-(((along - np.float32(at)) * np.float32(1 / spread)) ** 2))
        light += np.float32(0.05 * garment.fold_strength) * crease * fade
    # The armpit's shadow, on the inner side near the body.
    light -= 0.10 * np.exp(along * np.float32(-1 / 16)) * np.clip(0.4 - share, 0, 1)
    return light.astype(np.float32, copy=False)


@lru_cache(maxsize=8)
def _texture(fabric: str, height: int, width: int) -> Plane:
    """Return `(height + 64, width + 64)` light ratios of a fabric, the same on each call."""
    rng = np.random.default_rng(FABRICS.index(fabric))
    shape = (height + 64, width + 64)
    noise = rng.standard_normal(shape, dtype=np.float32)
    if fabric == "melange":
        streaks = noise + np.roll(noise, 1, 1) + np.roll(noise, 2, 1) + np.roll(noise, 3, 1)
        return np.asarray(1 + 0.042 * streaks + 0.02 * np.roll(noise, 31, 0), np.float32)
    y, x = np.indices(shape, dtype=np.float32)
    if fabric == "knit":
        ribs = np.cos(x * np.float32(2 * math.pi / 4))
        stitches = np.cos((y + np.abs(x % 4 - 2)) * np.float32(2 * math.pi / 3))
        return np.asarray(1 + 0.034 * ribs + 0.022 * stitches + 0.02 * noise, np.float32)
    if fabric == "woven":
        warp = rng.standard_normal((1, shape[1]), dtype=np.float32)
        weft = rng.standard_normal((shape[0], 1), dtype=np.float32)
        return np.asarray(1 + 0.008 * (warp + weft) + 0.009 * noise, np.float32)
    return np.asarray(1 + 0.011 * (noise + np.roll(noise, 1, 0)), np.float32)


def texture(garment: Garment, height: int, width: int, rng: np.random.Generator) -> Plane:
    """Return the fabric's fine structure as `(height, width)` light ratios near 1."""
    tile = _texture(FABRICS[garment.fabric], height, width)
    top, left = rng.integers(0, 64, 2)
    return tile[top : top + height, left : left + width]


@lru_cache(maxsize=8)
def _backdrop(height: int, width: int) -> tuple[Plane, Plane]:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return np.broadcast_to(y, (height, width)).copy(), x * x + y * y


def background(garment: Garment, canvas: Canvas) -> Plane:
    """Return the lit wall behind the garment with the garment's soft shadow on it."""
    down, round_ = _backdrop(canvas.height, canvas.width)
    plain = garment.background_value * (1 + garment.background_gradient * down)
    plain = plain - np.float32(0.5 * garment.vignette * garment.background_value) * round_
    near, far = blurred_cover(canvas, 2.5), blurred_cover(canvas, 8.0)
    side = -1 if garment.light_angle > 0 else 1
    far = np.roll(np.roll(far, 1, axis=0), side, axis=1)
    dark = garment.shadow * (0.55 * near + 0.6 * far)
    shadow = 1 - enlarge(dark.astype(np.float32), canvas.height, canvas.width)
    return np.asarray(plain * shadow, dtype=np.float32)


def roundness(garment: Garment, canvas: Canvas) -> Plane:
    """Return light ratios of the whole silhouette, as if it were filled with a body."""
    height = blurred_cover(canvas, 6.0)
    slope_y, slope_x = np.gradient(height)
    lit = math.cos(garment.light_angle) * slope_y + math.sin(garment.light_angle) * slope_x
    field = 0.5 * garment.light_strength * lit - 0.17 * np.clip(0.92 - height, 0, None)
    return 1 + enlarge(field.astype(np.float32), canvas.height, canvas.width)
