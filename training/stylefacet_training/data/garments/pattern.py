"""Woven and printed patterns as functions of cloth coordinates; knows nothing of outlines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from stylefacet_training.data.garments import motif
from stylefacet_training.data.garments.canvas import Plane, shifted
from stylefacet_training.data.garments.factors import PATTERNS, Garment

Cloth: TypeAlias = Callable[[Plane, Plane], Plane | float]
"""Maps cloth coordinates (across, along), in garment units, to the way from the cloth's
colour (0) to the pattern's (1)."""

CHEST_PRINT_SHARE = 0.6
"""Share of prints that sit on the chest; the others cover the cloth."""


def _bands(position: Plane, period: float, width: float, zoom: float) -> Plane:
    """Return anti-aliased bands `width` wide, one each `period` units."""
    phase = position * np.float32(1 / period)
    phase -= np.floor(phase)
    distance = np.abs(phase - np.float32(0.5)) * np.float32(period)
    return np.asarray(np.clip((width / 2 - distance) * zoom + 0.5, 0.0, 1.0), np.float32)


def _stripes(garment: Garment, rng: np.random.Generator, zoom: float) -> Cloth:
    period = 5.0 + 21.0 * garment.pattern_scale
    width = period * rng.uniform(0.22, 0.52)
    upright = rng.random() < 0.18
    style = rng.choice(("plain", "double", "fading"), p=(0.6, 0.25, 0.15))

    def cloth(across: Plane, along: Plane) -> Plane:
        position = across if upright else along
        bands = _bands(position, period, width, zoom)
        if style == "double":
            thin = _bands(position + period / 2, period, max(width * 0.22, 1.0), zoom)
            bands = np.maximum(bands, thin)
        elif style == "fading":
            bands = bands * (0.55 + 0.45 * _bands(position, period * 2, period, zoom))
        return bands

    return cloth


def _check(garment: Garment, rng: np.random.Generator, zoom: float) -> Cloth:
    period = 7.0 + 27.0 * garment.pattern_scale
    style = rng.choice(("gingham", "windowpane", "tartan"))
    thick = period * rng.uniform(0.28, 0.4)

    def cloth(across: Plane, along: Plane) -> Plane:
        if style == "gingham":
            warp = _bands(across, period, period / 2, zoom)
            weft = _bands(along, period, period / 2, zoom)
            return (warp + weft) * np.float32(0.5)
        if style == "windowpane":
            line = max(period * 0.09, 1.0)
            lines = _bands(across, period, line, zoom)
            return np.asarray(np.maximum(lines, _bands(along, period, line, zoom)), np.float32)
        mixed = 0.42 * (_bands(across, period, thick, zoom) + _bands(along, period, thick, zoom))
        fine = max(period * 0.06, 0.8)
        lines = _bands(across + period / 2, period, fine, zoom)
        lines = np.maximum(lines, _bands(along + period / 2, period, fine, zoom))
        return np.asarray(np.maximum(mixed, 0.8 * lines), np.float32)

    return cloth


def _dots(garment: Garment, rng: np.random.Generator, zoom: float) -> Cloth:
    step = 5.5 + 17.0 * garment.pattern_scale
    radius = step * rng.uniform(0.2, 0.33)
    row = step * (0.5 if rng.random() < 0.75 else 1.0)

    def cloth(across: Plane, along: Plane) -> Plane:
        rows = np.floor(along * np.float32(1 / row))
        dv = along - (rows + 0.5) * row
        du = across * np.float32(1 / step) + rows * np.float32(0.5 if row < step else 0.0)
        du = (du - np.floor(du) - np.float32(0.5)) * np.float32(step)
        distance = np.sqrt(du * du + dv * dv)
        return np.asarray(np.clip((radius - distance) * zoom + 0.5, 0.0, 1.0), np.float32)

    if row < step:
        # Rows half a step apart would clip round dots: keep the radius inside the row.
        row = step * 0.78
        radius = min(radius, row * 0.48)
    return cloth


def _all_over(garment: Garment, rng: np.random.Generator, zoom: float) -> Cloth:
    period = 26.0 + 44.0 * garment.pattern_scale
    size = max(round(period * zoom), 8)
    tile = _scatter_tile(size, rng)
    scale = np.float32(size / period)

    def cloth(across: Plane, along: Plane) -> Plane:
        return _sample_tile(tile, across * scale, along * scale)

    return cloth


def _scatter_tile(size: int, rng: np.random.Generator) -> Plane:
    """Return a `(size, size)` tile that repeats, strewn with one kind of motif."""
    grain = 4
    shape = motif.scatter_shape(rng)
    count = int(rng.integers(3, 6))
    side = size * grain
    image = Image.new("L", (side, side))
    draw = ImageDraw.Draw(image)
    cell = side / count
    for row in range(count):
        for column in range(count):
            turn = rng.uniform(0, 2 * math.pi)
            radius = cell * rng.uniform(0.26, 0.46)
            at = cell * (np.array([column + 0.5 * (row % 2), row]) + rng.uniform(0.35, 0.65, 2))
            cos, sin = math.cos(turn) * radius, math.sin(turn) * radius
            turned = shape @ np.array([[cos, sin], [-sin, cos]]) + at
            for dx in _wraps(at[0], radius, side):
                for dy in _wraps(at[1], radius, side):
                    draw.polygon(shifted(turned, dx, dy).ravel().tolist(), fill=255)
    return np.asarray(image.reduce(grain), np.float32) * np.float32(1 / 255)


def _wraps(at: float, radius: float, side: int) -> list[int]:
    """Return the shifts by which a shape at `at` must be drawn to close over the tile's rim."""
    return [shift for shift in (-side, 0, side) if -radius < at + shift < side + radius]


def _sample_tile(tile: Plane, column: Plane, row: Plane) -> Plane:
    """Return the tile, repeated endlessly, at fractional positions (bilinear)."""
    size = len(tile)
    left, top = np.floor(column), np.floor(row)
    fx, fy = column - left, row - top
    c0, r0 = left.astype(np.int32) % size, top.astype(np.int32) % size
    c1, r1 = (c0 + 1) % size, (r0 + 1) % size
    flat = tile.ravel()
    r0, r1 = r0 * size, r1 * size
    upper = flat[r0 + c0] * (1 - fx) + flat[r0 + c1] * fx
    lower = flat[r1 + c0] * (1 - fx) + flat[r1 + c1] * fx
    result: Plane = upper * (1 - fy) + lower * fy
    return result


def chest_print(garment: Garment) -> bool:
    """Say whether the garment carries one motif on its chest."""
    if PATTERNS[garment.pattern] != "print":
        return False
    return bool(pattern_rng(garment).random() < CHEST_PRINT_SHARE)


def pattern_rng(garment: Garment) -> np.random.Generator:
    """Return the generator that decides the pattern's variant."""
    return np.random.default_rng(int(garment.pattern_seed * 2**32))


def plain(across: Plane, along: Plane) -> float:
    """Return no pattern anywhere."""
    return 0.0


def cloth_of(garment: Garment, zoom: float) -> Cloth:
    """Return the garment's pattern at `zoom` pixels per garment unit."""
    kind = PATTERNS[garment.pattern]
    if kind == "plain":
        return plain
    rng = pattern_rng(garment)
    if kind == "stripes":
        return _stripes(garment, rng, zoom)
    if kind == "check":
        return _check(garment, rng, zoom)
    if kind == "dots":
        return _dots(garment, rng, zoom)
    if kind == "print" and rng.random() >= CHEST_PRINT_SHARE:
        return _all_over(garment, rng, zoom)
    return plain
