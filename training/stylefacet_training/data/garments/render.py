"""Pictures of garments from their factors: puts outline, cloth, collar and light together."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt

from stylefacet_training.data.garments import collar as collars
from stylefacet_training.data.garments import light, motif, pattern
from stylefacet_training.data.garments.canvas import (
    Canvas,
    Colour,
    Frame,
    Mask,
    Plane,
    Points,
    shifted,
)
from stylefacet_training.data.garments.factors import (
    HEMS,
    Garment,
    GarmentFactors,
    sample_nuisances,
)
from stylefacet_training.data.garments.outline import FULL_SLEEVE, Outline, Sleeve, outline_of

HEIGHT, WIDTH = 256, 192
"""Pixels of the usual picture; garment units are pixels of that height."""


def render(
    factors: GarmentFactors, height: int = HEIGHT, width: int = WIDTH
) -> npt.NDArray[np.uint8]:
    """Return `(n, height, width, 3)` uint8 RGB pictures of the garments."""
    pictures = np.empty((len(factors), height, width, 3), np.uint8)
    for row in range(len(factors)):
        _draw(factors.record(row), pictures[row])
    return pictures


def sample_observations_from_factors(
    factors: GarmentFactors, rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH
) -> npt.NDArray[np.uint8]:
    """Return `(n, height, width, 3)` pictures of the same factors under fresh nuisances."""
    return render(sample_nuisances(factors, rng), height, width)


def base_colour(garment: Garment) -> Colour:
    """Return the cloth's RGB in [0, 1]."""
    return colorsys.hsv_to_rgb(garment.hue, garment.saturation, garment.value)


def pattern_colour(garment: Garment) -> Colour:
    """Return the pattern's RGB in [0, 1]: light on dark cloth and dark on light cloth."""
    return _contrast(garment, garment.pattern_hue, garment.pattern_saturation)


def _contrast(garment: Garment, hue: float, saturation: float) -> Colour:
    weights = (0.30, 0.59, 0.11)
    luma = sum(w * c for w, c in zip(weights, base_colour(garment), strict=True))
    value = 0.94 - 0.12 * saturation if luma < 0.5 else 0.16 + 0.3 * saturation
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def _draw(garment: Garment, picture: npt.NDArray[np.uint8]) -> None:
    height, width = picture.shape[:2]
    outline = outline_of(garment)
    zoom = garment.scale * height / HEIGHT
    frame = Frame.of(
        zoom=zoom,
        degrees=garment.rotation,
        left=width / 2 + garment.shift_x * height / HEIGHT,
        top=height / 2 + (garment.shift_y - outline.length / 2 + 3) * height / HEIGHT,
    )
    canvas = Canvas(frame, height, width)
    cloth = pattern.cloth_of(garment, zoom)
    rng = light.fold_rng(garment)
    folds = light.body_folds(canvas, garment, outline, rng)
    collars.paint_behind(canvas, garment, outline, cloth)
    _paint_body(canvas, garment, outline, cloth, folds)
    _paint_sleeves(canvas, garment, outline, cloth, rng)
    _paint_pocket(canvas, garment, outline)
    print_inks = _chest_print(canvas, garment, outline)
    collars.paint_front(canvas, garment, outline, cloth)
    canvas.shade *= light.texture(garment, height, width, rng)
    canvas.shade *= light.roundness(garment, canvas)
    _compose(canvas, garment, print_inks, picture)


def _paint_body(
    canvas: Canvas, garment: Garment, outline: Outline, cloth: pattern.Cloth, folds: Plane
) -> None:
    mask = canvas.fill(outline.body)
    x, y = canvas.grid(mask)
    share = x[:1] * np.float32(1 / outline.half_width)
    sag = 1.6 * share * share + 0.7 * np.sin(x[:1] * 0.11 + garment.fold_seed * 6)
    warp = folds[mask.window] * np.float32(7)
    shade = light.body_roundness(outline, x, y) + folds[mask.window]
    canvas.paint(mask, mix=cloth(x + warp, y - sag.astype(np.float32) + warp), shade=shade)
    _paint_hem(canvas, garment, outline, cloth)


def _paint_hem(canvas: Canvas, garment: Garment, outline: Outline, cloth: pattern.Cloth) -> None:
    if HEMS[garment.hem] == "ribbed":
        _rib(canvas, outline.hem, outline.hem - (0.0, 9.0), garment)
    else:
        collars.seam(canvas, (outline.hem * (0.985, 1.0) - (0.0, 3.4)), share=0.13, width=0.8)
        collars.seam(canvas, (outline.hem * (0.985, 1.0) - (0.0, 0.5)), share=0.12, width=1.0)


def _rib(canvas: Canvas, edge: Points, inner: Points, garment: Garment) -> None:
    mask = canvas.fill(np.concatenate([edge, inner[::-1]]))
    x, _ = canvas.grid(mask)
    canvas.darken(mask, 1 - collars.ribs(x))
    if garment.contrast_trim:
        window = mask.window
        canvas.mix[window] += mask.cover * (1 - canvas.mix[window])
    collars.seam(canvas, inner, share=0.2)


def _sleeve_coordinates(canvas: Canvas, sleeve: Sleeve, mask: Mask) -> tuple[Plane, Plane, Plane]:
    """Return share (-1 inner, 1 outer edge), across and along of the sleeve's pixels."""
    middle = sleeve.middle
    x, y = canvas.grid(mask)
    rows = y[:, 0]
    steps = np.linspace(0.0, FULL_SLEEVE, len(middle))
    centre = np.interp(rows, middle[:, 1], middle[:, 0])
    along = np.interp(rows, middle[:, 1], steps)
    sin = np.interp(rows, middle[:, 1], sleeve.direction[:, 0])
    cos = np.interp(rows, middle[:, 1], sleeve.direction[:, 1])
    half = np.interp(rows, middle[:, 1], sleeve.half_width)
    columns = [part.astype(np.float32)[:, None] for part in (centre, along, sin, cos, half)]
    centre_, along_, sin_, cos_, half_ = columns
    offset = x - centre_
    across = offset * cos_
    share = np.clip(across / half_ * np.float32(sleeve.side), -1.2, 1.2)
    return share, across, np.maximum(along_ + offset * sin_, 0)


def _paint_sleeves(
    canvas: Canvas,
    garment: Garment,
    outline: Outline,
    cloth: pattern.Cloth,
    rng: np.random.Generator,
) -> None:
    if outline.sleeves is None:
        for armhole in outline.armholes:
            collars.seam(canvas, armhole * (0.97, 1.0), share=0.13, width=0.8)
        return
    for sleeve in outline.sleeves:
        collars.soft_shadow(canvas, sleeve.outline[-14:], share=0.22)
        mask = canvas.fill(sleeve.outline)
        share, across, along = _sleeve_coordinates(canvas, sleeve, mask)
        mix = 1.0 if garment.contrast_sleeves else cloth(across, along + outline.shoulder[1])
        canvas.paint(mask, mix=mix, shade=light.sleeve_light(garment, sleeve, share, along, rng))
        collars.seam(canvas, sleeve.armhole, share=0.24)
        collars.seam(canvas, sleeve.armhole - (sleeve.side * 1.6, 0.0), share=0.07)
        _paint_cuff(canvas, garment, sleeve)


def _paint_cuff(canvas: Canvas, garment: Garment, sleeve: Sleeve) -> None:
    if sleeve.reach < 8:
        return
    deep = 9.0 if HEMS[garment.hem] == "ribbed" and sleeve.reach > 60 else 3.2
    edge, inner = sleeve.across(sleeve.reach), sleeve.across(sleeve.reach - deep)
    if deep > 5:
        _rib(canvas, edge, inner, garment)
    else:
        collars.seam(canvas, inner, share=0.13, width=0.8)


def _paint_pocket(canvas: Canvas, garment: Garment, outline: Outline) -> None:
    if not garment.pocket:
        return
    x, y = outline.half_width * 0.2, outline.armhole_y + 6.0
    shape = np.array([[x, y], [x + 16, y], [x + 16, y + 16], [x + 8, y + 19], [x, y + 16]])
    canvas.darken(canvas.fill(shape), -0.02)
    collars.seam(canvas, np.concatenate([shape, shape[:1]]), share=0.18)
    collars.seam(canvas, shifted(shape[:2], 0.0, 2.6), share=0.1, width=0.8)


def _chest_print(canvas: Canvas, garment: Garment, outline: Outline) -> list[tuple[Mask, Colour]]:
    """Return the inks of the chest print, if there is one."""
    if not pattern.chest_print(garment):
        return []
    rng = pattern.pattern_rng(garment)
    rng.random()  # Spent on the choice between chest and all-over.
    inks = motif.chest_motif(rng)
    size = (9.0 + 15.0 * garment.pattern_scale) * (0.8 + 0.2 * garment.body_width)
    at = (0.0, max(outline.neck_depth + 10.0, 30.0) + size)
    if outline.collar in ("polo", "shirt_collar"):
        size *= 0.55
        at = (outline.half_width * 0.48, outline.armhole_y + 2.0 + size * 0.5)
    colours = [
        pattern_colour(garment),
        _contrast(garment, garment.pattern_hue + 0.33, min(garment.pattern_saturation + 0.3, 0.8)),
        _contrast(garment, garment.pattern_hue + 0.58, min(garment.pattern_saturation + 0.2, 0.8)),
    ]
    return [
        (canvas.fill(*[shape * size + at for shape in ink.shapes]), colours[ink.tone])
        for ink in inks
    ]


def _compose(
    canvas: Canvas,
    garment: Garment,
    print_inks: list[tuple[Mask, Colour]],
    picture: npt.NDArray[np.uint8],
) -> None:
    """Write the finished picture from the canvas's layers."""
    wall = light.background(garment, canvas)
    base, other = base_colour(garment), pattern_colour(garment)
    warm = (1 + garment.background_warmth, 1.0, 1 - garment.background_warmth)
    # Black cloth still returns some light, white cloth never quite all of it.
    gain = canvas.shade * np.float32(255 * 0.95)
    haze = canvas.shade * np.float32(255 * 0.045)
    for channel in range(3):
        cloth = canvas.mix * np.float32(other[channel] - base[channel])
        cloth += np.float32(base[channel])
        cloth *= gain
        cloth += haze
        for mask, colour in print_inks + canvas.inks:
            window = mask.window
            lit = np.float32(colour[channel]) * gain[window] + haze[window]
            cloth[window] += mask.cover * (lit - cloth[window])
        behind = wall * np.float32(255 * warm[channel])
        cloth -= behind
        cloth *= canvas.cover
        cloth += behind
        np.clip(cloth, 0, 255, out=cloth)
        picture[:, :, channel] = cloth + np.float32(0.5)
