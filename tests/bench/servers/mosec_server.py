"""mosec: one worker process a core, bytes in and out. Start: ``python ... --port PORT``.

``BENCH_TOGETHER`` is how many photos that wait a worker may embed together.
"""

import os

from mosec import Server, Worker

from tests.bench.servers.embedding import PhotoEncoder


class EmbedWorker(Worker):
    """Embeds one photo, or those that mosec gives it together."""

    def __init__(self) -> None:
        self._encoder = PhotoEncoder()

    def deserialize(self, data: bytes) -> bytes:
        """Returns the request's body."""
        return data

    def forward(self, data: bytes | list[bytes]) -> bytes | list[bytes]:
        """Returns the vector, or that of each."""
        if isinstance(data, list):
            return self._encoder.embed_many(data)
        return self._encoder.embed(data)

    def serialize(self, data: bytes) -> bytes:
        """Returns the answer's body."""
        return data


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        EmbedWorker,
        num=os.cpu_count() or 1,
        max_batch_size=int(os.environ.get("BENCH_TOGETHER", "1")),
        max_wait_time=1,
    )
    server.run()
