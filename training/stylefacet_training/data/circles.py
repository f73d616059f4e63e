"""Draws the circles of the thesis, data sets 1 and 2, from known factors; knows no model.

Source: thesis, sections 4.3.1 and 4.3.2. Radius uniform in 1..20, both coordinates of the centre
uniform in 20..44, also the vertical one on 96 rows: taken literally, all circles lie in the upper
two thirds. In set 2 the draw is repeated for every colour channel.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField
from stylefacet_training.data.factor import FactorKind, FactorSpec
from stylefacet_training.data.pictures import PictureSet

PREFIX = "circles:"
FORM = "circles:1 or circles:2, with ,count=N and ,seed=S if wanted"
HEIGHT_PX, WIDTH_PX = 96, 64
COUNT = 10_000
CHANNEL_NAMES = ("red", "green", "blue")
_RANGES = {"scale": (1.0, 20.0), "horizontal": (20.0, 44.0), "vertical": (20.0, 44.0)}


@dataclass(frozen=True, slots=True)
class CircleSource:
    """Which circles to draw: set 1 has one white circle, set 2 one a colour channel."""

    number: int
    count: int = COUNT
    seed: int = 0

    @classmethod
    def parse(cls, text: str) -> "CircleSource":
        """Returns what ``circles:2,count=500,seed=3`` asks for.

        Raises:
            InvalidField: when the text has another form.
        """
        number, *options = text.removeprefix(PREFIX).split(",")
        values = {"number": number}
        for option in options:
            name, _, value = option.partition("=")
            values[name.strip()] = value.strip()
        if set(values) - {"number", "count", "seed"} or not all(
            value.isdecimal() for value in values.values()
        ):
            raise InvalidField("data", f"{text!r} is not {FORM}")
        source = cls(**{name: int(value) for name, value in values.items()})
        if source.number not in (1, 2) or source.count < 2:
            raise InvalidField("data", f"{text!r} is not {FORM}, of a count of 2 or more")
        return source

    @property
    def specs(self) -> tuple[FactorSpec, ...]:
        """The factors of the set: three, or three a channel."""
        prefixes = ("",) if self.number == 1 else tuple(f"{name} " for name in CHANNEL_NAMES)
        return tuple(
            FactorSpec(prefix + name, FactorKind.CONTINUOUS, "px", low, high)
            for prefix in prefixes
            for name, (low, high) in _RANGES.items()
        )


def circle_factors(source: CircleSource) -> npt.NDArray[np.float64]:
    """Returns the factors of a source's pictures, ``(n, 3)`` or ``(n, 9)`` in pixels."""
    rng = np.random.default_rng(source.seed)
    return np.stack([spec.draw(source.count, rng) for spec in source.specs], 1).astype(np.float64)


def draw_circles(source: CircleSource, height_px: int, width_px: int) -> PictureSet:
    """Returns the pictures, 0 outside and 255 inside, edges hard.

    Raises:
        InvalidField: when another size than 96x64 is asked for.
    """
    if (height_px, width_px) != (HEIGHT_PX, WIDTH_PX):
        raise InvalidField("data", f"circles have {HEIGHT_PX}x{WIDTH_PX} pixels")
    pixels = circles(circle_factors(source))
    return PictureSet(
        title=f"circles {source.number}",
        pixels=pixels,
        names=tuple(f"seed {source.seed} circle {i}" for i in range(source.count)),
        groups=tuple(f"circle {i}" for i in range(source.count)),
    )


def circles(factors: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Returns the pictures ``(n, 96, 64, 3)`` of factors ``(n, 3)`` or ``(n, 9)``."""
    pixels = np.empty((len(factors), HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    rows = np.arange(HEIGHT_PX)[None, :, None]
    columns = np.arange(WIDTH_PX)[None, None, :]
    for channel in range(3):
        first = 0 if factors.shape[1] == 3 else 3 * channel
        r, x, y = (factors[:, first + i, None, None] for i in range(3))
        pixels[..., channel] = 255 * ((columns - x) ** 2 + (rows - y) ** 2 <= r**2)
    return pixels
