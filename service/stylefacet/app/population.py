"""What products of the catalogue are like on the whole: moments and samples; knows no RPC."""

import numpy as np
import numpy.typing as npt

from stylefacet.app.features import MIN_POPULATION
from stylefacet.app.follower import IndexFollower
from stylefacet.bundle import Manifest
from stylefacet.search.index import Moments, SimilarityIndex

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
_PAIR_COUNT = 2000
_SAMPLE_COUNT = 2000
_SEED = 0


class Population:
    """The catalogue, or the training photos while it has fewer than 20 images. Thread-safe."""

    def __init__(self, index: SimilarityIndex, follower: IndexFollower, manifest: Manifest) -> None:
        self._index = index
        self._follower = follower
        self._variances = np.array(manifest.latent_variances, dtype=np.float64)
        self._known: tuple[int, Moments] | None = None

    def moments(self) -> Moments:
        """Returns count, mean and covariance of the latent vectors."""
        sequence = self._follower.catch_up()
        # A pair is replaced whole, so threads need no lock; at worst two of them compute it.
        known = self._known
        if known is None or known[0] != sequence:
            # Of this change or a later one: never older than what was asked for.
            known = self._known = sequence, self._index.moments()
        moments = known[1]
        if moments.count >= MIN_POPULATION:
            return moments
        # The training photos lie about the prior's mean.
        return Moments(0, np.zeros_like(self._variances), np.diag(self._variances))

    def pairs(self) -> F64:
        """Returns differences ``(n, d)`` of pairs of vectors drawn at random, always the same."""
        self._follower.catch_up()
        rng = np.random.default_rng(_SEED)
        if self._index.image_count >= MIN_POPULATION:
            drawn = self._index.sample(_SAMPLE_COUNT, rng).astype(np.float64)
            n = len(drawn)
            first = rng.integers(0, n, _PAIR_COUNT)
            # Some way round the circle from the first, so that no vector meets itself.
            second = (first + rng.integers(1, n, _PAIR_COUNT)) % n
            return np.asarray(drawn[first] - drawn[second])
        size = (_PAIR_COUNT, len(self._variances))
        return rng.normal(0.0, np.sqrt(2.0 * self._variances), size)
