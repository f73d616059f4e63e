"""The known factors of a rendered garment and how they are drawn; knows nothing of pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from stylefacet_training.data.factor import FactorKind, FactorSpec

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]


COLLARS = ("crew", "v_neck", "scoop", "boat", "turtle_neck", "polo", "shirt_collar", "hood")
PATTERNS = ("plain", "stripes", "check", "dots", "print")
FABRICS = ("jersey", "melange", "knit", "woven")
HEMS = ("stitched", "ribbed", "curved")

_CONT, _CIRC, _CAT = FactorKind.CONTINUOUS, FactorKind.CIRCULAR, FactorKind.CATEGORICAL

FACTORS: tuple[FactorSpec, ...] = (
    FactorSpec("sleeve_length", _CONT, "share of a full sleeve"),
    FactorSpec("collar", _CAT, "type", values=COLLARS),
    FactorSpec("collar_depth", _CONT, "share of the type's range"),
    FactorSpec("body_length", _CONT, "share, cropped to tunic"),
    FactorSpec("body_width", _CONT, "share, fitted to oversized"),
    FactorSpec("flare", _CONT, "share, straight to flared", skew=2.0),
    FactorSpec("hue", _CIRC, "turns"),
    FactorSpec("saturation", _CONT, "HSV", high=0.8, skew=1.6),
    FactorSpec("value", _CONT, "HSV", low=0.1, high=0.97, skew=0.8),
    FactorSpec("contrast_sleeves", _CAT, "yes or no", values=("no", "yes"), odds=(0.88, 0.12)),
    FactorSpec("pattern", _CAT, "type", values=PATTERNS),
    FactorSpec("pattern_scale", _CONT, "share, fine to coarse"),
    FactorSpec("pattern_hue", _CIRC, "turns"),
)
"""What a picture shows on purpose: the ground truth of the benchmark."""

NUISANCES: tuple[FactorSpec, ...] = (
    FactorSpec("shift_x", _CONT, "px of 192", low=-3.0, high=3.0),
    FactorSpec("shift_y", _CONT, "px of 256", low=-6.0, high=6.0),
    FactorSpec("scale", _CONT, "ratio", low=0.97, high=1.07),
    FactorSpec("rotation", _CONT, "degrees", low=-1.6, high=1.6),
    FactorSpec("lean", _CONT, "px left-right difference", low=-1.0, high=1.0),
    FactorSpec("background_value", _CONT, "share of white", low=0.83, high=1.0, skew=0.35),
    FactorSpec("background_warmth", _CONT, "blue to red", low=-1.0, high=1.0),
    FactorSpec("background_gradient", _CONT, "share", low=-0.03, high=0.03),
    FactorSpec("vignette", _CONT, "share", high=0.06, skew=2.5),
    FactorSpec("light_angle", _CONT, "radians from above", low=-0.9, high=0.9),
    FactorSpec("light_strength", _CONT, "ratio", low=0.75, high=1.25),
    FactorSpec("shadow", _CONT, "share", low=0.06, high=0.28),
    FactorSpec("fold_strength", _CONT, "ratio", low=0.7, high=1.7),
    FactorSpec("fold_seed", _CONT, "seed / 2**32"),
    FactorSpec("pattern_seed", _CONT, "seed / 2**32"),
    FactorSpec("pattern_saturation", _CONT, "HSV", high=0.65, skew=1.6),
    FactorSpec("fabric", _CAT, "type", values=FABRICS, odds=(0.45, 0.15, 0.2, 0.2)),
    FactorSpec("hem", _CAT, "type", values=HEMS, odds=(0.55, 0.3, 0.15)),
    FactorSpec("contrast_trim", _CAT, "yes or no", values=("no", "yes"), odds=(0.88, 0.12)),
    FactorSpec("pocket", _CAT, "yes or no", values=("no", "yes"), odds=(0.78, 0.22)),
    FactorSpec("sleeve_width", _CONT, "share, slim to wide"),
    FactorSpec("sleeve_angle", _CONT, "degrees from vertical at the wrist", low=4.0, high=11.0),
    FactorSpec("armhole_depth", _CONT, "share"),
)
"""What varies as it does in a studio, drawn beside the factors and recorded with them."""


@dataclass(frozen=True, slots=True)
class GarmentFactors:
    """Factors and nuisances of n garments, each an `(n,)` array: float64, int64 if categorical.

    The fields are `FACTORS` followed by `NUISANCES`, by name and in that order.
    """

    sleeve_length: FloatArray
    collar: IntArray
    collar_depth: FloatArray
    body_length: FloatArray
    body_width: FloatArray
    flare: FloatArray
    hue: FloatArray
    saturation: FloatArray
    value: FloatArray
    contrast_sleeves: IntArray
    pattern: IntArray
    pattern_scale: FloatArray
    pattern_hue: FloatArray
    shift_x: FloatArray
    shift_y: FloatArray
    scale: FloatArray
    rotation: FloatArray
    lean: FloatArray
    background_value: FloatArray
    background_warmth: FloatArray
    background_gradient: FloatArray
    vignette: FloatArray
    light_angle: FloatArray
    light_strength: FloatArray
    shadow: FloatArray
    fold_strength: FloatArray
    fold_seed: FloatArray
    pattern_seed: FloatArray
    pattern_saturation: FloatArray
    fabric: IntArray
    hem: IntArray
    contrast_trim: IntArray
    pocket: IntArray
    sleeve_width: FloatArray
    sleeve_angle: FloatArray
    armhole_depth: FloatArray

    def __len__(self) -> int:
        return len(self.sleeve_length)

    def take(self, rows: npt.ArrayLike | slice) -> GarmentFactors:
        """Return the chosen rows, in the order asked for."""
        return GarmentFactors(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def record(self, row: int) -> Garment:
        """Return one garment with plain Python numbers."""
        return Garment(**{f.name: getattr(self, f.name)[row].item() for f in fields(self)})

    def records(self) -> Iterator[Garment]:
        """Yield the garments one by one: quicker than `record` for each."""
        columns = [getattr(self, f.name).tolist() for f in fields(self)]
        for row in zip(*columns, strict=True):
            yield Garment(*row)

    def matrix(self) -> FloatArray:
        """Return `(n, len(FACTORS))` float64 in the order of `FACTORS`, indices as numbers."""
        columns = [getattr(self, spec.name).astype(np.float64) for spec in FACTORS]
        return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True)
class Garment:
    """One row of `GarmentFactors`: what the drawing code reads."""

    sleeve_length: float
    collar: int
    collar_depth: float
    body_length: float
    body_width: float
    flare: float
    hue: float
    saturation: float
    value: float
    contrast_sleeves: int
    pattern: int
    pattern_scale: float
    pattern_hue: float
    shift_x: float
    shift_y: float
    scale: float
    rotation: float
    lean: float
    background_value: float
    background_warmth: float
    background_gradient: float
    vignette: float
    light_angle: float
    light_strength: float
    shadow: float
    fold_strength: float
    fold_seed: float
    pattern_seed: float
    pattern_saturation: float
    fabric: int
    hem: int
    contrast_trim: int
    pocket: int
    sleeve_width: float
    sleeve_angle: float
    armhole_depth: float


def _draw(
    specs: Iterable[FactorSpec], count: int, rng: np.random.Generator
) -> dict[str, npt.NDArray[np.float64 | np.int64]]:
    return {spec.name: spec.draw(count, rng) for spec in specs}


def sample_factors(count: int, rng: np.random.Generator) -> GarmentFactors:
    """Return `count` garments whose factors and nuisances are drawn independently."""
    return GarmentFactors(**_draw(FACTORS + NUISANCES, count, rng))  # type: ignore[arg-type]


def sample_nuisances(factors: GarmentFactors, rng: np.random.Generator) -> GarmentFactors:
    """Return the same factors under newly drawn nuisances: other photos of like garments."""
    kept = {spec.name: getattr(factors, spec.name) for spec in FACTORS}
    return GarmentFactors(**kept, **_draw(NUISANCES, len(factors), rng))  # type: ignore[arg-type]


def factors_from_matrix(matrix: npt.ArrayLike, rng: np.random.Generator) -> GarmentFactors:
    """Return garments for `(n, len(FACTORS))` values, with newly drawn nuisances.

    Raises:
        ValueError: if the matrix has another number of columns.
    """
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(FACTORS):
        raise ValueError(f"want (n, {len(FACTORS)}) factor values, got {values.shape}")
    columns: dict[str, npt.NDArray[np.float64 | np.int64]] = {
        spec.name: column.astype(np.int64) if spec.kind is FactorKind.CATEGORICAL else column
        for spec, column in zip(FACTORS, values.T, strict=True)
    }
    columns |= _draw(NUISANCES, len(values), rng)
    return GarmentFactors(**columns)  # type: ignore[arg-type]
