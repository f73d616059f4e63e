"""Serves CatalogService: messages in, use cases, messages out."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import grpc
from google.longrunning import operations_pb2
from google.protobuf.empty_pb2 import Empty

from stylefacet.app.page_tokens import clamp_page_size, make_page_token, read_page_token
from stylefacet.app.pipeline import Pipeline
from stylefacet.app.realms import EncoderSet, realm_of_product
from stylefacet.app.uploads import COMMIT_LINGER_S, PreparedRow, UploadRow, Uploads
from stylefacet.catalog.entities import ProductImage
from stylefacet.catalog.filter import parse_filter
from stylefacet.catalog.store import Store
from stylefacet.errors import ImageUndecodable, InvalidField, StylefacetError
from stylefacet.kept_inputs import show_kept
from stylefacet.server import convert
from stylefacet.server.export_messages import write_exported_feature, write_exported_product
from stylefacet.server.long_work import LongWork
from stylefacet.server.operation_starter import OperationStarter
from stylefacet.server.photo_pool import PhotoPool
from stylefacet.server.terms import read_terms
from stylefacet.v1 import catalog_service_pb2 as pb
from stylefacet.v1 import catalog_service_pb2_grpc, import_products_pb2, product_pb2

_log = logging.getLogger(__name__)
MAX_BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class _Prepared:
    row_number: int
    row: PreparedRow | StylefacetError


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Thread-safe; decoding and embedding run in the shared pool."""

    def __init__(
        self,
        store: Store,
        uploads: Uploads,
        encoders: EncoderSet,
        starter: OperationStarter,
        pool: PhotoPool,
        stream_depth: int,
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._encoders = encoders
        self._starter = starter
        self._pool = pool
        self._stream_depth = stream_depth
        self._long_work = LongWork(lambda: pool.waiting_count > 0)

    def GetProduct(
        self, request: pb.GetProductRequest, context: grpc.ServicerContext
    ) -> product_pb2.Product:
        """Returns one product."""
        product_id = convert.read_name("name", request.name, "products")
        return convert.write_product(self._store.get_product(product_id))

    def ListProducts(
        self, request: pb.ListProductsRequest, context: grpc.ServicerContext
    ) -> pb.ListProductsResponse:
        """Returns a page of products in order of name."""
        asked = {"method": "ListProducts", "filter": request.filter}
        after = read_page_token(request.page_token, asked)
        condition = parse_filter(request.filter) if request.filter.strip() else None
        products, following = self._store.list_products(
            condition, after, clamp_page_size(request.page_size)
        )
        return pb.ListProductsResponse(
            products=[convert.write_product(product) for product in products],
            next_page_token=make_page_token(asked, following) if following else "",
        )

    def UpdateProduct(
        self, request: pb.UpdateProductRequest, context: grpc.ServicerContext
    ) -> product_pb2.Product:
        """Changes or creates a product."""
        change = convert.read_product_update(request)
        (product,) = self._uploads.update_products([change], read_terms(request))
        return convert.write_product(product)

    def BatchUpdateProducts(
        self, request: pb.BatchUpdateProductsRequest, context: grpc.ServicerContext
    ) -> pb.BatchUpdateProductsResponse:
        """Changes or creates products, all or none."""
        if not 1 <= len(request.requests) <= MAX_BATCH_SIZE:
            raise InvalidField(
                "requests", f"holds {len(request.requests)}; send 1 to {MAX_BATCH_SIZE}"
            )
        if any(item.validate_only or item.request_id for item in request.requests):
            raise InvalidField(
                "requests", "set validate_only and request_id of the batch, not of its requests"
            )
        changes = [convert.read_product_update(item) for item in request.requests]
        products = self._uploads.update_products(changes, read_terms(request))
        return pb.BatchUpdateProductsResponse(products=map(convert.write_product, products))

    def DeleteProduct(
        self, request: pb.DeleteProductRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Deletes a product and its images."""
        product_id = convert.read_name("name", request.name, "products")
        self._store.delete_product(product_id, request.etag, read_terms(request))
        return Empty()

    def CreateProductImage(
        self, request: pb.CreateProductImageRequest, context: grpc.ServicerContext
    ) -> product_pb2.ProductImage:
        """Stores one image of an existing product and embeds it."""
        product_id = convert.read_name("parent", request.parent, "products")
        if not request.product_image.content:
            raise InvalidField("product_image.content", "is empty; send the image's bytes")
        image = self._pool.submit(
            self._uploads.add_image,
            product_id,
            request.product_image.content,
            request.product_image_id,
            read_terms(request),
        ).result()
        return convert.write_product_image(image)

    def GetProductImage(
        self, request: pb.GetProductImageRequest, context: grpc.ServicerContext
    ) -> product_pb2.ProductImage:
        """Returns one image's record."""
        product_id, image_id = convert.read_image_name("name", request.name)
        view = request.view or product_pb2.PRODUCT_IMAGE_VIEW_FULL
        return self._write_images(product_id, [self._store.get_image(product_id, image_id)], view)[
            0
        ]

    def ListProductImages(
        self, request: pb.ListProductImagesRequest, context: grpc.ServicerContext
    ) -> pb.ListProductImagesResponse:
        """Returns a page of a product's images in order of name."""
        product_id = convert.read_name("parent", request.parent, "products")
        view = request.view or product_pb2.PRODUCT_IMAGE_VIEW_BASIC
        asked = {"method": "ListProductImages", "parent": request.parent, "view": view}
        after = read_page_token(request.page_token, asked)
        images, following = self._store.list_images(
            product_id, after, clamp_page_size(request.page_size)
        )
        return pb.ListProductImagesResponse(
            product_images=self._write_images(product_id, images, view),
            next_page_token=make_page_token(asked, following) if following else "",
        )

    def DeleteProductImage(
        self, request: pb.DeleteProductImageRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Deletes an image."""
        product_id, image_id = convert.read_image_name("name", request.name)
        self._store.delete_image(product_id, image_id, read_terms(request))
        return Empty()

    def UploadProducts(
        self, request_iterator: Iterator[pb.UploadProductsRequest], context: grpc.ServicerContext
    ) -> Iterator[pb.UploadProductsResponse]:
        """Stores a stream of rows; rows that are ready together share one commit.

        A store that is away ends the stream instead of failing rows: callers send again what has
        no answer.
        """
        pipeline = Pipeline(request_iterator, self._prepare, self._pool.in_turn, self._stream_depth)
        for batch in pipeline.batches(COMMIT_LINGER_S):
            rows = [item.row for item in batch if isinstance(item.row, PreparedRow)]
            written = self._uploads.write(rows) if rows else None
            outcomes = iter(written.rows) if written else iter(())
            for item in batch:
                if isinstance(item.row, StylefacetError):
                    if item.row.retry_after_s is not None:
                        raise item.row
                    yield convert.write_upload_failure(item.row_number, item.row)
                else:
                    assert written is not None
                    yield convert.write_upload_outcome(
                        item.row_number, next(outcomes), written.sequence
                    )

    def ExportFeatures(
        self, request: pb.ExportFeaturesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ExportFeaturesResponse]:
        """Streams every product with its place in every feature."""
        names = [convert.read_name("features", name, "features") for name in request.features]
        if request.encoder:
            encoder_id = convert.read_name("encoder", request.encoder, "encoders")
            realm = self._encoders.current.of_encoder(encoder_id, "the export")
        else:
            realm = self._encoders.current.only("encoder")
        features = realm.export.choose(names)
        header = [write_exported_feature(feature) for feature in features]
        batches = realm.export.run(request.filter, features)
        while True:
            with self._long_work.piece():
                batch = next(batches, None)
                if batch is None:
                    return
                response = pb.ExportFeaturesResponse(
                    encoder=f"encoders/{realm.encoder_id}",
                    sequence_number=batch.sequence,
                    features=header,
                    products=map(write_exported_product, batch.products),
                )
            yield response
            header = []

    def ImportProducts(
        self, request: import_products_pb2.ImportProductsRequest, context: grpc.ServicerContext
    ) -> operations_pb2.Operation:
        """Starts the import of a manifest that lies on the server."""
        return self._starter.start_import(request)

    def _prepare(self, requests: Sequence[pb.UploadProductsRequest]) -> list[_Prepared]:
        read = [_read_row(request) for request in requests]
        rows = iter(self._uploads.prepare([row for row in read if isinstance(row, UploadRow)]))
        return [
            _Prepared(request.row_number, next(rows) if isinstance(row, UploadRow) else row)
            for request, row in zip(requests, read, strict=True)
        ]

    def _write_images(
        self, product_id: str, images: list[ProductImage], view: product_pb2.ProductImageView
    ) -> list[product_pb2.ProductImage]:
        embeddings = {}
        if view == product_pb2.PRODUCT_IMAGE_VIEW_FULL:
            realm = realm_of_product(self._encoders.current, self._store, product_id)
            embeddings = dict(self._store.list_embeddings(product_id, realm.encoder_id))
        thumbnails: dict[str, bytes | None] = {}
        if view == product_pb2.PRODUCT_IMAGE_VIEW_THUMBNAIL:
            kept = {i.id: self._store.get_kept_input(product_id, i.id) for i in images}
            thumbnails = {id: _show(content, product_id) for id, content in kept.items()}
        return [
            convert.write_product_image(image, embeddings.get(image.id), thumbnails.get(image.id))
            for image in images
        ]


def _read_row(request: pb.UploadProductsRequest) -> UploadRow | StylefacetError:
    try:
        fields = convert.read_product_fields(request.product)
        mask = convert.read_product_mask(request.product)
    except StylefacetError as error:
        return error
    return UploadRow(fields, request.content, request.product_image_id, mask)


def _show(kept: bytes | None, product_id: str) -> bytes | None:
    """Returns a kept input as PNG; none where there is none, or a damaged one."""
    try:
        return None if kept is None else show_kept(kept)
    except ImageUndecodable:
        _log.warning("kept input unreadable", extra={"product": product_id}, exc_info=True)
        return None
