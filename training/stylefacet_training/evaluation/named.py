"""Fits a feature the way the product does and gives its coordinates; knows no photo.

Every row of a table comes through here, so that no representation has a better fit than another.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.features.fitting import fit_values

Codes = npt.NDArray[np.float32]
Values = npt.NDArray[np.str_]
# A fit needs two examples of a value: one to learn from, one to check by.
MIN_EXAMPLES = 2
# Share of the mean variance under which a direction of the population counts as empty.
_EMPTY = 1e-6


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
    """The unlabelled photos a fit is steadied by, reduced where there are many dimensions.

    A shrunk discriminant analysis looks only along the span of its examples, taken in the
    population's own units. With fewer examples than dimensions, it is therefore fitted on
    coordinates in that span: the same feature, up to the fit's tiny ridge, for a thousandth of
    the time in 2,560 dimensions.
    """

    def __init__(self, codes: Codes) -> None:
        """Takes the codes ``(m, d)`` of the photos to fit on."""
        wide = codes.astype(np.float64)
        self._codes = wide
        self._centre = wide.mean(axis=0)
        centred = wide - self._centre
        self._covariance = centred.T @ centred / len(wide)
        self._whitener: npt.NDArray[np.float64] | None = None

    def fit(self, draw: Draw, judged: Codes, seed: int) -> NamedCodes:
        """Returns the coordinates of ``judged`` ``(n, d)`` in the feature fitted to a draw.

        Raises:
            InvalidField: when the draw shows fewer than two values.
            FeatureNotCarried: when the photos to fit on do not differ at all.
        """
        examples = self._codes[draw.positions]
        covariance = self._covariance
        if len(examples) < self._codes.shape[1]:
            basis = self._span(examples)
            examples = (examples - self._centre) @ basis
            judged = np.asarray((judged - self._centre) @ basis, dtype=np.float32)
            covariance = np.eye(basis.shape[1])
        fitted = fit_values(examples.astype(np.float32), draw.values.tolist(), covariance, seed)
        return NamedCodes(fitted.projection.coordinates(judged), fitted.quality.carried)

    def _span(self, examples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Returns ``(d, r)``: to coordinates of the examples' span, the population a unit ball."""
        if self._whitener is None:
            variances, directions = np.linalg.eigh(self._covariance)
            kept = variances > _EMPTY * max(float(variances.mean()), 1e-300)
            self._whitener = directions[:, kept] / np.sqrt(variances[kept])
        white = (examples - self._centre) @ self._whitener
        # Orthonormal directions of the span, the centre's included: QR of the rows.
        span = np.linalg.qr(white.T)[0]
        return np.asarray(self._whitener @ span)
