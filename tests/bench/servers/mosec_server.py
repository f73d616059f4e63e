"""mosec: one worker process a core, bytes in and out. Start: ``python ... --port PORT``."""

import os

from mosec import Server, Worker

from tests.bench.servers.embedding import PhotoEncoder


class EmbedWorker(Worker):
    """Embeds one photo a call."""

    def __init__(self) -> None:
        self._encoder = PhotoEncoder()

    def deserialize(self, data: bytes) -> bytes:
        """Returns the request's body."""
        return data

    def forward(self, data: bytes) -> bytes:
        """Returns the vector."""
        return self._encoder.embed(data)

    def serialize(self, data: bytes) -> bytes:
        """Returns the answer's body."""
        return data


if __name__ == "__main__":
    server = Server()
    server.append_worker(EmbedWorker, num=os.cpu_count() or 1)
    server.run()
