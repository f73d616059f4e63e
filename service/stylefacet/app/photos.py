"""Reads and embeds photos under one encoder; opens no store and knows no RPC."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.catalog.entities import ImageEmbedding
from stylefacet.imaging import ImageLimits
from stylefacet.inference import Encoder
from stylefacet.kept_inputs import unpack_pixels


@dataclass(frozen=True, slots=True)
class EmbeddedPhoto:
    """A photo as the encoder saw it: letterbox ``(h, w, 3)`` uint8 and mean ``(d,)`` float32."""

    content_sha256: str
    source_width_px: int
    source_height_px: int
    pixels: npt.NDArray[np.uint8]
    mean: npt.NDArray[np.float32]
    novelty: float


class PhotoEmbedder:
    """Decodes and embeds one photo a call. Thread-safe; one call uses one core."""

    def __init__(self, encoder: Encoder, limits: ImageLimits) -> None:
        self.encoder = encoder
        self._limits = limits

    def embed(self, content: bytes) -> EmbeddedPhoto:
        """Returns what the encoder sees in an encoded photo.

        Raises:
            ImageUndecodable, ImageTooLarge: as :func:`stylefacet.imaging.read_letterbox`.
        """
        letterbox = self.encoder.letterbox(content, self._limits)
        outputs = self.encoder.embed(letterbox.pixels[None])
        return EmbeddedPhoto(
            content_sha256=digest(content),
            source_width_px=letterbox.source_width_px,
            source_height_px=letterbox.source_height_px,
            pixels=letterbox.pixels,
            mean=outputs.mean[0],
            novelty=float(outputs.novelty[0]),
        )

    def embed_kept(self, content: bytes) -> ImageEmbedding:
        """Returns what the encoder sees in a letterbox that was kept, perhaps of another encoder.

        Raises:
            ImageUndecodable: when it was damaged.
        """
        pixels = self.encoder.fit(unpack_pixels(content))
        outputs = self.encoder.embed(pixels[None])
        return ImageEmbedding(self.encoder.id, outputs.mean[0], float(outputs.novelty[0]))


def digest(content: bytes) -> str:
    """Returns the lower-case hex SHA-256 by which a photo is known."""
    return hashlib.sha256(content).hexdigest()
