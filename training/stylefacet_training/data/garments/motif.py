"""Shapes of prints as polygons in a unit square; knows nothing of garments or pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stylefacet_training.data.garments.canvas import Points, shifted


@dataclass(frozen=True, slots=True)
class Ink:
    """Polygons of one colour; `tone` 0 is the pattern colour, 1 and 2 its companions."""

    tone: int
    shapes: tuple[Points, ...]


def ring(radius: float, *, at: tuple[float, float] = (0.0, 0.0), steps: int = 28) -> Points:
    """Return a circle as a polygon."""
    angle = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius + at


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """Return an upright rectangle."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def petals(count: int, depth: float, *, turn: float = 0.0, steps: int = 40) -> Points:
    """Return a flower with `count` petals and unit radius."""
    angle = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    radius = 1 - depth * (0.5 + 0.5 * np.cos(count * angle + turn))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]


def star(points: int, inner: float) -> Points:
    """Return a star with its first tip upwards."""
    angle = np.arange(2 * points) * math.pi / points - math.pi / 2
    radius = np.where(np.arange(2 * points) % 2 == 0, 1.0, inner)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]


def leaf() -> Points:
    """Return a slender leaf that points upwards."""
    t = np.linspace(0, math.pi, 12)
    right = np.stack([0.34 * np.sin(t), -np.cos(t)], axis=1)
    return np.concatenate([right, right[::-1] * (-1.0, 1.0)])


def heart() -> Points:
    """Return a heart of about unit size."""
    t = np.linspace(0, 2 * math.pi, 36, endpoint=False)
    x = np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16
    return np.stack([x, y], axis=1)


def blob(rng: np.random.Generator, *, rough: float = 0.35, steps: int = 36) -> Points:
    """Return a smooth random closed curve round the origin."""
    angle = np.linspace(0, 2 * math.pi, steps, endpoint=False)
    radius = np.ones(steps)
    for wave in (2, 3, 4, 5):
        radius += rough / wave * rng.normal() * np.cos(wave * angle + rng.uniform(0, 6.28))
    radius = np.clip(radius, 0.25, None) / max(radius.max(), 1.0)
    outline: Points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
    return outline


def scatter_shape(rng: np.random.Generator) -> Points:
    """Return one small shape for an all-over print, about unit radius."""
    kind = rng.integers(7)
    shapes: tuple[Callable[[], Points], ...] = (
        lambda: petals(5, 0.5),
        lambda: petals(int(rng.integers(4, 9)), 0.65),
        leaf,
        lambda: blob(rng, rough=0.6),
        lambda: star(int(rng.integers(4, 7)), 0.42),
        heart,
        lambda: blob(rng, rough=1.1) * (1.0, 0.55),
    )
    return shapes[kind]()


# Letters on a grid of 3 columns and 5 rows, one bit a cell from the top left.
GLYPHS: dict[str, int] = {
    "A": 0b010101111101101,
    "C": 0b011100100100011,
    "D": 0b110101101101110,
    "E": 0b111100110100111,
    "H": 0b101101111101101,
    "I": 0b111010010010111,
    "L": 0b100100100100111,
    "M": 0b101111111101101,
    "N": 0b111101101101101,
    "O": 0b111101101101111,
    "P": 0b111101111100100,
    "R": 0b110101110101101,
    "S": 0b011100010001110,
    "T": 0b111010010010010,
    "U": 0b101101101101111,
    "V": 0b101101101101010,
    "Y": 0b101101010010010,
}
WORDS = ("ALTO", "NORD", "SOUTH", "ATLAS", "MARE", "STUDIO", "LUNA", "TIDE", "HAVEN", "SOLIS")


def word(text: str) -> tuple[Points, ...]:
    """Return block letters from -1 to 1 across, as high as they come out."""
    cell = 2.0 / (4 * len(text) - 1)
    shapes = []
    for index, letter in enumerate(text):
        bits = GLYPHS[letter]
        for row in range(5):
            for column in range(3):
                if bits >> (14 - row * 3 - column) & 1:
                    x = -1 + (4 * index + column) * cell
                    y = (row - 2.5) * cell * 1.35
                    # A hair of overlap, or cells part at the sub-pixel grid.
                    shapes.append(box(x, y, x + cell * 1.08, y + cell * 1.43))
    return tuple(shapes)


def _lettering(rng: np.random.Generator) -> list[Ink]:
    words = rng.choice(WORDS, size=2, replace=False)
    upper = tuple(shape * (1.0, 0.9) for shape in word(words[0]))
    lower = tuple(shape * (0.62, 0.55) + (0.0, 0.62) for shape in word(words[1]))
    return [Ink(0, upper), Ink(int(rng.integers(0, 2)), lower)]


def _sunset(rng: np.random.Generator) -> list[Ink]:
    sun = ring(0.62, at=(rng.uniform(-0.2, 0.2), -0.2))
    t = np.linspace(-1, 1, 30)
    inks = [Ink(1, (sun,))]
    for tone, level in ((0, 0.15), (2, 0.5)):
        ridge = level + 0.18 * np.sin(t * rng.uniform(2, 5) + rng.uniform(0, 6))
        ridge += 0.06 * np.sin(t * 9 + rng.uniform(0, 6))
        bottom = 1 - 0.75 * (np.abs(t) ** 3)
        hill = np.stack([t, np.minimum(ridge, bottom)], axis=1)
        inks.append(Ink(tone, (np.concatenate([hill, np.stack([t, bottom], axis=1)[::-1]]),)))
    return inks


def _cut_outs(rng: np.random.Generator) -> list[Ink]:
    inks = []
    for tone in range(3):
        at = rng.uniform(-0.5, 0.5, 2)
        inks.append(Ink(tone, (blob(rng, rough=0.8) * rng.uniform(0.3, 0.6) + at,)))
    return inks


def _bouquet(rng: np.random.Generator) -> list[Ink]:
    stems, flowers, hearts = [], [], []
    for _ in range(int(rng.integers(3, 6))):
        at = rng.uniform((-0.65, -0.8), (0.65, 0.1))
        size = rng.uniform(0.2, 0.36)
        stems.append(np.array([at, shifted(at, 0.04, 0), (0.05, 1.0), (0.0, 1.0)]))
        stems.append(leaf() * 0.22 + (at * 0.5 + (0.12, 0.5)))
        flowers.append(petals(int(rng.integers(5, 8)), 0.45, turn=rng.uniform(0, 6)) * size + at)
        hearts.append(ring(size * 0.28, at=(at[0], at[1]), steps=14))
    return [Ink(2, tuple(stems)), Ink(0, tuple(flowers)), Ink(1, tuple(hearts))]


def _blocks(rng: np.random.Generator) -> list[Ink]:
    count = int(rng.integers(2, 5))
    cell = 2 / count
    tones = rng.integers(0, 3, (count, count))
    inks: list[list[Points]] = [[], [], []]
    for row in range(count):
        for column in range(count):
            x, y = -1 + column * cell, -1 + row * cell
            square = box(x, y, x + cell * 0.92, y + cell * 0.92)
            disc = ring(cell * 0.46, at=(x + cell * 0.46, y + cell * 0.46), steps=20)
            inks[tones[row, column]].append(disc if rng.random() < 0.4 else square)
    return [Ink(tone, tuple(shapes)) for tone, shapes in enumerate(inks) if shapes]


def _emblem(rng: np.random.Generator) -> list[Ink]:
    inner = (
        star(5, 0.42) * 0.55,
        heart() * 0.5,
        petals(6, 0.5) * 0.55,
        leaf() * 0.6,
        star(8, 0.6) * 0.55,
    )[int(rng.integers(5))]
    frame = ring(1.0) if rng.random() < 0.6 else box(-0.9, -0.9, 0.9, 0.9)
    return [Ink(0, (frame,)), Ink(1, (frame * 0.86,)), Ink(0, (inner,))]


def _single(rng: np.random.Generator) -> list[Ink]:
    shape = (heart(), star(5, 0.4), petals(5, 0.45), ring(0.9), leaf())[int(rng.integers(5))]
    text = tuple(part * (0.55, 0.4) + (0.0, 1.25) for part in word(str(rng.choice(WORDS))))
    return [Ink(0, (shape,)), Ink(int(rng.integers(0, 3)), text)]


def _waves(rng: np.random.Generator) -> list[Ink]:
    t = np.linspace(-1, 1, 40)
    inks = []
    for index, level in enumerate(np.linspace(-0.8, 0.8, int(rng.integers(4, 7)))):
        wave = level + 0.13 * np.sin(t * rng.uniform(4, 7) + rng.uniform(0, 6))
        upper = np.stack([t, wave - 0.07], axis=1)
        inks.append(Ink(index % 3, (np.concatenate([upper, shifted(upper, 0.0, 0.14)[::-1]]),)))
    return inks


def chest_motif(rng: np.random.Generator) -> list[Ink]:
    """Return the inks of one chest print, within about [-1, 1] both ways."""
    kinds: tuple[Callable[[np.random.Generator], list[Ink]], ...]
    kinds = (_lettering, _sunset, _cut_outs, _bouquet, _blocks, _emblem, _single, _waves)
    return kinds[int(rng.integers(len(kinds)))](rng)
