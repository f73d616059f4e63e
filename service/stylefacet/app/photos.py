"""Reads and embeds photos under one encoder; opens no store and knows no RPC."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.catalog.entities import ImageEmbedding
from stylefacet.errors import StylefacetError
from stylefacet.imaging import ImageLimits, Letterbox
from stylefacet.inference import Encoder
from stylefacet.kept_inputs import unpack_pixels


@dataclass(frozen=True, slots=True)
class EmbeddedPhoto:
    """A photo as the encoder saw it: letterbox ``(h, w, 3)`` uint8 and mean ``(d,)`` float32."""

    source_width_px: int
    source_height_px: int
    pixels: npt.NDArray[np.uint8]
    mean: npt.NDArray[np.float32]
    novelty: float


class PhotoEmbedder:
    """Decodes and embeds photos. Thread-safe; one call uses one core."""

    def __init__(self, encoder: Encoder, limits: ImageLimits) -> None:
        self.encoder = encoder
        self._limits = limits

    def embed(self, content: bytes) -> EmbeddedPhoto:
        """Returns what the encoder sees in an encoded photo.

        Raises:
            ImageUndecodable, ImageTooLarge: as :func:`stylefacet.imaging.read_letterbox`.
        """
        (photo,) = self.embed_many([content])
        if isinstance(photo, StylefacetError):
            raise photo
        return photo

    def embed_many(self, contents: Sequence[bytes]) -> list[EmbeddedPhoto | StylefacetError]:
        """Returns what the encoder sees in each photo, or what is wrong with it."""
        read = [self._read(content) for content in contents]
        whole = [letterbox for letterbox in read if isinstance(letterbox, Letterbox)]
        if not whole:
            return [found for found in read if isinstance(found, StylefacetError)]
        outputs = self.encoder.embed(np.stack([letterbox.pixels for letterbox in whole]))
        means_and_novelties = zip(outputs.mean, outputs.novelty, strict=True)
        photos: list[EmbeddedPhoto | StylefacetError] = []
        for found in read:
            if isinstance(found, StylefacetError):
                photos.append(found)
                continue
            mean, novelty = next(means_and_novelties)
            photos.append(
                EmbeddedPhoto(
                    source_width_px=found.source_width_px,
                    source_height_px=found.source_height_px,
                    pixels=found.pixels,
                    mean=mean,
                    novelty=float(novelty),
                )
            )
        return photos

    def embed_kept(self, content: bytes) -> ImageEmbedding:
        """Returns what the encoder sees in a letterbox that was kept, perhaps of another encoder.

        Raises:
            ImageUndecodable: when it was damaged.
        """
        pixels = self.encoder.fit(unpack_pixels(content))
        outputs = self.encoder.embed(pixels[None])
        return ImageEmbedding(self.encoder.id, outputs.mean[0], float(outputs.novelty[0]))

    def _read(self, content: bytes) -> Letterbox | StylefacetError:
        try:
            return self.encoder.letterbox(content, self._limits)
        except StylefacetError as error:
            return error


def digest(content: bytes) -> str:
    """Returns the lower-case hex SHA-256 by which a photo is known."""
    return hashlib.sha256(content).hexdigest()
