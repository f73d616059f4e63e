"""The client's calls for pictures of latent vectors; knows no file."""

from collections.abc import Sequence

from stylefacet.client.conversions import (
    build,
    embedding_message,
    embedding_value,
    optional_name,
    resource_id,
    resource_name,
)
from stylefacet.client.picture_values import (
    FeatureTraversal,
    PictureFrame,
    PictureSource,
    Traversal,
    TraversalFrame,
    TraversalPath,
)
from stylefacet.client.transport import Transport
from stylefacet.client.values import Embedding
from stylefacet.errors import InvalidField
from stylefacet.v1 import encoder_service_pb2 as encoder_pb
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub

_PATHS = {
    TraversalPath.AUTOMATIC: encoder_pb.TraverseFeatureRequest.PATH_UNSPECIFIED,
    TraversalPath.AXES: encoder_pb.TraverseFeatureRequest.AXES,
    TraversalPath.VALUES: encoder_pb.TraverseFeatureRequest.VALUES,
}


class PictureCalls:
    """The part of the client that draws; :class:`StylefacetClient` has all parts."""

    _transport: Transport
    _encoders: EncoderServiceStub

    def decode(
        self,
        *,
        product: str | None = None,
        image_name: str | None = None,
        content: bytes | None = None,
        embedding: Embedding | None = None,
    ) -> PictureFrame:
        """Returns a picture of what the encoder kept of a product, an image, a photo or a vector.

        Example::

            Path("kept.png").write_bytes(client.decode(product="4711").png)
        """
        source = PictureSource(product, image_name, content, embedding)
        request = encoder_pb.DecodeEmbeddingRequest(source=_source_message("source", source))
        reply = self._transport.call(self._encoders.DecodeEmbedding, request)
        return _frame_value(reply.frame)

    def traverse(
        self,
        feature: str,
        *,
        product: str | None = None,
        image_name: str | None = None,
        content: bytes | None = None,
        embedding: Embedding | None = None,
        path: TraversalPath = TraversalPath.AUTOMATIC,
        frame_count: int = 0,
        direction_count: int = 0,
        reach: float = 0.0,
        order: Sequence[str] = (),
        encoder: str = "",
    ) -> FeatureTraversal:
        """Returns pictures of what becomes of a garment when one feature changes.

        It starts from whichever is given, or from the mean of the catalogue. Zeros ask for the
        server's defaults; ``order`` gives a fitted feature of several values an axis,
        ``encoder`` says whose feature it is where there is nothing to start from.

        Example::

            for frame in client.traverse("sleeve", product="4711").traversals[0].frames:
                print(frame.offset, len(frame.frame.png))
        """
        source = PictureSource(product, image_name, content, embedding)
        request = build(
            lambda: encoder_pb.TraverseFeatureRequest(
                feature=resource_name("features", feature),
                path=_PATHS[path],
                frame_count=frame_count,
                direction_count=direction_count,
                reach=reach,
                order=order,
                encoder=optional_name("encoders", encoder),
            ),
            "traversal",
        )
        if source != PictureSource():
            request.source.CopyFrom(_source_message("source", source))
        reply = self._transport.call(self._encoders.TraverseFeature, request)
        return FeatureTraversal(
            start=_frame_value(reply.start),
            traversals=tuple(map(_traversal_value, reply.traversals)),
            encoder=resource_id(reply.encoder),
        )

    def interpolate(
        self, start: PictureSource, end: PictureSource, frame_count: int = 0
    ) -> tuple[PictureFrame, ...]:
        """Returns pictures in equal steps from one garment to another, both included.

        Example::

            client.interpolate(PictureSource(product="4711"), PictureSource(product="4712"))
        """
        request = build(
            lambda: encoder_pb.InterpolateEmbeddingsRequest(
                start=_source_message("start", start),
                end=_source_message("end", end),
                frame_count=frame_count,
            ),
            "frame_count",
        )
        reply = self._transport.call(self._encoders.InterpolateEmbeddings, request)
        return tuple(map(_frame_value, reply.frames))


def _source_message(field: str, source: PictureSource) -> encoder_pb.PictureSource:
    given = (source.product, source.image_name, source.content, source.embedding)
    if sum(value is not None for value in given) != 1:
        raise InvalidField(field, "give exactly one of product, image_name, content or embedding")
    return build(
        lambda: encoder_pb.PictureSource(
            product=resource_name("products", source.product)
            if source.product is not None
            else None,
            product_image=source.image_name,
            content=source.content,
            embedding=embedding_message(source.embedding) if source.embedding else None,
        ),
        field,
    )


def _frame_value(message: encoder_pb.PictureFrame) -> PictureFrame:
    return PictureFrame(png=message.png, embedding=embedding_value(message.embedding))


def _traversal_value(message: encoder_pb.Traversal) -> Traversal:
    return Traversal(
        frames=tuple(
            TraversalFrame(_frame_value(f.frame), f.offset, f.position, f.value)
            for f in message.frames
        ),
        start_position=message.start_position,
        low_value=message.low_value,
        high_value=message.high_value,
    )
