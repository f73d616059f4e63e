"""Draws altered copies of photos: mirrored, tilted, seen askew, tinted; knows no model.

Source: thesis on log ends, section 5.4.3, which names the kinds and no amounts.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

Pixels = npt.NDArray[np.uint8]

# Largest shift of a corner, as a share of the side: rotation, shear, scale and perspective in one.
CORNER_SHARE = 0.08
SHIFT_SHARE = 0.05
COLOUR_RANGE = (0.8, 1.2)


def altered(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Returns an altered copy of each picture ``(n, h, w, 3)``."""
    return np.stack([_altered(picture, rng) for picture in pixels])


def _altered(picture: Pixels, rng: np.random.Generator) -> Pixels:
    h, w = picture.shape[:2]
    image = Image.fromarray(picture)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    corners = np.array([[0, 0], [0, h], [w, h], [w, 0]], np.float64)
    sides = np.array([w, h])
    corners += sides * rng.uniform(-SHIFT_SHARE, SHIFT_SHARE, 2)
    corners += sides * rng.uniform(-CORNER_SHARE, CORNER_SHARE, (4, 2))
    background = tuple(int(v) for v in np.median(picture[[0, -1]].reshape(-1, 3), axis=0))
    image = image.transform(
        (w, h),
        Image.Transform.QUAD,
        tuple(corners.ravel().tolist()),
        Image.Resampling.BILINEAR,
        fillcolor=background,
    )
    for enhance in (ImageEnhance.Color, ImageEnhance.Brightness, ImageEnhance.Contrast):
        image = enhance(image).enhance(rng.uniform(*COLOUR_RANGE))
    return np.asarray(image)
