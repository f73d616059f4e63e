"""Renders garments in memory as a picture set; knows how they are asked for, not how drawn."""

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from stylefacet.errors import InvalidField
from stylefacet.imaging import read_letterbox
from stylefacet_training.data.garments import GarmentFactors, render
from stylefacet_training.data.garments.catalogue import JPEG_QUALITY, style_factors
from stylefacet_training.data.pictures import PictureSet

PREFIX = "garments:"
FORM = "garments:COUNT, with ,seed=S and ,colourways=K and ,prints=1 if wanted"
# Garments a task of the pool draws.
CHUNK = 32


@dataclass(frozen=True, slots=True)
class RenderedSource:
    """Which garments to draw; ``colourways`` of one style follow one another and form a group.

    With ``prints`` those of one style differ in pattern, fabric and trim too: pairs that teach
    what a collar or a sleeve is whatever is printed on it.
    """

    count: int
    seed: int = 0
    colourways: int = 1
    prints: bool = False

    @classmethod
    def parse(cls, text: str) -> "RenderedSource":
        """Returns what ``garments:20000,seed=3,colourways=4`` asks for.

        Raises:
            InvalidField: when the text has another form.
        """
        count, *options = text.removeprefix(PREFIX).split(",")
        numbers = {"count": count}
        for option in options:
            name, _, value = option.partition("=")
            numbers[name.strip()] = value.strip()
        if set(numbers) - {"count", "seed", "colourways", "prints"} or not all(
            value.isdecimal() for value in numbers.values()
        ):
            raise InvalidField("data", f"{text!r} is not {FORM}")
        prints = bool(int(numbers.pop("prints", "0")))
        source = cls(**{name: int(value) for name, value in numbers.items()}, prints=prints)
        if source.count < 2 or source.colourways < 1:
            raise InvalidField(
                "data", f"{text!r} needs a count of 2 or more and a colourway or more"
            )
        return source


def render_pictures(
    source: RenderedSource,
    height_px: int,
    width_px: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> PictureSet:
    """Returns rendered garments, read as the service would read them from JPEG files."""
    rng = np.random.default_rng(source.seed)
    factors = style_factors(source.count, source.colourways, rng, prints=source.prints)
    pixels = np.empty((source.count, height_px, width_px, 3), dtype=np.uint8)

    def draw(start: int) -> int:
        chunk = factors.take(slice(start, start + CHUNK))
        pixels[start : start + CHUNK] = _letterboxes(chunk, height_px, width_px)
        return start + len(chunk)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(draw, range(0, source.count, CHUNK)):
            advance(done, source.count)
    return PictureSet(
        title="rendered garments",
        pixels=pixels,
        names=tuple(f"seed {source.seed} garment {i}" for i in range(source.count)),
        groups=tuple(f"style {i // source.colourways}" for i in range(source.count)),
    )


def _letterboxes(factors: GarmentFactors, height_px: int, width_px: int) -> npt.NDArray[np.uint8]:
    letterboxes = []
    for picture in render(factors):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=JPEG_QUALITY)
        letterboxes.append(read_letterbox(buffer.getvalue(), height_px, width_px).pixels)
    return np.stack(letterboxes)
