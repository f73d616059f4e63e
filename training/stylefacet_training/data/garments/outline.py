"""The cut of a garment as curves in garment units; knows nothing of pixels, colour or light."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from stylefacet_training.data.garments.canvas import Points, smoothstep
from stylefacet_training.data.garments.factors import COLLARS, HEMS, Garment

SLEEVELESS = 0.08
"""Sleeve lengths below this are armholes without a sleeve."""

FULL_SLEEVE = 119.0
"""Length of a full sleeve along its middle, in garment units."""


@dataclass(frozen=True, slots=True)
class NeckCut:
    """The opening of a collar type: half width, depth range and the curve's exponents."""

    half_width: float
    shallow: float
    deep: float
    outer: float
    inner: float
    band: float
    """Width of the rib band along the opening, 0 for none."""
    top: float = -7.0
    """Highest point that the collar can reach."""
    share: float = 0.66
    """Largest share of the shoulders' width that the opening takes."""


NECK_CUTS: dict[str, NeckCut] = {
    "crew": NeckCut(18.0, 9.0, 17.0, 2.0, 0.62, 4.6),
    "v_neck": NeckCut(18.0, 24.0, 50.0, 1.06, 1.0, 3.6),
    "scoop": NeckCut(24.0, 23.0, 44.0, 2.5, 0.72, 2.4),
    "boat": NeckCut(36.0, 3.5, 9.0, 2.2, 0.9, 1.8, -7.0, 0.76),
    "turtle_neck": NeckCut(16.5, 2.5, 3.5, 2.0, 1.0, 0.0, -30.0),
    "polo": NeckCut(15.0, 8.0, 15.0, 1.2, 1.0, 0.0, -9.0),
    "shirt_collar": NeckCut(15.0, 7.0, 30.0, 1.1, 1.0, 0.0, -9.0),
    "hood": NeckCut(17.0, 12.0, 24.0, 1.3, 0.9, 0.0, -20.0),
}


@dataclass(frozen=True, slots=True)
class Sleeve:
    """One sleeve: its outline, its middle line and what runs along it."""

    side: int
    """-1 for the picture's left, 1 for its right."""
    outline: Points
    inner: Points
    """The edge that faces the body, from the armpit down."""
    armhole: Points
    middle: Points
    """`(m, 2)` from the armhole to the wrist of a full sleeve, even steps of length."""
    half_width: Points
    """`(m,)` half widths along `middle`."""
    direction: Points
    """`(m, 2)` unit vectors along `middle`."""
    reach: float
    """Length of this sleeve in garment units."""

    @property
    def course(self) -> Points:
        """`(m, 5)` along `middle`: its x, the length so far, sine and cosine, half width."""
        length = even(0.0, FULL_SLEEVE, len(self.middle))
        return np.column_stack([self.middle[:, 0], length, self.direction, self.half_width])

    def across(self, reach: float) -> Points:
        """Return the `(2, 2)` outer and inner edge point `reach` units down the sleeve."""
        steps = even(0.0, FULL_SLEEVE, len(self.middle))
        middle = np.array([np.interp(reach, steps, self.middle[:, i]) for i in (0, 1)])
        along = np.array([np.interp(reach, steps, self.direction[:, i]) for i in (0, 1)])
        normal = np.array([along[1], -along[0]]) * self.side
        half = float(np.interp(reach, steps, self.half_width))
        return np.array([middle + normal * half, middle - normal * half])


@dataclass(frozen=True, slots=True)
class Outline:
    """All curves of one garment."""

    collar: str
    top: float
    """Highest point of collar or hood, above 0."""
    neck: Points
    """`(m, 2)` front opening from the picture's left to its right."""
    neck_depth: float
    cut: NeckCut
    body: Points
    hem: Points
    """`(m, 2)` bottom edge, right to left."""
    length: float
    half_width: float
    """Half width at the armhole's bottom."""
    hem_half_width: float
    armhole_y: float
    shoulder: tuple[float, float]
    sleeves: tuple[Sleeve, Sleeve] | None
    armholes: tuple[Points, Points]

    @property
    def extent(self) -> Points:
        """Points whose bounds hold the whole garment, collar included."""
        parts = [self.body, np.array([[-38.0, self.top], [38.0, self.top]])]
        if self.sleeves is not None:
            parts += [sleeve.outline for sleeve in self.sleeves]
        return np.concatenate(parts)

    def half_width_at(self, y: Points) -> Points:
        """Return the body's half width at heights `y`, for shading and pattern."""
        share = np.clip((y - self.armhole_y) / (self.length - self.armhole_y), 0.0, 1.0)
        return self.half_width + (self.hem_half_width - self.half_width) * share**1.5


def bezier(*controls: tuple[float, float], steps: int = 16) -> Points:
    """Return `(steps, 2)` points of the Bezier curve with the given control points."""
    points: Points = _bernstein(len(controls) - 1, steps) @ np.array(controls)
    return points


@lru_cache(maxsize=64)
def _bernstein(degree: int, steps: int) -> Points:
    """Return `(steps, degree + 1)` weights of a Bezier curve's control points."""
    t = np.linspace(0.0, 1.0, steps)[:, None]
    power = np.arange(degree + 1)
    choose = np.array([math.comb(degree, k) for k in power], dtype=np.float64)
    weights: Points = choose * t**power * (1 - t) ** (degree - power)
    return weights


@lru_cache(maxsize=64)
def even(low: float, high: float, steps: int) -> Points:
    """Return `(steps,)` evenly spaced numbers, computed once: do not write to them."""
    numbers: Points = np.linspace(low, high, steps)
    numbers.flags.writeable = False
    return numbers


@lru_cache(maxsize=16)
def _neck_shape(outer: float, inner: float, steps: int) -> Points:
    """Return `(steps, 2)` of the opening with unit half width and depth."""
    t = np.sin(np.linspace(-math.pi / 2, math.pi / 2, steps))
    return np.stack([t, (1 - np.abs(t) ** outer) ** inner], axis=1)


def mirrored(points: Points) -> Points:
    """Return the points mirrored left to right, in reversed order."""
    return points[::-1] * (-1.0, 1.0)


def neck_cut(collar: str, shoulder: float) -> NeckCut:
    """Return the collar's opening, no wider than shoulders of half width `shoulder` carry."""
    cut = NECK_CUTS[collar]
    return replace(cut, half_width=min(cut.half_width, shoulder * cut.share))


def neck_curve(cut: NeckCut, depth: float, *, grow: float = 0.0, steps: int = 33) -> Points:
    """Return the `(steps, 2)` front opening, `grow` units wider and deeper than cut."""
    curve: Points = _neck_shape(cut.outer, cut.inner, steps) * (cut.half_width + grow, depth + grow)
    return curve


def _side(
    garment: Garment, half: float, hem_half: float, armhole_y: float, length: float
) -> Points:
    """Return the right side seam from the armpit to the hem."""
    t = even(0.0, 1.0, 14)
    y = armhole_y + (length - armhole_y) * t
    waist = 1.6 * (1 - garment.body_width) * np.sin(math.pi * t)
    return np.stack([half - waist + (hem_half - half) * t**1.5, y], axis=1)


def _hem(kind: str, half: float, length: float, flare: float) -> Points:
    """Return the bottom edge from right to left."""
    t = even(1.0, -1.0, 33)
    if kind == "curved":
        sag = 4.0 - 11.0 * np.abs(t) ** 3.2
    else:
        sag = 1.8 * (1 - t * t) + 1.1 * flare * np.cos(t * 9.0) * (1 - t * t)
    return np.stack([half * t, length + sag], axis=1)


def _sleeves(garment: Garment, armholes: list[Points]) -> tuple[Sleeve, Sleeve]:
    """Return the sleeves that hang from the left and right armhole (shoulder tip to armpit)."""
    steps = 25
    run = even(0.0, FULL_SLEEVE, steps)
    # Short sleeves stand off, long ones are laid down along the body.
    start, end = 43.0 - 20.0 * garment.sleeve_length, garment.sleeve_angle
    angle = np.radians(end + (start - end) * np.exp(-run / 38.0))
    direction = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    step = FULL_SLEEVE / (steps - 1)
    course = np.zeros((steps, 2))
    np.cumsum(direction[:-1] * step, axis=0, out=course[1:])
    root = math.dist(armholes[1][0], armholes[1][-1]) / 2 * 0.86
    wrist = 8.2 + 3.2 * garment.sleeve_width
    half = wrist + (root - wrist) * (1 - run / FULL_SLEEVE) ** (1.5 - 0.7 * garment.sleeve_width)
    reach = FULL_SLEEVE * (garment.sleeve_length - SLEEVELESS) / (1 - SLEEVELESS)
    whole = min(int(reach / step), steps - 2)
    part = reach / step - whole
    offset = direction[:, ::-1] * (1.0, -1.0) * half[:, None]
    # At the armhole the edges start from the seam and swing into the sleeve's own width.
    pull = np.exp(-run / 11.0)[:, None]
    pair = []
    for side, armhole in zip((-1, 1), armholes, strict=True):
        flip = (side, 1.0)
        tip, pit = armhole[0], armhole[-1]
        middle = (tip + pit) / 2 + course * flip
        outer, inner = middle + offset * flip, middle - offset * flip
        outer += (tip - outer[0]) * pull
        inner += (pit - inner[0]) * pull
        for edge in (outer, inner):
            edge[whole + 1] = edge[whole] + (edge[whole + 1] - edge[whole]) * part
        outer, inner = outer[: whole + 2], inner[: whole + 2]
        outline = np.concatenate([armhole[::-1], outer, inner[::-1]])
        pair.append(Sleeve(side, outline, inner, armhole, middle, half, direction * flip, reach))
    return pair[0], pair[1]


def outline_of(garment: Garment) -> Outline:
    """Return the curves of one garment."""
    collar = COLLARS[garment.collar]
    length = 88.0 + 66.0 * garment.body_length
    half = 34.0 + 15.0 * garment.body_width
    shoulder = 0.9 * half + 3.5
    cut = neck_cut(collar, shoulder)
    depth = cut.shallow + (cut.deep - cut.shallow) * garment.collar_depth
    hem_half = half + 1.0 + 15.0 * garment.flare * (0.4 + 0.6 * garment.body_length)
    armhole_y = 42.0 + 5.0 * garment.body_width + 4.0 * garment.armhole_depth
    bare = 1 - smoothstep(0.0, SLEEVELESS, garment.sleeve_length)
    tip_x = shoulder * (1 - 0.12 * bare)
    tip_y = 9.0 + 3.0 * garment.body_width
    armholes = []
    for side in (-1, 1):
        drop = garment.lean * side
        bow = tip_x - 3.0 - 5.0 * bare
        right = bezier(
            (tip_x, tip_y + drop),
            (bow, tip_y + 14),
            (bow + 1, armhole_y - 4 - 5 * bare),
            (half, armhole_y + drop),
        )
        armhole = right * (side, 1.0)
        armholes.append(armhole)
    hem = _hem(HEMS[garment.hem], hem_half, length, garment.flare)
    side_seam = _side(garment, half, hem_half, armhole_y, length)
    neck = neck_curve(cut, depth)
    side_end = hem[0, 1] - length
    side_seam[:, 1] += even(0.0, 1.0, 14) * side_end
    left_seam = mirrored(side_seam)
    body = np.concatenate([neck, armholes[1], side_seam, hem, left_seam, armholes[0][::-1]])
    pair = _sleeves(garment, armholes) if garment.sleeve_length >= SLEEVELESS else None
    return Outline(
        collar=collar,
        top=cut.top,
        neck=neck,
        neck_depth=depth,
        cut=cut,
        body=body,
        hem=hem,
        length=length,
        half_width=half,
        hem_half_width=hem_half,
        armhole_y=armhole_y,
        shoulder=(tip_x, tip_y),
        sleeves=pair,
        armholes=(armholes[0], armholes[1]),
    )
