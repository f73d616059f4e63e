"""Embeds photos under one encoder, here or in other processes; opens no store and knows no RPC."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from stylefacet.catalog.entities import ImageEmbedding
from stylefacet.errors import ImageUndecodable, StylefacetError
from stylefacet.imaging import ImageLimits
from stylefacet.inference import EmbeddedPhoto, Encoder, EncoderProcesses
from stylefacet.inference.photos import embed_kept, embed_photos
from stylefacet.inference.processes import ProcessEnded

_log = logging.getLogger(__name__)
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class PhotoEmbedder:
    """Decodes and embeds photos. Thread-safe; one call uses one core."""

    def __init__(
        self, encoder: Encoder, limits: ImageLimits, processes: EncoderProcesses | None = None
    ) -> None:
        """Embeds in ``processes`` that know the encoder; without any, on the calling thread."""
        self.encoder = encoder
        self._limits = limits
        self._processes = processes

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
        try:
            return self._run(embed_photos, contents, self._limits)
        except ProcessEnded as error:
            _tell(error)
            return [self._embed_alone(content) for content in contents]

    def embed_kept(self, content: bytes) -> ImageEmbedding:
        """Returns what the encoder sees in a letterbox that was kept, perhaps of another encoder.

        Raises:
            ImageUndecodable: when it was damaged.
            ProcessEnded: when the process ended meanwhile.
        """
        mean, novelty = self._run(embed_kept, content)
        return ImageEmbedding(self.encoder.id, mean, novelty)

    def _embed_alone(self, content: bytes) -> EmbeddedPhoto | StylefacetError:
        """Embeds a photo that has ended a process, or was there when another one did."""
        try:
            return self._run(embed_photos, [content], self._limits)[0]
        except ProcessEnded as error:
            _tell(error)
            return ImageUndecodable(f"the process that read it ended {error}")

    def _run(
        self,
        function: Callable[Concatenate[Encoder, _Parameters], _Result],
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        if self._processes is None:
            return function(self.encoder, *args, **kwargs)
        return self._processes.run(self.encoder.id, function, *args, **kwargs)


def _tell(error: ProcessEnded) -> None:
    _log.warning("a process that embeds photos ended", extra={"how": str(error)})


def digest(content: bytes) -> str:
    """Returns the lower-case hex SHA-256 by which a photo is known."""
    return hashlib.sha256(content).hexdigest()
