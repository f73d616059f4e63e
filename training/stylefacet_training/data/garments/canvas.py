"""Anti-aliased polygons painted into layers of one picture; knows nothing of garments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Plane: TypeAlias = npt.NDArray[np.float32]
Points: TypeAlias = npt.NDArray[np.float64]
Colour: TypeAlias = tuple[float, float, float]

SUPERSAMPLING = 4
"""Sub-pixels per pixel and axis: 17 grey levels at an edge, at 0.1 ms a large polygon."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Maps garment units (px of a 256 px high picture, origin at the neck) to pixels."""

    zoom: float
    cos: float
    sin: float
    left: float
    top: float

    @classmethod
    def of(cls, *, zoom: float, degrees: float, left: float, top: float) -> Frame:
        """Return the frame that scales, turns by `degrees`, then moves to `(left, top)`."""
        angle = math.radians(degrees)
        return cls(zoom, math.cos(angle), math.sin(angle), left, top)

    def pixels(self, points: Points) -> Points:
        """Return `(m, 2)` pixel coordinates of `(m, 2)` garment coordinates."""
        x, y = points[:, 0], points[:, 1]
        u = self.zoom * (self.cos * x - self.sin * y) + self.left
        v = self.zoom * (self.sin * x + self.cos * y) + self.top
        return np.stack([u, v], axis=1)

    def garment(self, top: int, left: int, height: int, width: int) -> tuple[Plane, Plane]:
        """Return garment coordinates x and y, each `(height, width)`, of a window's pixels."""
        u = (np.arange(left, left + width, dtype=np.float32) + 0.5 - self.left) / self.zoom
        v = (np.arange(top, top + height, dtype=np.float32) + 0.5 - self.top) / self.zoom
        x = (self.cos * u)[None, :] + (self.sin * v)[:, None]
        y = (-self.sin * u)[None, :] + (self.cos * v)[:, None]
        return x.astype(np.float32, copy=False), y.astype(np.float32, copy=False)


@dataclass(frozen=True, slots=True)
class Mask:
    """Coverage in [0, 1] of a shape within the picture: `(bottom-top, right-left)` float32."""

    top: int
    left: int
    cover: Plane

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the picture that the coverage lies on."""
        height, width = self.cover.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


class Canvas:
    """Layers of one picture, each `(height, width)` float32, painted back to front.

    `cover` is the garment against the background, `mix` the way from cloth colour (0) to
    pattern colour (1), `shade` the light that multiplies the colour.
    """

    def __init__(self, frame: Frame, height: int, width: int) -> None:
        """Start with an empty garment in full light."""
        self.frame = frame
        self.height, self.width = height, width
        self.cover: Plane = np.zeros((height, width), np.float32)
        self.mix: Plane = np.zeros((height, width), np.float32)
        self.shade: Plane = np.ones((height, width), np.float32)
        self.inks: list[tuple[Mask, Colour]] = []
        """Small coloured things laid over the cloth, in order: prints, labels, buttons."""

    def fill(self, *shapes: Points) -> Mask:
        """Return the coverage of the union of closed `(m, 2)` polygons in garment units."""
        return self._draw([self.frame.pixels(shape) for shape in shapes], stroke=None)

    def stroke(self, width: float, *lines: Points) -> Mask:
        """Return the coverage of open `(m, 2)` polylines, `width` garment units wide."""
        return self._draw([self.frame.pixels(line) for line in lines], stroke=width)

    def _draw(self, shapes: list[Points], stroke: float | None) -> Mask:
        pen = 0.0 if stroke is None else stroke * self.frame.zoom
        low = np.min([shape.min(axis=0) for shape in shapes], axis=0) - pen
        high = np.max([shape.max(axis=0) for shape in shapes], axis=0) + pen
        left, top = max(int(low[0]) - 1, 0), max(int(low[1]) - 1, 0)
        right, bottom = min(int(high[0]) + 2, self.width), min(int(high[1]) + 2, self.height)
        if right <= left or bottom <= top:
            return Mask(0, 0, np.zeros((0, 0), np.float32))
        size = ((right - left) * SUPERSAMPLING, (bottom - top) * SUPERSAMPLING)
        image = Image.new("L", size)
        draw = ImageDraw.Draw(image)
        for shape in shapes:
            # Pillow truncates to whole sub-pixels; + 0.5 makes that a rounding.
            corners = ((shape - (left, top)) * SUPERSAMPLING + 0.5).ravel().tolist()
            if stroke is None:
                draw.polygon(corners, fill=255)
            else:
                line_width = max(round(pen * SUPERSAMPLING), 1)
                draw.line(corners, fill=255, width=line_width, joint="curve")
        reduced = image.reduce(SUPERSAMPLING)
        cover = np.asarray(reduced, dtype=np.float32) * np.float32(1 / 255)
        return Mask(top, left, cover)

    def grid(self, mask: Mask) -> tuple[Plane, Plane]:
        """Return garment coordinates x and y of the mask's pixels."""
        return self.frame.garment(mask.top, mask.left, *mask.cover.shape)

    def paint(
        self, mask: Mask, *, mix: Plane | float | None = None, shade: Plane | float | None = None
    ) -> None:
        """Lay a piece of cloth over what is there; none leaves that layer as it is."""
        window, cover = mask.window, mask.cover
        self.cover[window] = np.maximum(self.cover[window], cover)
        if mix is not None:
            self.mix[window] += cover * (mix - self.mix[window])
        if shade is not None:
            self.shade[window] += cover * (shade - self.shade[window])

    def darken(self, mask: Mask, share: Plane | float) -> None:
        """Take `share` of the light away under the mask; negative shares brighten."""
        self.shade[mask.window] *= 1 - share * mask.cover


def shifted(points: Points, right: float, down: float) -> Points:
    """Return the `(m, 2)` points moved by garment units."""
    moved: Points = points + np.array([right, down])
    return moved


def smoothstep(low: float, high: float, value: float) -> float:
    """Return 0 below `low`, 1 above `high` and a smooth rise between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)
