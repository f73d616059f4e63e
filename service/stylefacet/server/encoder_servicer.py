"""Serves EncoderService: what is loaded, embeddings that are not stored, and pictures."""

from collections.abc import Iterator

import grpc

from stylefacet.app.page_tokens import clamp_page_size, read_page_token
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.app.pictures import PictureMaker
from stylefacet.app.pipeline import Pipeline
from stylefacet.app.vectors import VectorReader
from stylefacet.errors import InvalidField, ResourceMissing, StylefacetError
from stylefacet.server import convert
from stylefacet.server.convert_pictures import (
    read_source,
    read_traversal,
    write_frame,
    write_way,
)
from stylefacet.server.photo_pool import PhotoPool
from stylefacet.server.status import to_status
from stylefacet.v1 import encoder_pb2, encoder_service_pb2_grpc
from stylefacet.v1 import encoder_service_pb2 as pb


class EncoderServicer(encoder_service_pb2_grpc.EncoderServiceServicer):
    """Thread-safe; decoding and embedding run in the shared pool."""

    def __init__(
        self,
        embedder: PhotoEmbedder,
        vectors: VectorReader,
        pictures: PictureMaker,
        pool: PhotoPool,
        stream_depth: int,
    ) -> None:
        self._embedder = embedder
        self._vectors = vectors
        self._pictures = pictures
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
        pipeline = Pipeline(
            request_iterator, self._embed_item, self._pool.in_turn, self._stream_depth
        )
        for batch in pipeline.batches():
            yield from batch

    def DecodeEmbedding(
        self, request: pb.DecodeEmbeddingRequest, context: grpc.ServicerContext
    ) -> pb.DecodeEmbeddingResponse:
        """Draws what the encoder kept of an image."""
        return self._pool.submit(self._decode, request).result()

    def TraverseFeature(
        self, request: pb.TraverseFeatureRequest, context: grpc.ServicerContext
    ) -> pb.TraverseFeatureResponse:
        """Draws what becomes of an image when one feature is changed."""
        return self._pool.submit(self._traverse, request).result()

    def InterpolateEmbeddings(
        self, request: pb.InterpolateEmbeddingsRequest, context: grpc.ServicerContext
    ) -> pb.InterpolateEmbeddingsResponse:
        """Draws the way from one image to another."""
        return self._pool.submit(self._interpolate, request).result()

    def _decode(self, request: pb.DecodeEmbeddingRequest) -> pb.DecodeEmbeddingResponse:
        mean = read_source("source", request.source, self._vectors)
        frame = self._pictures.draw(mean[None])[0]
        return pb.DecodeEmbeddingResponse(frame=write_frame(self._vectors.encoder_id, frame))

    def _traverse(self, request: pb.TraverseFeatureRequest) -> pb.TraverseFeatureResponse:
        asked = read_traversal(request)
        if request.HasField("source"):
            start = read_source("source", request.source, self._vectors)
        else:
            start = self._pictures.mean_of_catalogue()
        frame, ways = self._pictures.traverse(start, asked)
        encoder_id = self._vectors.encoder_id
        return pb.TraverseFeatureResponse(
            start=write_frame(encoder_id, frame),
            traversals=[write_way(encoder_id, way) for way in ways],
            encoder=f"encoders/{encoder_id}",
        )

    def _interpolate(
        self, request: pb.InterpolateEmbeddingsRequest
    ) -> pb.InterpolateEmbeddingsResponse:
        start = read_source("start", request.start, self._vectors)
        end = read_source("end", request.end, self._vectors)
        frames = self._pictures.interpolate(start, end, request.frame_count)
        return pb.InterpolateEmbeddingsResponse(
            frames=[write_frame(self._vectors.encoder_id, frame) for frame in frames]
        )

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
        return convert.write_encoder(encoder.id, encoder.manifest, self._pictures.decodable)
