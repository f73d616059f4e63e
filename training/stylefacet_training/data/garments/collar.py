"""Necklines, collars and hoods painted on a garment; knows nothing of sleeves or light."""

from __future__ import annotations

import math

import numpy as np

from stylefacet_training.data.garments.canvas import Canvas, Plane, Points, shifted
from stylefacet_training.data.garments.factors import Garment
from stylefacet_training.data.garments.motif import ring
from stylefacet_training.data.garments.outline import (
    Outline,
    bezier,
    even,
    mirrored,
    neck_curve,
)
from stylefacet_training.data.garments.pattern import Cloth

INSIDE = 0.74
"""Light on the inside of the back, seen through the neckline."""

LABEL_WHITE = (0.93, 0.92, 0.9)
LABEL_BLACK = (0.12, 0.12, 0.13)


def ribs(x: Plane, *, period: float = 2.9, depth: float = 0.07) -> Plane:
    """Return the light on upright ribs across `x`."""
    light: Plane = 1 + np.float32(depth) * np.cos(x * np.float32(2 * math.pi / period))
    return light


def _trim(garment: Garment) -> float:
    return float(garment.contrast_trim)


def paint_behind(canvas: Canvas, garment: Garment, outline: Outline, cloth: Cloth) -> None:
    """Paint what lies behind the front: the back's inside, its collar, the hood."""
    if outline.collar == "hood":
        _hood_behind(canvas, outline, cloth)
    elif outline.collar != "turtle_neck":
        _inside_back(canvas, garment, outline)


def _inside_back(canvas: Canvas, garment: Garment, outline: Outline) -> None:
    half = outline.cut.half_width
    leaves = outline.collar in ("polo", "shirt_collar")
    rise = 7.5 if leaves else 1.4
    dip = 1.0 if leaves else min(5.0, 0.45 * outline.neck_depth)
    t = even(-1.0, 1.0, 21)
    reach = half * 0.9 if leaves else half + 0.5
    back = np.stack([reach * t, dip * (1 - t * t) - rise + leaves * 3.2 * t**4], axis=1)
    low = neck_curve(outline.cut, outline.neck_depth, grow=2.0)[::-1]
    panel = canvas.fill(np.concatenate([back, low]))
    x, y = canvas.grid(panel)
    shade = INSIDE + 0.1 - 0.0045 * np.clip(y + rise, 0, 40)
    # The band or tape along the back of the neck, which follows the back's upper edge.
    band = 6.5 if leaves else max(outline.cut.band, 2.6)
    share = x * np.float32(1 / reach)
    below = y - (dip - rise + band) + dip * share * share
    tape = np.clip(np.float32(0.5) - below * canvas.frame.zoom, 0, 1)
    light = ribs(x, depth=0.05) * np.float32(0.88) if outline.cut.band > 3 else 0.91
    shade += tape * (light - shade) - 0.12 * np.exp(-(below * below))
    canvas.paint(panel, mix=tape * np.float32(_trim(garment)), shade=shade)
    _label(canvas, garment, dip - rise + band)


def _label(canvas: Canvas, garment: Garment, top: float) -> None:
    style = int(garment.fold_seed * 997) % 4
    if style == 3:
        return
    wide, high = ((3.2, 4.6), (4.4, 3.0), (1.4, 5.5))[style]
    colour = LABEL_BLACK if int(garment.fold_seed * 1999) % 2 else LABEL_WHITE
    label = canvas.bar(-wide, top - 0.5, wide, top + high)
    # Whatever is painted later, front or collar, lies over the label.
    canvas.inks.append((label, colour))


def paint_front(canvas: Canvas, garment: Garment, outline: Outline, cloth: Cloth) -> None:
    """Paint the collar itself over the body's front."""
    if outline.collar == "turtle_neck":
        _turtle_neck(canvas, garment, outline, cloth)
    elif outline.collar == "hood":
        _hood_front(canvas, garment, outline, cloth)
    elif outline.collar in ("polo", "shirt_collar"):
        _leaves(canvas, garment, outline, cloth)
    else:
        _band(canvas, garment, outline)


def _band(canvas: Canvas, garment: Garment, outline: Outline) -> None:
    cut = outline.cut
    outer = neck_curve(cut, outline.neck_depth, grow=outline.cut.band)
    lift = np.zeros_like(outline.neck)
    ends = np.abs(even(-1.0, 1.0, len(lift))) ** 6
    lift[:, 1] = -1.4 * ends
    outer = outer + lift * 0.3
    inner = outline.neck + lift
    canvas.soft_shadow(outer, share=0.1)
    mask = canvas.fill(np.concatenate([inner, outer[::-1]]))
    x, y = canvas.grid(mask)
    light: Plane | float = 1.02
    if outline.cut.band > 3:
        turn = np.arctan2(x, outline.neck_depth * 0.4 + 6 - y * 0.2)
        light = ribs(turn * np.float32(outline.cut.half_width), depth=0.055)
    canvas.paint(mask, mix=_trim(garment), shade=light)
    canvas.seam(outer, share=0.2)
    canvas.seam(inner, share=0.16, width=0.8)
    canvas.seam(neck_curve(cut, outline.neck_depth, grow=outline.cut.band + 1.8), share=0.07)
    if outline.collar == "v_neck":
        tip = outline.neck_depth
        canvas.seam(np.array([[0.0, tip], [0.0, tip + outline.cut.band]]), share=0.2)


def _turtle_neck(canvas: Canvas, garment: Garment, outline: Outline, cloth: Cloth) -> None:
    tall = 12.0 + 14.0 * garment.collar_depth
    wide, top = outline.cut.half_width + 1.5, outline.cut.half_width - 1.0
    t = even(-1.0, 1.0, 21)
    rim_back = np.stack([top * t, -tall - 2.6 * np.sqrt(1 - t * t)], axis=1)
    rim_front = np.stack([top * t, -tall + 2.4 * np.sqrt(1 - t * t)], axis=1)
    foot = np.stack([wide * t, 3.5 + 4.0 * (1 - t * t)], axis=1)
    left = bezier((-wide, 3.5), (-wide + 2.5, -2.0), (-top - 0.5, -tall + 3), (-top, -tall))
    tube = np.concatenate([left, rim_front, mirrored(left), foot[::-1]])
    canvas.paint(canvas.fill(np.concatenate([rim_back, rim_front[::-1]])), mix=0.0, shade=0.62)
    canvas.soft_shadow(foot, share=0.14)
    mask = canvas.fill(tube)
    x, y = canvas.grid(mask)
    edge = x / np.float32(wide)
    light = ribs(x, depth=0.06) * (1.03 - 0.24 * edge * edge)
    pattern = 1.0 if garment.contrast_trim else cloth(x, y)
    canvas.paint(mask, mix=pattern, shade=np.asarray(light, np.float32))
    canvas.seam(foot, share=0.14)
    if garment.collar_depth > 0.4:
        share = 0.52
        fold = np.stack([(top + 1.3) * t, -tall * (1 - share) + 2.8 * (1 - t * t)], axis=1)
        canvas.soft_shadow(shifted(fold, 0.0, 0.8), share=0.3)
    canvas.seam(rim_front, share=0.12)


def _leaf(outline: Outline) -> Points:
    depth = outline.neck_depth
    if outline.collar == "polo":
        tip = (11.5, 19.5 + 0.25 * depth)
        return np.concatenate(
            [
                bezier((12.5, -6.8), (17.5, -4.5), (21.0, 3.5), steps=8),
                bezier((21.0, 3.5), (19.0, 11.0), (tip[0] + 1.2, tip[1] - 1), steps=8),
                bezier(tip, (6.5, 0.5 * (tip[1] + depth) + 2), (0.6, depth + 1.5), steps=8),
                bezier((0.6, depth + 1.5), (8.0, 3.0), (12.5, -6.8), steps=8),
            ]
        )
    tip = (13.5 + 0.1 * depth, 17.5 + 0.28 * depth)
    return np.concatenate(
        [
            bezier((12.5, -7.2), (17.0, -5.0), (20.0, 2.8), steps=8),
            np.array([[20.3, 5.0], tip]),
            bezier((0.5, depth), (9.5, 4.0), (12.5, -7.2), steps=8),
        ]
    )


def _leaves(canvas: Canvas, garment: Garment, outline: Outline, cloth: Cloth) -> None:
    placket_end = outline.length + 1.5 if outline.collar == "shirt_collar" else 0.0
    placket_end = placket_end or outline.neck_depth + 30.0
    _placket(canvas, garment, outline, cloth, placket_end)
    right = _leaf(outline)
    left = right * (-1.0, 1.0)
    for shape in (left, right):
        canvas.soft_shadow(shifted(shape[8:], 0.0, 0.9), share=0.26)
    mask = canvas.fill(left, right)
    x, y = canvas.grid(mask)
    side = np.asarray(np.sign(x), np.float32)
    fold = np.asarray(np.abs(x), np.float32)
    light = np.asarray(1.014 - y * 0.006, np.float32)
    if outline.collar == "polo":
        pattern: Plane | float = _trim(garment)
        light *= ribs(y + fold * 0.6, period=2.4, depth=0.02)
    else:
        # A leaf is cut along the grain and turned down: its pattern runs askew.
        turned = (x + side * y * np.float32(0.5), y - fold * np.float32(0.5))
        pattern = 1.0 if garment.contrast_trim else cloth(*turned)
    canvas.paint(mask, mix=pattern, shade=np.asarray(light, np.float32))
    for shape in (left, right):
        canvas.seam(np.concatenate([shape, shape[:1]]), share=0.2, width=0.8)
        inset = shape + (shape.mean(axis=0) - shape) * 0.16
        canvas.seam(inset[6:-8], share=0.09, width=0.7)


def _placket(canvas: Canvas, garment: Garment, outline: Outline, cloth: Cloth, end: float) -> None:
    top, half = outline.neck_depth - 1.0, 4.2
    mask = canvas.bar(-half, top, half, end)
    canvas.darken(mask, -0.025)
    for x in (-half, half):
        line = np.array([[x, top + 6], [x, end]])
        canvas.seam(line, share=0.2 if x > 0 else 0.1, width=0.8)
    if outline.collar == "polo":
        canvas.seam(np.array([[-half, end], [half, end]]), share=0.24)
        rows = np.linspace(top + 7, end - 5, 3)
    else:
        rows = np.arange(top + 6, end - 6, 17.0)
    light = garment.value > 0.55
    colour = (0.35, 0.33, 0.31) if light and garment.contrast_trim else (0.94, 0.93, 0.91)
    if not light and not garment.contrast_trim:
        colour = (0.2, 0.2, 0.21)
    buttons = [ring(1.55, at=(0.0, row), steps=14) for row in rows]
    for row in rows:
        canvas.seam(np.array([(-1.2, row + 1.9), (2.0, row + 1.9)]), share=0.2, width=1.2)
    canvas.inks.append((canvas.fill(*buttons), colour))


def _hood_shape(outline: Outline) -> tuple[Points, Points, Points]:
    """Return the hood's outer edge, the rim behind and the right front flap."""
    depth = outline.neck_depth
    right = bezier((33.0, 10.0), (37.0, -3.0), (30.0, -17.0), (0.0, -18.5), steps=18)
    outer = np.concatenate([right, mirrored(right)[1:]])
    rim = np.concatenate(
        [
            bezier((25.0, -4.0), (20.0, -12.5), (0.0, -12.0), steps=10),
            bezier((0.0, -12.0), (-20.0, -12.5), (-25.0, -4.0), steps=10),
        ]
    )
    flap = np.concatenate(
        [
            bezier((33.0, 10.0), (36.0, 0.0), (30.0, -10.0), (25.0, -5.0), steps=10),
            bezier((25.0, -5.0), (17.0, 3.0), (6.0, depth - 7), (-1.8, depth + 2), steps=12),
            bezier((-1.8, depth + 2), (1.0, depth + 6), (7.0, depth + 5), steps=6),
            bezier((7.0, depth + 5), (20.0, depth), (33.0, 10.0), steps=8),
        ]
    )
    return outer, rim, flap


def _hood_behind(canvas: Canvas, outline: Outline, cloth: Cloth) -> None:
    outer, rim, _ = _hood_shape(outline)
    mask = canvas.fill(outer)
    x, y = canvas.grid(mask)
    canvas.paint(mask, mix=cloth(x, y), shade=(0.98 + 0.004 * (-y - 18)))
    low = bezier((-25.0, -4.0), (0.0, 2 * outline.neck_depth + 12), (25.0, -4.0), steps=16)
    inner = canvas.fill(np.concatenate([rim, low]))
    x, y = canvas.grid(inner)
    shade = 0.78 - 0.010 * np.clip(y + 12, 0, 24) - 0.0002 * x * x
    canvas.paint(inner, mix=0.0, shade=shade)
    canvas.seam(rim, share=0.22)
    canvas.seam(rim * (1.03, 1.0) - (0.0, 2.4), share=0.09, width=0.7)
    canvas.seam(bezier((0.0, -12.0), (0.6, 0.0), (0.0, outline.neck_depth), steps=4), share=0.14)


def _hood_front(canvas: Canvas, garment: Garment, outline: Outline, cloth: Cloth) -> None:
    _, _, flap = _hood_shape(outline)
    for side in (1, -1):
        shape = flap * (side, 1.0)
        canvas.soft_shadow(shifted(shape[20:], 0.0, 0.8), share=0.24)
        mask = canvas.fill(shape)
        x, y = canvas.grid(mask)
        light = 1.03 - 0.0045 * (y + 4) - 0.0022 * np.abs(x)
        pattern = cloth(x + side * y * 0.5, y - side * x * 0.5)
        canvas.paint(mask, mix=pattern, shade=np.asarray(light, np.float32))
        canvas.seam(shape[9:23], share=0.2, width=0.8)
        canvas.seam(shifted(shape[10:21], side * 1.6, 1.8), share=0.1, width=0.7)
        canvas.seam(shape[21:], share=0.16, width=0.8)
    _drawstrings(canvas, garment, outline)


def _drawstrings(canvas: Canvas, garment: Garment, outline: Outline) -> None:
    top = outline.neck_depth - 1.0
    pale = garment.value < 0.5
    colour = (0.88, 0.87, 0.85) if pale else (0.3, 0.3, 0.31)
    if not garment.contrast_trim:
        colour = tuple(0.5 * c + (0.1 if pale else 0.25) for c in colour)  # type: ignore[assignment]
    sway = garment.lean * 2
    strings = [
        bezier((side * 4.5, top), (side * 7.0 + sway, top + 14), (side * 5.5 + sway, top + 34))
        for side in (-1, 1)
    ]
    for string in strings:
        canvas.seam(shifted(string, 0.8, 0.6), share=0.16, width=2.4)
    canvas.inks.append((canvas.stroke(1.5, *strings), colour))
