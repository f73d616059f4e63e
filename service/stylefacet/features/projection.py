"""The map of a feature: from latent vectors to coordinates of one common scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.errors import FeatureNotCarried, InvalidField

# Below this mean squared distance, in units of the prior's variance, a feature tells no two items
# apart, and its scale would only blow up noise.
SPREAD_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Projection:
    """Coordinates are ``scale * matrix @ mean``; ``matrix`` is ``(k, d)`` float32."""

    matrix: npt.NDArray[np.float32]
    scale: float

    def coordinates(self, mean: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the ``(n, k)`` coordinates of latent vectors ``(n, d)``."""
        return np.asarray(mean @ self.scaled_matrix().T, dtype=np.float32)

    def scaled_matrix(self) -> npt.NDArray[np.float32]:
        """Returns ``scale * matrix``, ``(k, d)`` float32."""
        return np.asarray(self.matrix * np.float32(self.scale), dtype=np.float32)


def fit_scale(
    feature: str, matrix: npt.NDArray[np.float32], covariance: npt.NDArray[np.float64]
) -> float:
    """Returns the scale at which two items of a population are 1 apart in mean square.

    ``covariance`` is ``(d, d)``, that of the population's latent vectors: the mean squared
    distance of two independent items is twice the trace of the mapped covariance.

    Raises:
        FeatureNotCarried: when the population hardly differs in the feature.
    """
    wide = matrix.astype(np.float64)
    spread = 2.0 * float(np.einsum("kd,de,ke->", wide, covariance, wide))
    if not spread > SPREAD_FLOOR:
        raise FeatureNotCarried(feature, f"two items are {spread:.2g} apart in mean square")
    return float(spread**-0.5)


def dimensions_matrix(dimensions: Sequence[int], d: int) -> npt.NDArray[np.float32]:
    """Returns the ``(k, d)`` selection of latent dimensions.

    Raises:
        InvalidField: for none, an unknown one or one named twice.
    """
    if not dimensions:
        raise InvalidField("dimensions", "name at least one latent dimension")
    if len(set(dimensions)) != len(dimensions):
        raise InvalidField("dimensions", "each latent dimension may be named once")
    unknown = [number for number in dimensions if not 0 <= number < d]
    if unknown:
        raise InvalidField("dimensions", f"{unknown[0]} is not in 0..{d - 1}")
    matrix = np.zeros((len(dimensions), d), dtype=np.float32)
    matrix[np.arange(len(dimensions)), list(dimensions)] = 1.0
    return matrix
