"""Fits a feature the way the product does and gives its coordinates; knows no photo.

Every row of a table comes through here, so that no representation has a better fit than another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.features.fitting import COMPANION_COUNT, fit_values

Codes = npt.NDArray[np.float32]
Values = npt.NDArray[np.str_]
# A fit needs two examples of a value: one to learn from, one to check by.
MIN_EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class Draw:
    """Examples for a fit: positions ``(m,)`` in the photos to fit on, and their values."""

    positions: npt.NDArray[np.int64]
    values: Values

    def of(self, rows: npt.NDArray[np.int64]) -> "Draw":
        """Returns the same examples by their positions in what ``rows`` was chosen from."""
        return Draw(rows[self.positions], self.values)


@dataclass(frozen=True, slots=True)
class NamedCodes:
    """Coordinates ``(n, k)`` of the judged photos, and whether the fit found anything."""

    coordinates: Codes
    carried: bool


def draw_examples(values: Values, count: int | None, seed: int, draw: int) -> Draw:
    """Returns ``count`` examples of every value in ``values`` ``(m,)``, or all that there are.

    A value with fewer gives all it has, one with a single example none. Draws of other numbers
    are independent; the same seed and number give the same examples for every representation.
    """
    rng = np.random.default_rng([seed, draw])
    chosen = []
    for value, available in example_counts(values).items():
        mine = np.flatnonzero(values == value)
        if available >= MIN_EXAMPLES:
            chosen.append(mine if count is None else np.sort(rng.permutation(mine)[:count]))
    positions = np.concatenate(chosen) if chosen else np.empty(0, np.int64)
    return Draw(positions, values[positions])


def example_counts(values: Values) -> Mapping[str, int]:
    """Returns how many examples there are of each value, in order of value."""
    found, counts = np.unique(values[values != ""], return_counts=True)
    return {str(value): int(count) for value, count in zip(found, counts, strict=True)}


class Population:
    """The photos to fit on, labelled or not: they set the scale of a feature."""

    def __init__(self, codes: Codes) -> None:
        """Takes the codes ``(m, d)``."""
        wide = codes.astype(np.float64)
        wide -= wide.mean(axis=0)
        self._codes = codes
        self._covariance = wide.T @ wide / len(wide)

    def fit(
        self, draw: Draw, judged: Codes, seed: int, companion_count: int = COMPANION_COUNT
    ) -> NamedCodes:
        """Returns the coordinates of ``judged`` ``(n, d)`` in the feature fitted to a draw.

        ``companion_count`` is that of ``fit_values``.

        Raises:
            InvalidField: when the draw shows fewer than two values.
            FeatureNotCarried: when the photos to fit on do not differ at all.
        """
        examples = self._codes[draw.positions]
        values = draw.values.tolist()
        fitted = fit_values(examples, values, self._covariance, seed, companion_count)
        return NamedCodes(fitted.projection.coordinates(judged), fitted.quality.carried)
