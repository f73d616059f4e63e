"""Finds the encoder that a photo of unknown category is for; knows no store and no RPC."""

from collections.abc import Sequence

import numpy as np

from stylefacet.app.library import LoadedEncoder
from stylefacet.imaging import resize
from stylefacet.inference import Decoder, EmbeddedPhoto

# Pictures of different encoders are compared at one size: a sharper one is harder to draw.
_COMPARED_PX = (64, 48)


def best_suited(seen: Sequence[tuple[LoadedEncoder, EmbeddedPhoto]]) -> int:
    """Returns which of several encoders, with what each sees in a photo, the photo is for.

    The one whose decoder draws it best; where one of them has no decoder, the one to which it is
    the least novel. Drawing is right far more often: service/README.md has the figures.
    """
    decoders = [loaded.decoder for loaded, _ in seen]
    errors = [
        reconstruction_error(decoder, photo)
        for decoder, (_, photo) in zip(decoders, seen, strict=True)
        if decoder is not None
    ]
    return int(np.argmin(errors)) if len(errors) == len(seen) else least_novel(seen)


def least_novel(seen: Sequence[tuple[LoadedEncoder, EmbeddedPhoto]]) -> int:
    """Returns the encoder to which a photo is the least novel, in units of its own limit."""
    return int(
        np.argmin([photo.novelty / loaded.encoder.manifest.novelty_p99 for loaded, photo in seen])
    )


def reconstruction_error(decoder: Decoder, photo: EmbeddedPhoto) -> float:
    """Returns how far a decoder's picture is from the photo, in squared grey levels."""
    drawn = resize(decoder.decode(photo.mean[None])[0], *_COMPARED_PX).astype(np.float64)
    return float(np.square(drawn - resize(photo.pixels, *_COMPARED_PX)).mean())
