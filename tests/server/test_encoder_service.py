import grpc
import pytest

from stylefacet.v1 import encoder_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with


def test_loaded_encoder_describes_itself(stubs: Stubs):
    encoder = stubs.encoder.GetEncoder(pb.GetEncoderRequest(name="encoders/default"))

    assert encoder.name != "encoders/default"
    assert (encoder.input_height_px, encoder.input_width_px) == (32, 24)
    assert [(b.block, b.start, b.end) for b in encoder.blocks] == [
        ("collar", 0, 3),
        ("sleeve", 3, 5),
        ("body", 5, 8),
    ]
    assert encoder.decodable
    assert list(stubs.encoder.ListEncoders(pb.ListEncodersRequest()).encoders) == [encoder]


def test_unknown_encoder_is_not_found(stubs: Stubs):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        stubs.encoder.EmbedImage(pb.EmbedImageRequest(name="encoders/nobody", content=photo(0)))


def test_embedding_names_its_encoder(stubs: Stubs):
    encoder = stubs.encoder.GetEncoder(pb.GetEncoderRequest(name="encoders/default"))

    embedding = stubs.encoder.EmbedImage(pb.EmbedImageRequest(content=photo(0))).embedding

    assert embedding.encoder == encoder.name
    assert len(embedding.mean) == encoder.latent_dimension_count


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "INVALID_FIELD"), (b"text", "IMAGE_UNDECODABLE")]
)
def test_bad_image_is_refused(stubs: Stubs, content: bytes, reason: str):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, reason):
        stubs.encoder.EmbedImage(pb.EmbedImageRequest(content=content))


def test_stream_goes_on_past_a_bad_image(stubs: Stubs):
    contents = [photo(0), b"text", photo(1), b"", photo(2)]
    requests = [
        pb.StreamingEmbedImagesRequest(
            sequence_number=number, request=pb.EmbedImageRequest(content=content)
        )
        for number, content in enumerate(contents)
    ]

    answers = {
        answer.sequence_number: answer
        for answer in stubs.encoder.StreamingEmbedImages(iter(requests))
    }

    kinds = [answers[number].WhichOneof("result") for number in range(5)]
    assert kinds == ["embedding", "error", "embedding", "error", "embedding"]
    assert answers[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
