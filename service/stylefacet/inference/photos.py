"""Reads and embeds photos with an encoder at hand; knows neither gRPC nor SQL."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.errors import StylefacetError
from stylefacet.imaging import ImageLimits, Letterbox
from stylefacet.inference.encoder import Encoder
from stylefacet.kept_inputs import unpack_pixels


@dataclass(frozen=True, slots=True)
class EmbeddedPhoto:
    """A photo as the encoder saw it: letterbox ``(h, w, 3)`` uint8 and mean ``(d,)`` float32."""

    source_width_px: int
    source_height_px: int
    pixels: npt.NDArray[np.uint8]
    mean: npt.NDArray[np.float32]
    novelty: float


def embed_photos(
    encoder: Encoder, contents: Sequence[bytes], limits: ImageLimits
) -> list[EmbeddedPhoto | StylefacetError]:
    """Returns what an encoder sees in each encoded photo, or what is wrong with it."""
    read = [_read(encoder, content, limits) for content in contents]
    whole = [letterbox for letterbox in read if isinstance(letterbox, Letterbox)]
    if not whole:
        return [found for found in read if isinstance(found, StylefacetError)]
    outputs = encoder.embed(np.stack([letterbox.pixels for letterbox in whole]))
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


def embed_kept(encoder: Encoder, content: bytes) -> tuple[npt.NDArray[np.float32], float]:
    """Returns mean ``(d,)`` and novelty of a letterbox that was kept, perhaps of another encoder.

    Raises:
        ImageUndecodable: when it was damaged.
    """
    pixels = encoder.fit(unpack_pixels(content))
    outputs = encoder.embed(pixels[None])
    return outputs.mean[0], float(outputs.novelty[0])


def _read(encoder: Encoder, content: bytes, limits: ImageLimits) -> Letterbox | StylefacetError:
    try:
        return encoder.letterbox(content, limits)
    except StylefacetError as error:
        return error
