"""What every server does with a photo: the service's own decoding and session, nothing else."""

import os
from pathlib import Path

from stylefacet.bundle import read_bundle
from stylefacet.inference import Encoder


class PhotoEncoder:
    """Embeds encoded photos with the bundle that BENCH_BUNDLE names."""

    def __init__(self) -> None:
        self._encoder = Encoder(read_bundle(Path(os.environ["BENCH_BUNDLE"])))

    def embed(self, content: bytes) -> bytes:
        """Returns the latent vector ``(d,)`` as float32 bytes."""
        letterbox = self._encoder.letterbox(content)
        vector: bytes = self._encoder.embed(letterbox.pixels[None]).mean[0].tobytes()
        return vector
