"""Pictures of garments from their factors: puts outline, cloth, collar and light together."""

from __future__ import annotations

import colorsys
import math

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
    Window,
    shifted,
)
from stylefacet_training.data.garments.factors import (
    HEMS,
    Garment,
    GarmentFactors,
    sample_nuisances,
)
from stylefacet_training.data.garments.outline import (
    Outline,
    Sleeve,
    bezier,
    even,
    mirrored,
    outline_of,
)

HEIGHT, WIDTH = 256, 192
"""Pixels of the usual picture; garment units are pixels of that height."""

WARMEST = 2
"""Grey levels by which the warmest background's red exceeds its green."""

RIBBED_FROM = 60.0
"""Shorter sleeves, in garment units, are hemmed even where the body is ribbed."""


def render(
    factors: GarmentFactors, height: int = HEIGHT, width: int = WIDTH
) -> npt.NDArray[np.uint8]:
    """Return `(n, height, width, 3)` uint8 RGB pictures of the garments."""
    pictures = np.empty((len(factors), height, width, 3), np.uint8)
    for row, garment in enumerate(factors.records()):
        _draw(garment, pictures[row])
    return pictures


def sample_observations_from_factors(
    factors: GarmentFactors, rng: np.random.Generator, height: int = HEIGHT, width: int = WIDTH
) -> npt.NDArray[np.uint8]:
    """Return `(n, height, width, 3)` pictures of the same factors under fresh nuisances."""
    return render(sample_nuisances(factors, rng), height, width)


def base_colour(garment: Garment) -> Colour:
    """Return the cloth's RGB in [0, 1]."""
    return _dyed(garment.hue, garment.saturation, garment.value)


def _dyed(hue: float, saturation: float, value: float) -> Colour:
    """Return the RGB of a dye: HSV's full greens and magentas are brighter than any cloth."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    luma = 0.30 * red + 0.59 * green + 0.11 * blue
    dull = 0.10 + 0.22 * saturation * max(math.cos(2 * math.pi * (hue - 0.36)), 0.0)
    return red + dull * (luma - red), green + dull * (luma - green), blue + dull * (luma - blue)


def pattern_colour(garment: Garment) -> Colour:
    """Return the pattern's RGB in [0, 1]: light on dark cloth and dark on light cloth."""
    return _contrast(garment, garment.pattern_hue, garment.pattern_saturation)


def _contrast(garment: Garment, hue: float, saturation: float) -> Colour:
    weights = (0.30, 0.59, 0.11)
    luma = sum(w * c for w, c in zip(weights, base_colour(garment), strict=True))
    value = 0.94 - 0.12 * saturation if luma < 0.5 else 0.16 + 0.3 * saturation
    return _dyed(hue, saturation, value)


def _draw(garment: Garment, picture: npt.NDArray[np.uint8]) -> None:
    height, width = picture.shape[:2]
    unit = height / HEIGHT
    outline = outline_of(garment)
    frame = Frame.of(
        zoom=garment.scale * unit,
        degrees=garment.rotation,
        left=width / 2 + garment.shift_x * unit,
        top=height / 2 + (garment.shift_y - outline.length / 2 + 3) * unit,
    )
    around = Window.around(frame.pixels(outline.extent), 3.0, height, width)
    canvas = Canvas(frame, light.aligned(around, height, width))
    cloth = pattern.cloth_of(garment, frame.zoom)
    rng = light.fold_rng(garment)
    texture = light.texture(garment, canvas, max(height, width), rng)
    folds = light.body_folds(canvas, garment, outline, rng)
    collars.paint_behind(canvas, garment, outline, cloth)
    _paint_body(canvas, garment, outline, cloth, folds)
    _paint_sleeves(canvas, garment, outline, cloth, rng)
    _paint_hem(canvas, garment, outline)
    _paint_pocket(canvas, garment, outline)
    print_inks = _chest_print(canvas, garment, outline)
    collars.paint_front(canvas, garment, outline, cloth)
    canvas.flush()
    canvas.shade *= texture
    cover = light.coarse_cover(canvas)
    canvas.shade *= light.roundness(garment, canvas, cover)
    wall = light.background(garment, canvas, cover, height, width)
    _compose(canvas, garment, print_inks, wall, picture)


def _paint_body(
    canvas: Canvas, garment: Garment, outline: Outline, cloth: pattern.Cloth, folds: Plane
) -> None:
    mask = canvas.fill(outline.body)
    x, y = canvas.grid(mask)
    shade = light.body_roundness(outline, x, y) + folds[mask.window.slices]
    if cloth is pattern.plain:
        canvas.paint(mask, shade=shade)
        return
    share = x[:1] * np.float32(1 / outline.half_width)
    sag = 1.6 * share * share + 0.7 * np.sin(x[:1] * 0.11 + garment.fold_seed * 6)
    warp = folds[mask.window.slices] * np.float32(7)
    canvas.paint(mask, mix=cloth(x + warp, y - sag.astype(np.float32) + warp), shade=shade)


def _paint_hem(canvas: Canvas, garment: Garment, outline: Outline) -> None:
    if HEMS[garment.hem] != "ribbed":
        edge = outline.hem * (0.985, 1.0)
        canvas.seam(shifted(edge, 0.0, -3.4), share=0.13, width=0.8)
        canvas.seam(shifted(edge, 0.0, -0.5), share=0.12, width=1.0)
        return
    inner = [shifted(outline.hem, 0.0, -9.0)]
    ribs = [np.concatenate([outline.hem, inner[0][::-1]])]
    for sleeve in outline.sleeves or ():
        if sleeve.reach > RIBBED_FROM:
            cuff = sleeve.across(sleeve.reach), sleeve.across(sleeve.reach - 9.0)
            inner.append(cuff[1])
            ribs.append(np.concatenate([cuff[0], cuff[1][::-1]]))
    mask = canvas.fill(*ribs)
    x, _ = canvas.grid(mask)
    canvas.darken(mask, 1 - collars.ribs(x))
    if garment.contrast_trim:
        canvas.mixed = True
        window = mask.window.slices
        canvas.mix[window] += mask.cover * (1 - canvas.mix[window])
    for line in inner:
        canvas.seam(line, share=0.2)


def _sleeve_coordinates(
    canvas: Canvas, sleeves: tuple[Sleeve, Sleeve], masks: tuple[Mask, Mask]
) -> tuple[Plane, Plane, Plane]:
    """Return share (-1 inner, 1 outer edge), across and along of both sleeves' pixels.

    Each is `(2, height, width)`: the left sleeve, then the right one.
    """
    grids = [canvas.grid(mask) for mask in masks]
    x = np.stack([grid[0] for grid in grids])
    read = np.stack(
        [_read_course(sleeve, y) for sleeve, (_, y) in zip(sleeves, grids, strict=True)]
    )
    centre, along, sin, cos, outward = read.transpose(2, 0, 1)[..., None]
    offset = x - centre
    across = offset * cos
    share = across * outward
    np.clip(share, -1.2, 1.2, out=share)
    offset *= sin
    offset += along
    return share, across, offset


def _read_course(sleeve: Sleeve, y: Plane) -> Plane:
    """Return `(rows, 5)`: x, length so far, sine, cosine and 1 / half width, outwards positive."""
    rows = y[:, y.shape[1] // 2]
    # All that varies along the sleeve, as columns, read off at the height of each pixel row.
    course, heights = sleeve.course, sleeve.middle[:, 1]
    place = np.interp(rows, heights, even(0.0, len(heights) - 1.0, len(heights)))
    step = np.minimum(place.astype(np.int64), len(heights) - 2)
    part = (place - step)[:, None]
    read = course[step] * (1 - part) + course[step + 1] * part
    # Above the sleeve's root its axis goes on straight, or patterns would smear there.
    read[:, 1] += np.minimum(rows - heights[0], 0) / sleeve.direction[0, 1]
    read[:, 4] = sleeve.side / read[:, 4]
    return np.asarray(read, np.float32)


def _paint_sleeves(
    canvas: Canvas,
    garment: Garment,
    outline: Outline,
    cloth: pattern.Cloth,
    rng: np.random.Generator,
) -> None:
    if outline.sleeves is None:
        for armhole in outline.armholes:
            inset = -2.2 if armhole[0, 0] > 0 else 2.2
            canvas.seam(shifted(armhole, inset, 0.0), share=0.13, width=0.8)
        return
    masks = canvas.fill_pair(*[sleeve.outline for sleeve in outline.sleeves])
    share, across, along = _sleeve_coordinates(canvas, outline.sleeves, masks)
    shade = light.sleeve_light(garment, share, along, rng)
    mix = 1.0 if garment.contrast_sleeves else cloth(across, along + outline.shoulder[1])
    for side, mask in enumerate(masks):
        part = mix if isinstance(mix, float) else mix[side]
        canvas.paint(mask, mix=part, shade=shade[side])
    shoulder = np.array([(outline.cut.half_width + 1.0, 2.0), (outline.shoulder[0], 13.0)])
    for sleeve in outline.sleeves:
        canvas.seam(shoulder * (sleeve.side, 1.0), share=0.07)
        canvas.soft_shadow(sleeve.inner, share=0.15)
        canvas.seam(sleeve.armhole, share=0.24)
        canvas.seam(shifted(sleeve.armhole, -sleeve.side * 1.6, 0.0), share=0.07)
        ribbed = HEMS[garment.hem] == "ribbed" and sleeve.reach > RIBBED_FROM
        if sleeve.reach > 8 and not ribbed:
            canvas.seam(sleeve.across(sleeve.reach - 3.2), share=0.13, width=0.8)


def _paint_pocket(canvas: Canvas, garment: Garment, outline: Outline) -> None:
    if not garment.pocket:
        return
    if outline.collar == "hood":
        top, low = outline.length - 36.0, outline.length - 10.0
        half = 0.62 * outline.half_width
        right = bezier((half * 0.62, top), (half * 0.75, top + 13), (half, top + 17), steps=8)
        right = np.concatenate([right, [[half, low]]])
        shape = np.concatenate([mirrored(right), right])
    else:
        x, y = outline.half_width * 0.2, outline.armhole_y + 6.0
        shape = np.array([[x, y], [x + 16, y], [x + 16, y + 16], [x + 8, y + 19], [x, y + 16]])
        canvas.seam(shifted(shape[:2], 0.0, 2.6), share=0.1, width=0.8)
    canvas.darken(canvas.fill(shape), -0.025)
    canvas.seam(np.concatenate([shape, shape[:1]]), share=0.2)


def _chest_print(canvas: Canvas, garment: Garment, outline: Outline) -> list[tuple[Mask, Colour]]:
    """Return the inks of the chest print, if there is one."""
    if not pattern.chest_print(garment):
        return []
    rng = pattern.pattern_rng(garment)
    rng.random()  # Spent on the choice between chest and all-over.
    inks = motif.chest_motif(rng)
    size = (11.0 + 16.0 * garment.pattern_scale) * (0.8 + 0.2 * garment.body_width)
    at = (0.0, max(outline.neck_depth + 10.0, 30.0) + size)
    if outline.collar in ("polo", "shirt_collar"):
        size *= 0.6
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
    wall: Plane,
    picture: npt.NDArray[np.uint8],
) -> None:
    """Write the finished picture from the canvas's layers."""
    wall *= np.float32(255)
    np.minimum(wall, 255 - WARMEST, out=wall)
    grey = wall.astype(np.uint8)
    warmth = round(WARMEST * garment.background_warmth)
    base, other = base_colour(garment), pattern_colour(garment)
    gain = canvas.shade * np.float32(255)
    inside = canvas.window.slices
    for channel, tint in enumerate((warmth, 0, -warmth)):
        picture[:, :, channel] = grey + np.int8(tint).view(np.uint8)
        low, high = _returned(base[channel]), _returned(other[channel])
        if canvas.mixed:
            cloth = canvas.mix * np.float32(high - low)
            cloth += np.float32(low)
            cloth *= gain
        else:
            cloth = gain * np.float32(low)
        for mask, colour in print_inks + canvas.inks:
            window = mask.window.slices
            lit = np.float32(_returned(colour[channel])) * gain[window]
            cloth[window] += mask.cover * (lit - cloth[window])
        behind = wall[inside] + np.float32(tint)
        cloth -= behind
        cloth *= canvas.cover
        cloth += behind
        picture[(*inside, channel)] = np.minimum(cloth, 255, out=cloth)


def _returned(colour: float) -> float:
    """Return the light a dye sends back: black cloth some, white cloth never quite all."""
    return 0.05 + 0.97 * colour
