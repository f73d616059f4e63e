"""BentoML: one worker process a core. Start: ``bentoml serve ...:Embedding --port PORT``."""

from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType

from tests.bench.servers.embedding import PhotoEncoder


@bentoml.service(workers="cpu_count")
class Embedding:
    """Embeds one photo a call."""

    def __init__(self) -> None:
        self._encoder = PhotoEncoder()

    @bentoml.api(route="/inference")
    def embed(self, photo: Annotated[Path, ContentType("image/jpeg")], /) -> bytes:
        """Returns the vector of a photo, which BentoML writes to a file."""
        return self._encoder.embed(photo.read_bytes())
