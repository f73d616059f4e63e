"""Draws pictures of latent vectors with a bundle's decoder; knows neither gRPC nor SQL."""

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import Bundle
from stylefacet.errors import DecoderMissing
from stylefacet.inference.session import open_session


class Decoder:
    """A loaded decoder. Thread-safe: it keeps no state of a call."""

    def __init__(self, bundle: Bundle) -> None:
        """Opens the session.

        Raises:
            DecoderMissing: when the bundle has none.
            BundleInvalid: when the runtime refuses it.
        """
        if bundle.decoder is None:
            raise DecoderMissing(bundle.id)
        self._session = open_session(bundle.decoder, str(bundle.path))

    def decode(self, latent: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Returns pictures ``(n, height, width, 3)`` uint8 RGB of latent vectors ``(n, d)``."""
        pixels: npt.NDArray[np.uint8] = self._session.run(
            ["pixels"], {"latent": np.ascontiguousarray(latent, dtype=np.float32)}
        )[0]
        return pixels
