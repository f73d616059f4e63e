"""Between the messages of pictures and the service's own values; knows no use case."""

import numpy as np
import numpy.typing as npt

from stylefacet.app.pictures import DrawnWay, Frame, Path, TraversalRequest
from stylefacet.app.vectors import VectorReader
from stylefacet.errors import InvalidField
from stylefacet.server import convert
from stylefacet.v1 import encoder_pb2
from stylefacet.v1 import encoder_service_pb2 as pb

_PATHS = {
    pb.TraverseFeatureRequest.PATH_UNSPECIFIED: Path.AUTOMATIC,
    pb.TraverseFeatureRequest.AXES: Path.AXES,
    pb.TraverseFeatureRequest.VALUES: Path.VALUES,
}


def read_source(
    field: str, source: pb.PictureSource, vectors: VectorReader
) -> npt.NDArray[np.float32]:
    """Returns the latent vector ``(d,)`` that a picture is made from.

    Raises:
        InvalidField: when nothing is given, or a vector cannot be used.
        ResourceMissing, ImageUndecodable, EncoderMismatch: for what it speaks of.
    """
    match source.WhichOneof("source"):
        case "product":
            product_id = convert.read_name(f"{field}.product", source.product, "products")
            return vectors.of_product(product_id)[0][1].mean
        case "product_image":
            names = convert.read_image_name(f"{field}.product_image", source.product_image)
            return vectors.of_image(*names)
        case "content":
            return vectors.of_photo(source.content)
        case "embedding":
            return read_embedding(f"{field}.embedding", source.embedding, vectors)
        case _:
            raise InvalidField(
                field, "is missing; give a product, a product_image, content or an embedding"
            )


def read_embedding(
    field: str, embedding: encoder_pb2.Embedding, vectors: VectorReader
) -> npt.NDArray[np.float32]:
    """Returns a caller's own latent vector ``(d,)``.

    Raises:
        InvalidField, EncoderMismatch: when it cannot be used.
    """
    encoder_id = convert.read_name(f"{field}.encoder", embedding.encoder, "encoders")
    return vectors.check(encoder_id, np.array(embedding.mean, dtype=np.float32))


def read_traversal(request: pb.TraverseFeatureRequest) -> TraversalRequest:
    """Returns what to draw of a feature.

    Raises:
        InvalidField: for a bad name or an unknown path.
    """
    if request.path not in _PATHS:
        raise InvalidField("path", f"{request.path} is unknown")
    return TraversalRequest(
        feature=convert.read_name("feature", request.feature, "features"),
        path=_PATHS[request.path],
        frame_count=request.frame_count,
        way_count=request.direction_count,
        reach=request.reach,
        order=tuple(request.order),
    )


def write_frame(encoder_id: str, frame: Frame) -> pb.PictureFrame:
    """Returns the message of a picture."""
    # How novel a vector is cannot be told without its photo.
    embedding = convert.write_embedding(encoder_id, frame.mean.tolist(), 0.0)
    return pb.PictureFrame(png=frame.png, embedding=embedding)


def write_way(encoder_id: str, drawn: DrawnWay) -> pb.Traversal:
    """Returns the message of a way through a feature."""
    return pb.Traversal(
        start_position=drawn.way.start_position,
        low_value=drawn.way.low_value,
        high_value=drawn.way.high_value,
        frames=[
            pb.TraversalFrame(
                frame=write_frame(encoder_id, frame),
                offset=step.offset,
                position=step.position,
                value=step.value,
            )
            for step, frame in zip(drawn.way.steps, drawn.frames, strict=True)
        ],
    )
