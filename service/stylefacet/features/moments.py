"""Adds vectors up to their covariance, a part at a time; knows no store."""

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


class RunningMoments:
    """The covariance of vectors that come in arrays ``(n, d)``, none of which is kept."""

    def __init__(self, d: int) -> None:
        self.count = 0
        self._total = np.zeros(d)
        self._products = np.zeros((d, d))

    def add(self, means: F32) -> None:
        """Counts vectors ``(n, d)`` in."""
        wide = means.astype(np.float64)
        self.count += len(wide)
        self._total += wide.sum(axis=0)
        self._products += wide.T @ wide

    def covariance(self) -> F64:
        """Returns the ``(d, d)`` covariance of all of them."""
        mean = self._total / self.count
        return np.asarray(self._products / self.count - np.outer(mean, mean))
