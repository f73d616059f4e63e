"""Serves EncoderService: what is loaded, embeddings that are not stored, and pictures."""

from collections.abc import Iterator, Sequence

import grpc
import numpy as np
import numpy.typing as npt
from google.longrunning import operations_pb2
from google.protobuf.empty_pb2 import Empty

from stylefacet.app.installing import EncoderInstaller
from stylefacet.app.page_tokens import clamp_page_size, make_page_token, read_page_offset
from stylefacet.app.pipeline import PHOTOS_TOGETHER, Pipeline
from stylefacet.app.realms import EncoderSet, Realm, Snapshot, embed_query, realm_of_product
from stylefacet.catalog.store import Store
from stylefacet.errors import EncodersMixed, InvalidField, ResourceMissing, StylefacetError
from stylefacet.inference import EmbeddedPhoto
from stylefacet.server import convert
from stylefacet.server.convert_pictures import (
    read_source,
    read_traversal,
    write_frame,
    write_way,
)
from stylefacet.server.joint_work import JointWork
from stylefacet.server.operation_starter import OperationStarter
from stylefacet.server.photo_pool import PhotoPool
from stylefacet.server.status import to_status
from stylefacet.v1 import encoder_pb2, encoder_service_pb2_grpc
from stylefacet.v1 import encoder_service_pb2 as pb


class EncoderServicer(encoder_service_pb2_grpc.EncoderServiceServicer):
    """Thread-safe; decoding and embedding run in the shared pool."""

    def __init__(
        self,
        store: Store,
        encoders: EncoderSet,
        installer: EncoderInstaller,
        starter: OperationStarter,
        pool: PhotoPool,
        stream_depth: int,
    ) -> None:
        self._store = store
        self._encoders = encoders
        self._installer = installer
        self._starter = starter
        self._pool = pool
        self._stream_depth = stream_depth
        self._embedding = JointWork(self._embed_all, pool, PHOTOS_TOGETHER)

    def InstallEncoder(
        self, request: pb.InstallEncoderRequest, context: grpc.ServicerContext
    ) -> encoder_pb2.Encoder:
        """Takes a bundle that lies on the server."""
        return self._get(self._installer.install(request.path))

    def UploadEncoder(
        self,
        request_iterator: Iterator[pb.UploadEncoderRequest],
        context: grpc.ServicerContext,
    ) -> encoder_pb2.Encoder:
        """Takes a zipped bundle."""
        pieces = (request.content for request in request_iterator)
        return self._get(self._installer.install_upload(pieces))

    def ActivateEncoder(
        self, request: pb.ActivateEncoderRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Starts to let an encoder serve."""
        return self._starter.start_activation(request)

    def RollbackEncoder(
        self, request: pb.RollbackEncoderRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Starts to undo the latest switch."""
        return self._starter.start_rollback(request)

    def DeleteEncoder(
        self, request: pb.DeleteEncoderRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Deletes an encoder that does not serve."""
        self._installer.delete(convert.read_name("name", request.name, "encoders"))
        return Empty()

    def ListEncoders(
        self, request: pb.ListEncodersRequest, context: grpc.ServicerContext
    ) -> pb.ListEncodersResponse:
        """Returns a page of the installed encoders, those that serve first."""
        asked = {"method": "ListEncoders"}
        start = read_page_offset(request.page_token, asked)
        end = start + clamp_page_size(request.page_size)
        found = self._list()
        return pb.ListEncodersResponse(
            encoders=found[start:end],
            next_page_token=make_page_token(asked, str(end)) if len(found) > end else "",
        )

    def GetEncoder(
        self, request: pb.GetEncoderRequest, context: grpc.ServicerContext
    ) -> encoder_pb2.Encoder:
        """Returns one encoder."""
        encoder_id = convert.read_name("name", request.name, "encoders")
        if encoder_id == "default":
            encoder_id = self._encoders.current.assignment.default
        return self._get(encoder_id)

    def EmbedImage(
        self, request: pb.EmbedImageRequest, context: grpc.ServicerContext
    ) -> pb.EmbedImageResponse:
        """Embeds one image."""
        embedded = self._embedding.result(request)
        if isinstance(embedded, StylefacetError):
            raise embedded
        return embedded

    def StreamingEmbedImages(
        self,
        request_iterator: Iterator[pb.StreamingEmbedImagesRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[pb.StreamingEmbedImagesResponse]:
        """Embeds a stream of images; a bad one answers for itself."""
        pipeline = Pipeline(
            request_iterator, self._embed_items, self._pool.in_turn, self._stream_depth
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
        realm, mean = self._read_source("source", request.source)
        frame = realm.pictures.draw(mean[None])[0]
        return pb.DecodeEmbeddingResponse(frame=write_frame(realm.encoder_id, frame))

    def _traverse(self, request: pb.TraverseFeatureRequest) -> pb.TraverseFeatureResponse:
        asked = read_traversal(request)
        realm = self._encoders.current.default
        if request.encoder:
            named = convert.read_name("encoder", request.encoder, "encoders")
            realm = self._encoders.current.of_encoder(named)
        if request.HasField("source"):
            source_realm, start = self._read_source("source", request.source)
            if request.encoder and source_realm.encoder_id != realm.encoder_id:
                raise EncodersMixed(
                    {"the source": source_realm.encoder_id, "encoder": realm.encoder_id}
                )
            realm = source_realm
        else:
            start = realm.pictures.mean_of_catalogue()
        frame, ways = realm.pictures.traverse(start, asked)
        return pb.TraverseFeatureResponse(
            start=write_frame(realm.encoder_id, frame),
            traversals=[write_way(realm.encoder_id, way) for way in ways],
            encoder=f"encoders/{realm.encoder_id}",
        )

    def _interpolate(
        self, request: pb.InterpolateEmbeddingsRequest
    ) -> pb.InterpolateEmbeddingsResponse:
        realm, start = self._read_source("start", request.start)
        other, end = self._read_source("end", request.end)
        if other.encoder_id != realm.encoder_id:
            raise EncodersMixed({"the start": realm.encoder_id, "the end": other.encoder_id})
        frames = realm.pictures.interpolate(start, end, request.frame_count)
        return pb.InterpolateEmbeddingsResponse(
            frames=[write_frame(realm.encoder_id, frame) for frame in frames]
        )

    def _read_source(
        self, field: str, source: pb.PictureSource
    ) -> tuple[Realm, npt.NDArray[np.float32]]:
        """Returns the realm of what a picture is made from, and its latent vector ``(d,)``."""
        snapshot = self._encoders.current
        match source.WhichOneof("source"):
            case "product":
                name = convert.read_name(f"{field}.product", source.product, "products")
                realm = realm_of_product(snapshot, self._store, name)
            case "product_image":
                name, _ = convert.read_image_name(f"{field}.product_image", source.product_image)
                realm = realm_of_product(snapshot, self._store, name)
            case "content":
                realm, photo = embed_query(snapshot, source.content, "")
                return realm, photo.mean
            case "embedding":
                encoder = source.embedding.encoder
                name = convert.read_name(f"{field}.embedding.encoder", encoder, "encoders")
                realm = snapshot.of_encoder(name, "the embedding")
            case _:
                realm = snapshot.default
        return realm, read_source(field, source, realm.vectors)

    def _embed_items(
        self, items: Sequence[pb.StreamingEmbedImagesRequest]
    ) -> list[pb.StreamingEmbedImagesResponse]:
        embedded = self._embed_all([item.request for item in items])
        return [_answer(item, found) for item, found in zip(items, embedded, strict=True)]

    def _embed_all(
        self, requests: Sequence[pb.EmbedImageRequest]
    ) -> list[pb.EmbedImageResponse | StylefacetError]:
        """Embeds images, those of one encoder together; a bad one is answered by its error."""
        snapshot = self._encoders.current
        answers: dict[int, pb.EmbedImageResponse | StylefacetError] = {}
        chosen: dict[str, list[int]] = {}
        for number, request in enumerate(requests):
            try:
                realm = _choose_realm(request, snapshot)
                if realm is None:
                    realm, photo = snapshot.route(request.content)
                    answers[number] = _embed_response(realm, photo)
                else:
                    chosen.setdefault(realm.encoder_id, []).append(number)
            except StylefacetError as error:
                answers[number] = error
        for encoder_id, numbers in chosen.items():
            realm = snapshot.realms[encoder_id]
            photos = realm.embedder.embed_many([requests[number].content for number in numbers])
            for number, found in zip(numbers, photos, strict=True):
                answers[number] = (
                    found if isinstance(found, StylefacetError) else _embed_response(realm, found)
                )
        return [answers[number] for number in range(len(requests))]

    def _get(self, encoder_id: str) -> encoder_pb2.Encoder:
        found = self._store.encoders.find_installed(encoder_id)
        if found is None:
            name = f"encoders/{encoder_id}"
            raise ResourceMissing("encoder", name, "list them with ListEncoders")
        return convert.write_encoder(found, self._encoders.current.assignment)

    def _list(self) -> list[encoder_pb2.Encoder]:
        """Returns all installed encoders: the default one, others that serve, the rest."""
        assignment = self._encoders.current.assignment
        found = [
            convert.write_encoder(each, assignment)
            for each in self._store.encoders.list_installed()
        ]
        return sorted(found, key=lambda e: (not e.serves_default, not e.categories))


def _choose_realm(request: pb.EmbedImageRequest, snapshot: Snapshot) -> Realm | None:
    """Returns the realm that a photo is to be looked at in; none when the photo has to tell."""
    name = convert.read_name("name", request.name, "encoders") if request.name else ""
    if name and name not in ("default", *snapshot.realms):
        raise ResourceMissing("encoder", request.name, "it does not serve")
    if not request.content:
        raise InvalidField("content", "is empty; send the image's bytes")
    if name:
        return snapshot.of_encoder(name)
    if request.category or len(snapshot.realms) == 1:
        return snapshot.of_category(request.category)
    return None


def _embed_response(realm: Realm, photo: EmbeddedPhoto) -> pb.EmbedImageResponse:
    return pb.EmbedImageResponse(
        embedding=convert.write_embedding(realm.encoder_id, photo.mean.tolist(), photo.novelty)
    )


def _answer(
    item: pb.StreamingEmbedImagesRequest, found: pb.EmbedImageResponse | StylefacetError
) -> pb.StreamingEmbedImagesResponse:
    if isinstance(found, StylefacetError):
        return pb.StreamingEmbedImagesResponse(
            sequence_number=item.sequence_number, error=to_status(found)
        )
    return pb.StreamingEmbedImagesResponse(
        sequence_number=item.sequence_number, embedding=found.embedding
    )
