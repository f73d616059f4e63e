"""Embeds letterboxed photos with a bundle's encoder; knows neither gRPC nor SQL."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import GOLDEN_OUTPUT_TOLERANCE, Bundle, Manifest
from stylefacet.errors import BundleInvalid
from stylefacet.imaging import DEFAULT_LIMITS, ImageLimits, Letterbox, fit_letterbox, read_letterbox
from stylefacet.inference.session import open_session
from stylefacet.stages import Stage, stage


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The encoder's outputs for ``n`` photos.

    ``mean`` and ``logvar`` are ``(n, d)`` float32, the posterior in units of the prior's standard
    deviation; ``novelty`` is ``(n,)`` float32: how unlike the training photos, no upper bound.
    """

    mean: npt.NDArray[np.float32]
    logvar: npt.NDArray[np.float32]
    novelty: npt.NDArray[np.float32]


class Encoder:
    """A loaded encoder whose golden outputs agree. Thread-safe: it keeps no state of a call."""

    def __init__(self, bundle: Bundle) -> None:
        """Opens the session and replays the bundle's golden samples.

        Raises:
            BundleInvalid: when the runtime refuses the model or an output disagrees.
        """
        self.id = bundle.id
        self.manifest: Manifest = bundle.manifest
        self._session = open_session(bundle.encoder, str(bundle.path))
        self._replay(bundle)

    def letterbox(self, content: bytes, limits: ImageLimits = DEFAULT_LIMITS) -> Letterbox:
        """Returns the encoder's input for an encoded photo; raises as ``read_letterbox`` does."""
        with stage(Stage.DECODE):
            return read_letterbox(
                content, self.manifest.input_height_px, self.manifest.input_width_px, limits
            )

    def fit(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Returns the encoder's input for a letterbox ``(h, w, 3)`` that was made for another."""
        wanted = self.manifest.input_height_px, self.manifest.input_width_px
        return pixels if pixels.shape[:2] == wanted else fit_letterbox(pixels, *wanted).pixels

    def embed(self, pixels: npt.NDArray[np.uint8]) -> Embeddings:
        """Returns the embeddings of letterboxes ``(n, height, width, 3)`` uint8."""
        with stage(Stage.INFERENCE):
            mean, logvar, novelty = self._session.run(
                ["mean", "logvar", "novelty"], {"pixels": np.ascontiguousarray(pixels)}
            )
        return Embeddings(mean, logvar, novelty)

    def agrees(self, pixels: npt.NDArray[np.uint8], mean: bytes, novelty: float) -> bool:
        """Returns whether a letterbox ``(h, w, 3)`` gives a mean, as float32 bytes, and a novelty.

        As far as other processors and batches may differ.
        """
        if len(mean) != 4 * self.manifest.latent_dimension_count:
            return False
        outputs = self.embed(pixels[None])
        found = np.append(outputs.mean[0], outputs.novelty)
        # Not `>`: a NaN must not pass.
        return _difference(found, np.append(np.frombuffer(mean, "<f4"), novelty)) <= (
            GOLDEN_OUTPUT_TOLERANCE
        )

    def _replay(self, bundle: Bundle) -> None:
        where = str(bundle.path)
        if not bundle.golden:
            raise BundleInvalid(where, "it has no golden samples to verify it by")
        d = bundle.manifest.latent_dimension_count
        for number, sample in enumerate(bundle.golden):
            try:
                outputs = self.embed(sample.pixels[None])
            except Exception as error:  # the runtime's exceptions share no public base class
                raise BundleInvalid(where, f"it cannot be run ({str(error)[:160]})") from error
            if outputs.mean.shape != (1, d) or outputs.logvar.shape != (1, d):
                raise BundleInvalid(
                    where, f"it gives vectors of {outputs.mean.shape}, not (1, {d})"
                )
            expected = np.concatenate([sample.mean, sample.logvar, [sample.novelty]])
            found = np.concatenate([outputs.mean[0], outputs.logvar[0], outputs.novelty])
            difference = _difference(found, expected)
            # Not `>`: a NaN must not pass.
            if not difference <= GOLDEN_OUTPUT_TOLERANCE:
                raise BundleInvalid(
                    where,
                    f"golden photo {number} is embedded {difference:.2g} apart "
                    f"(at most {GOLDEN_OUTPUT_TOLERANCE}): the runtime or the model has changed",
                )


def _difference(found: npt.NDArray[np.floating], expected: npt.NDArray[np.floating]) -> float:
    """Returns by how much two vectors differ at most, relative where values are beyond 1."""
    with np.errstate(invalid="ignore", over="ignore"):
        return float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected))))
