"""Sends photos up one stream and brings back their embeddings; stores nothing."""

import threading
from collections.abc import Iterable, Iterator

import grpc

from stylefacet.client.conversions import embedding_value
from stylefacet.client.transport import Transport, error_of
from stylefacet.client.values import EmbedOutcome
from stylefacet.v1 import encoder_service_pb2 as encoder_pb
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub

READ_AHEAD_PHOTOS = 32


def embed_stream(
    transport: Transport,
    stub: EncoderServiceStub,
    contents: Iterable[bytes],
    encoder_name: str,
) -> Iterator[EmbedOutcome]:
    """Yields one outcome for each photo, by its position, in the order the answers arrive.

    At most :data:`READ_AHEAD_PHOTOS` photos are on their way at a time. A stream that breaks
    raises: what was not answered may be sent again.
    """
    slots = threading.Semaphore(READ_AHEAD_PHOTOS)
    ended = threading.Event()
    failures: list[Exception] = []

    def requests() -> Iterator[encoder_pb.StreamingEmbedImagesRequest]:
        try:
            for position, content in enumerate(contents):
                while not slots.acquire(timeout=0.1):
                    if ended.is_set():
                        return
                yield encoder_pb.StreamingEmbedImagesRequest(
                    sequence_number=position,
                    request=encoder_pb.EmbedImageRequest(name=encoder_name, content=content),
                )
        except Exception as error:  # the caller's iterator failed: theirs to see, in their thread
            failures.append(error)

    call = transport.stream(stub.StreamingEmbedImages, requests())
    try:
        for reply in call:
            slots.release()
            failed = reply.WhichOneof("result") == "error"
            yield EmbedOutcome(
                position=reply.sequence_number,
                embedding=None if failed else embedding_value(reply.embedding),
                error=error_of(reply.error) if failed else None,
            )
    except grpc.RpcError as error:
        raise transport.failure(error, transport.timeout_s) from error
    finally:
        ended.set()
        call.cancel()
    if failures:
        raise failures[0]
