"""LitServe: one worker process a core, photos in base64, as its guides send images.

It takes JSON or forms, no plain body. Start: ``python ... PORT``.
"""

import base64
import os
import sys
from typing import Any

import litserve
from starlette.responses import Response

from tests.bench.servers.embedding import PhotoEncoder


class EmbedAPI(litserve.LitAPI):
    """Embeds one photo a call."""

    def setup(self, device: str) -> None:
        """Loads the encoder in a worker."""
        self._encoder = PhotoEncoder()

    def decode_request(self, request: dict[str, str]) -> bytes:
        """Returns the photo."""
        return base64.b64decode(request["photo"])

    def predict(self, x: bytes) -> bytes:
        """Returns the vector."""
        return self._encoder.embed(x)

    def encode_response(self, output: bytes) -> Any:
        """Returns the answer."""
        return Response(output)


if __name__ == "__main__":
    server = litserve.LitServer(
        EmbedAPI(), accelerator="cpu", workers_per_device=os.cpu_count() or 1
    )
    server.run(port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
