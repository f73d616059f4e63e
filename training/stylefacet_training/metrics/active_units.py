"""Which latent dimensions carry information; knows nothing of factors.

Source: Burda et al. 2016, "Importance Weighted Autoencoders", section 5.2: a unit is active if
the variance of its posterior mean over the data exceeds 0.01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet_training.metrics.ground_truth import Blocks, Matrix

THRESHOLD = 0.01


@dataclass(frozen=True, slots=True)
class ActiveUnits:
    """Active dimensions and what decided."""

    active: npt.NDArray[np.bool_]
    """`(d,)`."""
    variance: Matrix
    """`(d,)` variance of the posterior mean over the items."""

    @property
    def count(self) -> int:
        """How many dimensions are active."""
        return int(self.active.sum())

    def by_block(self, blocks: Blocks) -> Mapping[str, int]:
        """Return how many dimensions of each block are active."""
        return {name: int(self.active[start:end].sum()) for name, (start, end) in blocks.items()}


def active_units(z_mean: npt.ArrayLike, threshold: float = THRESHOLD) -> ActiveUnits:
    """Return the active dimensions of `(n, d)` posterior means.

    Raises:
        ValueError: if `z_mean` is not `(n, d)` with at least two items.
    """
    means = np.asarray(z_mean, np.float64)
    if means.ndim != 2 or len(means) < 2:
        raise ValueError(f"want (n, d) means of at least two items, got {means.shape}")
    variance = means.var(axis=0)
    return ActiveUnits(variance > threshold, variance)
