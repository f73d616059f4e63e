"""What a known factor of variation is and how one is drawn; knows no particular data set."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class FactorKind(StrEnum):
    """How the values of a factor compare: on a line, on a circle or only as equal or not."""

    CONTINUOUS = "continuous"
    CIRCULAR = "circular"
    CATEGORICAL = "categorical"


@dataclass(frozen=True, slots=True)
class FactorSpec:
    """Name, kind and values of one factor.

    Continuous factors lie in `[low, high]`, circular ones in `[0, 1)` turns, categorical ones
    are indices into `values`. `skew` bends the draw: `low + (high - low) * u**skew`, u uniform.
    `odds` are the draw's weights of the values; none means equal odds.
    """

    name: str
    kind: FactorKind
    unit: str
    low: float = 0.0
    high: float = 1.0
    values: tuple[str, ...] = ()
    skew: float = 1.0
    odds: tuple[float, ...] = ()

    def draw(self, count: int, rng: np.random.Generator) -> npt.NDArray[np.float64 | np.int64]:
        """Return `(count,)` independent draws: float64, or int64 indices if categorical."""
        if self.kind is FactorKind.CATEGORICAL:
            odds = np.asarray(self.odds or (1.0,) * len(self.values))
            return rng.choice(len(self.values), size=count, p=odds / odds.sum())
        uniform = rng.random(count)
        if self.kind is FactorKind.CIRCULAR:
            return uniform
        return self.low + (self.high - self.low) * uniform**self.skew
