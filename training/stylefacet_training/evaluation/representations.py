"""The codes that are compared: a bundle's latent means, and what anyone has without training.

Each is computed for the photos to fit on and for the photos to judge; none sees a label.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from stylefacet.inference import Encoder

Codes = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

# The thesis input: what a plain network of pixels sees.
PCA_HEIGHT_PX, PCA_WIDTH_PX = 96, 64
# Photos that pass through the encoder together, as in a server's stream.
BATCH_SIZE = 32


@dataclass(frozen=True, slots=True)
class Representation:
    """Codes ``(m, d)`` of the photos to fit on and ``(n, d)`` of those to judge."""

    name: str
    fit: Codes
    judged: Codes

    @property
    def dimension_count(self) -> int:
        """The ``d`` of the codes."""
        return int(self.judged.shape[1])


def random_codes(
    fit_count: int, judged_count: int, dimension_count: int, seed: int
) -> Representation:
    """Returns independent normal numbers: what distance without any knowledge gives."""
    rng = np.random.default_rng([seed, dimension_count])
    return Representation(
        "random",
        rng.standard_normal((fit_count, dimension_count), dtype=np.float32),
        rng.standard_normal((judged_count, dimension_count), dtype=np.float32),
    )


def pixel_pca(fit: Pixels, judged: Pixels, dimension_count: int, seed: int) -> Representation:
    """Returns principal components of letterboxes ``(n, 96, 64, 3)``, found on ``fit`` alone.

    There are fewer than asked for where ``fit`` has no more photos than that.
    """
    kept = min(dimension_count, len(fit) - 1)
    pca = PCA(kept, svd_solver="randomized", random_state=seed)
    fit_codes = pca.fit_transform(_flat(fit))
    return Representation(
        f"PCA {kept} of pixels",
        np.asarray(fit_codes, dtype=np.float32),
        np.asarray(pca.transform(_flat(judged)), dtype=np.float32),
    )


@dataclass(frozen=True, slots=True)
class Embedded:
    """Latent means ``(n, d)``, novelty ``(n,)`` and milliseconds a photo after decoding."""

    mean: Codes
    novelty: Codes
    embed_ms: float


def embed_all(
    encoder: Encoder,
    pixels: Pixels,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Embedded:
    """Returns what the shipped encoder makes of letterboxes ``(n, h, w, 3)`` of its own size."""
    started = time.perf_counter()
    means, novelties = [], []
    for start in range(0, len(pixels), BATCH_SIZE):
        embeddings = encoder.embed(pixels[start : start + BATCH_SIZE])
        means.append(embeddings.mean)
        novelties.append(embeddings.novelty)
        advance(min(start + BATCH_SIZE, len(pixels)), len(pixels))
    seconds = time.perf_counter() - started
    return Embedded(
        np.concatenate(means), np.concatenate(novelties), 1000.0 * seconds / len(pixels)
    )


def _flat(pixels: Pixels) -> npt.NDArray[np.float32]:
    # (n, 96, 64, 3) -> (n, 18432)
    return pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255.0)
