"""Draws pictures of latent vectors with a bundle's decoder; knows neither gRPC nor SQL."""

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import Bundle
from stylefacet.errors import BundleInvalid, DecoderMissing
from stylefacet.inference.session import open_session
from stylefacet.stages import Stage, stage


class Decoder:
    """A loaded decoder. Thread-safe: it keeps no state of a call."""

    def __init__(self, bundle: Bundle) -> None:
        """Opens the session and draws a first picture.

        Raises:
            DecoderMissing: when the bundle has none.
            BundleInvalid: when the runtime refuses it, or it draws no pictures.
        """
        if bundle.decoder is None:
            raise DecoderMissing(bundle.id)
        where, manifest = str(bundle.path), bundle.manifest
        self._session = open_session(bundle.decoder, where)
        try:
            picture = self.decode(np.zeros((1, manifest.latent_dimension_count), np.float32))
        except Exception as error:  # the runtime's exceptions share no public base class
            raise BundleInvalid(where, f"its decoder cannot be run ({str(error)[:160]})") from error
        if picture.dtype != np.uint8 or picture.ndim != 4 or picture.shape[3] != 3:
            raise BundleInvalid(where, f"its decoder draws {picture.dtype} of {picture.shape}")

    def decode(self, latent: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Returns pictures ``(n, height, width, 3)`` uint8 RGB of latent vectors ``(n, d)``."""
        with stage(Stage.DRAWING):
            pixels: npt.NDArray[np.uint8] = self._session.run(
                ["pixels"], {"latent": np.ascontiguousarray(latent, dtype=np.float32)}
            )[0]
        return pixels
