"""What every server does with a photo: the service's own decoding and session, nothing else."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stylefacet.bundle import read_bundle
from stylefacet.inference import Encoder


class PhotoEncoder:
    """Embeds encoded photos with the bundle that BENCH_BUNDLE names."""

    def __init__(self) -> None:
        self._encoder = Encoder(read_bundle(Path(os.environ["BENCH_BUNDLE"])))

    def embed(self, content: bytes) -> bytes:
        """Returns the latent vector ``(d,)`` as float32 bytes."""
        (vector,) = self.embed_many([content])
        return vector

    def embed_many(self, contents: Sequence[bytes]) -> list[bytes]:
        """Returns the vector of each photo, embedded together."""
        pixels = np.stack([self._encoder.letterbox(content).pixels for content in contents])
        return [mean.tobytes() for mean in self._encoder.embed(pixels).mean]
