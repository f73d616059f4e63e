"""gRPC for Python alone: takes photos as our service does and answers at once, no work done.

Start: ``python ... PORT PROCESSES``; with processes, each photo goes to one of them and back. What
this costs, no server on gRPC for Python can go below.
"""

import multiprocessing
import queue
import sys
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import grpc
import numpy as np

from stylefacet.limits import CHANNEL_OPTIONS
from stylefacet.v1 import encoder_pb2
from stylefacet.v1 import encoder_service_pb2 as pb

_VECTOR = np.zeros(96, np.float32)


class NoWork:
    """Answers every photo with zeros."""

    def __init__(self, process_count: int) -> None:
        self._idle: queue.LifoQueue[Connection] | None = None
        if process_count:
            self._idle = queue.LifoQueue()
            for _ in range(process_count):
                ours, theirs = multiprocessing.Pipe()
                multiprocessing.Process(target=_answer, args=(theirs,), daemon=True).start()
                self._idle.put(ours)

    def embed(
        self, request: pb.EmbedImageRequest, context: grpc.ServicerContext
    ) -> pb.EmbedImageResponse:
        """Embeds nothing."""
        mean = _VECTOR if self._idle is None else self._hand_over(request.content, self._idle)
        embedding = encoder_pb2.Embedding(encoder="encoders/none", mean=mean.tolist())
        return pb.EmbedImageResponse(embedding=embedding)

    def _hand_over(self, content: bytes, idle: "queue.LifoQueue[Connection]") -> "np.ndarray":
        connection = idle.get()
        connection.send_bytes(content)
        answer = connection.recv_bytes()
        idle.put(connection)
        return np.frombuffer(answer, np.float32)


def _answer(connection: Connection) -> None:
    while True:
        connection.recv_bytes()
        connection.send_bytes(_VECTOR.tobytes())


def main() -> None:
    """Serves until it is ended."""
    handler = grpc.unary_unary_rpc_method_handler(
        NoWork(int(sys.argv[2])).embed,
        pb.EmbedImageRequest.FromString,
        pb.EmbedImageResponse.SerializeToString,
    )
    service = "stylefacet.v1.EncoderService"
    server = grpc.server(ThreadPoolExecutor(16), options=CHANNEL_OPTIONS)
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {"EmbedImage": handler})]
    )
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
