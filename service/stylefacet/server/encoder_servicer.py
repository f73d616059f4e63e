"""Serves EncoderService: what is loaded, and embeddings that are not stored."""

from collections.abc import Iterator
from concurrent.futures import Executor

import grpc

from stylefacet.app.page_tokens import clamp_page_size, read_page_token
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.app.pipeline import Pipeline
from stylefacet.errors import InvalidField, ResourceMissing, StylefacetError
from stylefacet.server import convert
from stylefacet.server.status import to_status
from stylefacet.v1 import encoder_pb2, encoder_service_pb2_grpc
from stylefacet.v1 import encoder_service_pb2 as pb


class EncoderServicer(encoder_service_pb2_grpc.EncoderServiceServicer):
    """Thread-safe; decoding and embedding run in the shared pool."""

    def __init__(
        self, embedder: PhotoEmbedder, decodable: bool, pool: Executor, stream_depth: int
    ) -> None:
        self._embedder = embedder
        self._decodable = decodable
        self._pool = pool
        self._stream_depth = stream_depth

    def ListEncoders(
        self, request: pb.ListEncodersRequest, context: grpc.ServicerContext
    ) -> pb.ListEncodersResponse:
        """Returns the loaded encoders."""
        clamp_page_size(request.page_size)
        read_page_token(request.page_token, {"method": "ListEncoders"})
        return pb.ListEncodersResponse(encoders=[self._write_encoder()])

    def GetEncoder(
        self, request: pb.GetEncoderRequest, context: grpc.ServicerContext
    ) -> encoder_pb2.Encoder:
        """Returns one encoder."""
        self._check_loaded(request.name)
        return self._write_encoder()

    def EmbedImage(
        self, request: pb.EmbedImageRequest, context: grpc.ServicerContext
    ) -> pb.EmbedImageResponse:
        """Embeds one image."""
        return self._pool.submit(self._embed, request).result()

    def StreamingEmbedImages(
        self,
        request_iterator: Iterator[pb.StreamingEmbedImagesRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[pb.StreamingEmbedImagesResponse]:
        """Embeds a stream of images; a bad one answers for itself."""
        pipeline = Pipeline(request_iterator, self._embed_item, self._pool, self._stream_depth)
        for batch in pipeline.batches():
            yield from batch

    def _embed(self, request: pb.EmbedImageRequest) -> pb.EmbedImageResponse:
        self._check_loaded(request.name or "encoders/default")
        if not request.content:
            raise InvalidField("content", "is empty; send the image's bytes")
        photo = self._embedder.embed(request.content)
        return pb.EmbedImageResponse(
            embedding=convert.write_embedding(
                self._embedder.encoder.id, photo.mean.tolist(), photo.novelty
            )
        )

    def _embed_item(self, item: pb.StreamingEmbedImagesRequest) -> pb.StreamingEmbedImagesResponse:
        try:
            embedding = self._embed(item.request).embedding
        except StylefacetError as error:
            return pb.StreamingEmbedImagesResponse(
                sequence_number=item.sequence_number, error=to_status(error)
            )
        return pb.StreamingEmbedImagesResponse(
            sequence_number=item.sequence_number, embedding=embedding
        )

    def _check_loaded(self, name: str) -> None:
        encoder_id = convert.read_name("name", name, "encoders")
        if encoder_id not in ("default", self._embedder.encoder.id):
            raise ResourceMissing("encoder", name, "list them with ListEncoders")

    def _write_encoder(self) -> encoder_pb2.Encoder:
        encoder = self._embedder.encoder
        return convert.write_encoder(encoder.id, encoder.manifest, self._decodable)
