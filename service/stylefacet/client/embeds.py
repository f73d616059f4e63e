"""Sends photos up one stream and brings back their embeddings; stores nothing."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from stylefacet.client.conversions import embedding_value
from stylefacet.client.transport import Transport, error_of
from stylefacet.client.values import EmbedOutcome
from stylefacet.errors import ImageTooLarge, StylefacetError
from stylefacet.limits import MAX_IMAGE_BYTES
from stylefacet.v1 import encoder_service_pb2 as encoder_pb
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub

READ_AHEAD_PHOTOS = 32

# Position in the caller's order, and the photo's bytes.
Photo: TypeAlias = tuple[int, bytes]


class EmbedWork:
    """What a stream of photos carries: photos up, embeddings down."""

    item_name = "a photo of the stream"
    number_field = "position"

    def __init__(self, transport: Transport, encoder_name: str) -> None:
        self._transport = transport
        self._stub = EncoderServiceStub(transport.channel)
        self._encoder_name = encoder_name

    def open(self, requests: Iterator[encoder_pb.StreamingEmbedImagesRequest]) -> Any:
        """Returns a started stream."""
        return self._transport.stream(self._stub.StreamingEmbedImages, requests)

    def number(self, item: Photo) -> int:
        """Returns the photo's position."""
        return item[0]

    def request(self, item: Photo) -> encoder_pb.StreamingEmbedImagesRequest:
        """Returns the message of a photo."""
        position, content = item
        if len(content) > MAX_IMAGE_BYTES:
            # gRPC would end the whole stream for it.
            raise ImageTooLarge(len(content), MAX_IMAGE_BYTES, "bytes")
        return encoder_pb.StreamingEmbedImagesRequest(
            sequence_number=position,
            request=encoder_pb.EmbedImageRequest(name=self._encoder_name, content=content),
        )

    def answer(self, reply: Any) -> tuple[int, Callable[[Photo], EmbedOutcome]]:
        """Returns the position that a reply is for, and its outcome."""
        failed = reply.WhichOneof("result") == "error"
        outcome = EmbedOutcome(
            position=reply.sequence_number,
            embedding=None if failed else embedding_value(reply.embedding),
            error=error_of(reply.error) if failed else None,
        )
        return reply.sequence_number, lambda _: outcome

    def failed(self, item: Photo, error: StylefacetError) -> EmbedOutcome:
        """Returns the outcome of a photo that could not be sent."""
        return EmbedOutcome(item[0], None, error)
