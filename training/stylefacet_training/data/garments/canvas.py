"""Anti-aliased polygons painted into layers of one picture; knows nothing of garments."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Plane: TypeAlias = npt.NDArray[np.float32]
Points: TypeAlias = npt.NDArray[np.float64]
Colour: TypeAlias = tuple[float, float, float]

FINE, COARSE = 4, 2
"""Sub-pixels per pixel and axis: 17 grey levels at an outline; 5 do for a faint seam."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture: rows `[top, bottom)` and columns `[left, right)`."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def around(cls, corners: Points, margin: float, height: int, width: int) -> Window:
        """Return the smallest window round pixel positions, cut to the picture."""
        # Plain numbers: NumPy's scalars would take longer than all the rest.
        x, y = corners[:, 0], corners[:, 1]
        x0, y0, x1, y1 = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        left, top = min(max(int(x0 - margin), 0), width), min(max(int(y0 - margin), 0), height)
        right, bottom = min(int(x1 + margin) + 1, width), min(int(y1 + margin) + 1, height)
        return cls(top, left, max(bottom, top), max(right, left))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and columns of the window."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


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
        cos, sin = self.zoom * self.cos, self.zoom * self.sin
        moved: Points = points @ np.array([[cos, sin], [-sin, cos]])
        moved += (self.left, self.top)
        return moved

    def within(self, window: Window) -> Frame:
        """Return the same frame seen from a window of the picture."""
        return replace(self, left=self.left - window.left, top=self.top - window.top)

    def garment(self, window: Window) -> tuple[Plane, Plane]:
        """Return garment coordinates x and y of a window's pixels."""
        u = np.arange(window.left, window.right, dtype=np.float32)
        v = np.arange(window.top, window.bottom, dtype=np.float32)
        u = (u + np.float32(0.5 - self.left)) * np.float32(1 / self.zoom)
        v = (v + np.float32(0.5 - self.top)) * np.float32(1 / self.zoom)
        sin, cos = np.float32(self.sin), np.float32(self.cos)
        return (cos * u)[None, :] + (sin * v)[:, None], (cos * v)[:, None] - (sin * u)[None, :]


@dataclass(frozen=True, slots=True)
class Mask:
    """Coverage in [0, 1] of a shape: a plane of the window's shape."""

    window: Window
    cover: Plane


class Canvas:
    """Layers of one picture, each a float32 plane, painted back to front.

    They hold only `window`, the part of the picture that the garment can reach; all other
    positions, `frame` among them, count from the window's corner.

    `cover` is the garment against the background, `mix` the way from cloth colour (0) to
    pattern colour (1), `shade` the light that multiplies the colour.
    """

    def __init__(self, frame: Frame, window: Window) -> None:
        """Start with an empty garment in full light."""
        self.window = window
        self.frame = frame.within(window)
        self.height, self.width = window.shape
        self._x, self._y = self.frame.garment(Window(0, 0, *window.shape))
        self.cover: Plane = np.zeros(window.shape, np.float32)
        self.mix: Plane = np.zeros(window.shape, np.float32)
        self.shade: Plane = np.ones(window.shape, np.float32)
        self.mixed = False
        """Whether anything but plain cloth has been painted: `mix` is all 0 before."""
        self._pending: list[tuple[Points, float, float]] = []
        self.inks: list[tuple[Mask, Colour]] = []
        """Small coloured things laid over the cloth, in order: prints, labels, buttons."""

    def fill(self, *shapes: Points) -> Mask:
        """Return the coverage of the union of closed `(m, 2)` polygons in garment units."""
        return self._draw([(shape, 0.0, 1.0) for shape in shapes], FINE)

    def fill_pair(self, left: Points, right: Points) -> tuple[Mask, Mask]:
        """Return the masks of two polygons that lie apart, of equal shape, drawn at once."""
        whole = self.fill(left, right)
        edge = float(self.frame.pixels(left)[:, 0].max())
        other = float(self.frame.pixels(right)[:, 0].min())
        start, stop = whole.window.left, whole.window.right
        width = min(int(max(edge - start, stop - other)) + 2, stop - start)
        rows = whole.window.top, whole.window.bottom
        return (
            Mask(Window(rows[0], start, rows[1], start + width), whole.cover[:, :width]),
            Mask(
                Window(rows[0], stop - width, rows[1], stop),
                whole.cover[:, stop - start - width :],
            ),
        )

    def stroke(self, width: float, *lines: Points) -> Mask:
        """Return the coverage of open `(m, 2)` polylines, `width` garment units wide."""
        return self._draw([(line, width, 1.0) for line in lines], FINE)

    def bar(self, left: float, top: float, right: float, bottom: float) -> Mask:
        """Return the coverage of an upright rectangle: cheaper than a polygon."""
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        window = Window.around(self.frame.pixels(corners), 1.0, self.height, self.width)
        x, y = self._x[window.slices], self._y[window.slices]
        zoom = np.float32(self.frame.zoom)
        across = np.clip(np.minimum(x - left, right - x) * zoom + np.float32(0.5), 0, 1)
        down = np.clip(np.minimum(y - top, bottom - y) * zoom + np.float32(0.5), 0, 1)
        return Mask(window, across * down)

    def _draw(self, shapes: list[tuple[Points, float, float]], grain: int) -> Mask:
        """Return shapes of (points, pen width or 0 to fill, strength); later ones win."""
        corners = self.frame.pixels(np.concatenate([points for points, _, _ in shapes]))
        pen = max(width for _, width, _ in shapes) * self.frame.zoom / 2 + 1
        window = Window.around(corners, pen, self.height, self.width)
        height, width_px = window.shape
        if not height or not width_px:
            return Mask(window, np.zeros(window.shape, np.float32))
        image = Image.new("L", (width_px * grain, height * grain))
        # Pillow truncates to whole sub-pixels; + 0.5 makes that a rounding.
        corners -= (window.left, window.top)
        flat = (corners * grain + 0.5).ravel().tolist()
        draw = ImageDraw.Draw(image)
        start = 0
        for points, width, strength in shapes:
            stop = start + 2 * len(points)
            ink = round(255 * strength)
            if width:
                thick = max(round(width * self.frame.zoom * grain), 1)
                draw.line(flat[start:stop], ink, thick)
            else:
                draw.polygon(flat[start:stop], ink)
            start = stop
        pixels = np.frombuffer(image.reduce(grain).tobytes(), np.uint8)
        return Mask(window, pixels.reshape(window.shape) * np.float32(1 / 255))

    def seam(self, line: Points, share: float, width: float = 0.9) -> None:
        """Take `share` of the light away along a line, before the next piece is painted."""
        self._pending.append((_thinned(line), width, share))

    def soft_shadow(self, line: Points, share: float) -> None:
        """Darken softly along an edge that the next piece will lie over."""
        line = _thinned(line)
        for width, part in ((7.6, 0.25), (5.0, 0.55), (2.4, 1.0)):
            self._pending.append((line, width, share * part))

    def flush(self) -> None:
        """Draw the seams and shadows that are waiting."""
        if self._pending:
            pending, self._pending = self._pending, []
            self.darken(self._draw(pending, COARSE), 1.0)

    def grid(self, mask: Mask) -> tuple[Plane, Plane]:
        """Return garment coordinates x and y of the mask's pixels."""
        return self._x[mask.window.slices], self._y[mask.window.slices]

    @property
    def axes(self) -> tuple[Plane, Plane]:
        """Garment x of each column and y of each row, as if the garment hung straight."""
        return self._x[self.height // 2], self._y[:, self.width // 2]

    def paint(
        self, mask: Mask, *, mix: Plane | float | None = None, shade: Plane | float | None = None
    ) -> None:
        """Lay a piece of cloth over what is there; none leaves that layer as it is."""
        self.flush()
        window, cover = mask.window.slices, mask.cover
        # Pieces that share an edge add up along it: nothing shines through a seam.
        self.cover[window] = np.minimum(self.cover[window] + cover, 1)
        if mix is not None and (self.mixed or not isinstance(mix, float) or mix):
            self.mixed = True
            self.mix[window] += cover * (mix - self.mix[window])
        if shade is not None:
            self.shade[window] += cover * (shade - self.shade[window])

    def darken(self, mask: Mask, share: Plane | float) -> None:
        """Take `share` of the light away under the mask; negative shares brighten."""
        self.shade[mask.window.slices] *= 1 - share * mask.cover


def _thinned(line: Points) -> Points:
    """Return every other point of a long line: faint strokes need no more."""
    return line[::2] if len(line) > 8 and len(line) % 2 else line


def shifted(points: Points, right: float, down: float) -> Points:
    """Return the `(m, 2)` points moved by garment units."""
    moved: Points = points + np.array([right, down])
    return moved


def smoothstep(low: float, high: float, value: float) -> float:
    """Return 0 below `low`, 1 above `high` and a smooth rise between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)
