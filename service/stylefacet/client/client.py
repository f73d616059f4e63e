"""The typed client of a Stylefacet server; knows the contract and no file formats."""

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any

from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.field_mask_pb2 import FieldMask

from stylefacet.client import conversions as convert
from stylefacet.client.conversions import make_request_id, resource_name
from stylefacet.client.encoders import EncoderCalls
from stylefacet.client.features import FeatureCalls
from stylefacet.client.operations import OperationCalls
from stylefacet.client.pictures import PictureCalls
from stylefacet.client.similarity import SimilarityCalls
from stylefacet.client.streams import ResumedStream
from stylefacet.client.tls import Tls
from stylefacet.client.transport import RetryPolicy, Transport
from stylefacet.client.uploads import READ_AHEAD_ROWS, UploadWork
from stylefacet.client.values import (
    ImageView,
    Product,
    ProductImage,
    UploadOutcome,
    UploadRow,
)
from stylefacet.v1 import catalog_service_pb2 as catalog_pb
from stylefacet.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub
from stylefacet.v1.feature_service_pb2_grpc import FeatureServiceStub
from stylefacet.v1.similarity_service_pb2_grpc import SimilarityServiceStub

DEFAULT_ADDRESS = "127.0.0.1:50051"
_LIST_PAGE = 1000


class StylefacetClient(EncoderCalls, FeatureCalls, OperationCalls, PictureCalls, SimilarityCalls):
    """A connection to one server, for use in a ``with`` statement. Thread-safe.

    Resources are named by their ids; full names such as ``products/4711`` are taken as well.
    Every call may raise a :class:`~stylefacet.errors.StylefacetError` of the class the server
    raised, ``ServerUnreachable`` or ``CallTimedOut``. Calls that failed for a passing reason are
    sent again. Writes carry a request id, made for each call unless the caller gives one, so that
    what was done already is not done twice; ``validate_only`` has a write checked and not kept.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        token: str | None = None,
        *,
        tls: Tls | None = None,
        timeout_s: float = 30.0,
        retry: RetryPolicy | None = None,
        allow_plaintext_token: bool = False,
    ) -> None:
        """Makes a client; the connection opens with the first call.

        ``token`` is a bearer token, ``tls`` switches TLS on, ``timeout_s`` is the deadline of
        each unary call with its retries. A token goes unencrypted to this machine only, unless
        ``allow_plaintext_token`` says that the network itself is trusted.
        """
        self._transport = Transport(
            address,
            token,
            tls,
            timeout_s,
            retry if retry is not None else RetryPolicy(),
            allow_plaintext_token,
        )
        channel = self._transport.channel
        self._catalog = CatalogServiceStub(channel)
        self._encoders = EncoderServiceStub(channel)
        self._features = FeatureServiceStub(channel)
        self._similarity = SimilarityServiceStub(channel)
        self._operations: Any = OperationsStub(channel)

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._transport.address

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def __enter__(self) -> "StylefacetClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Products and their images

    def get_product(self, product: str) -> Product:
        """Returns one product."""
        request = catalog_pb.GetProductRequest(name=resource_name("products", product))
        return convert.product_value(self._transport.call(self._catalog.GetProduct, request))

    def list_products(self, filter: str = "") -> Iterator[Product]:
        """Yields the products that pass a filter, in order of id; pages are fetched as needed."""
        token = ""
        while True:
            request = catalog_pb.ListProductsRequest(
                page_size=_LIST_PAGE, page_token=token, filter=filter
            )
            page = self._transport.call(self._catalog.ListProducts, request)
            yield from map(convert.product_value, page.products)
            token = page.next_page_token
            if not token:
                return

    def update_product(
        self,
        product: Product,
        fields: Sequence[str] = (),
        allow_missing: bool = False,
        *,
        validate_only: bool = False,
        request_id: str = "",
    ) -> Product:
        """Writes the named fields of a product, all populated ones when none is named.

        With ``allow_missing`` a product that does not exist is made. An ``etag`` makes the call
        fail with ``EtagMismatch`` when someone else wrote in between.
        """
        request = _update_message(product, fields, allow_missing)
        request.validate_only = validate_only
        request.request_id = request_id or make_request_id()
        return convert.product_value(self._transport.call(self._catalog.UpdateProduct, request))

    def update_products(
        self,
        products: Iterable[Product],
        fields: Sequence[str] = (),
        allow_missing: bool = False,
        *,
        validate_only: bool = False,
        request_id: str = "",
    ) -> list[Product]:
        """Writes up to 500 products, all or none, each as `update_product` would."""
        request = catalog_pb.BatchUpdateProductsRequest(
            requests=[_update_message(product, fields, allow_missing) for product in products],
            validate_only=validate_only,
            request_id=request_id or make_request_id(),
        )
        reply = self._transport.call(self._catalog.BatchUpdateProducts, request)
        return list(map(convert.product_value, reply.products))

    def delete_product(
        self, product: str, etag: str = "", *, validate_only: bool = False, request_id: str = ""
    ) -> None:
        """Deletes a product and its images."""
        request = catalog_pb.DeleteProductRequest(
            name=resource_name("products", product),
            etag=etag,
            validate_only=validate_only,
            request_id=request_id or make_request_id(),
        )
        self._transport.call(self._catalog.DeleteProduct, request)

    def create_image(
        self,
        product: str,
        content: bytes,
        image_id: str = "",
        *,
        validate_only: bool = False,
        request_id: str = "",
    ) -> ProductImage:
        """Stores a photo of a product and embeds it."""
        request = catalog_pb.CreateProductImageRequest(
            parent=resource_name("products", product),
            product_image_id=image_id,
            validate_only=validate_only,
            request_id=request_id or make_request_id(),
        )
        request.product_image.content = content
        return convert.image_value(self._transport.call(self._catalog.CreateProductImage, request))

    def get_image(self, image_name: str, view: ImageView = ImageView.FULL) -> ProductImage:
        """Returns one image by its name ``products/{product}/images/{image}``."""
        request = catalog_pb.GetProductImageRequest(name=image_name, view=convert.VIEWS[view])
        return convert.image_value(self._transport.call(self._catalog.GetProductImage, request))

    def list_images(
        self, product: str, view: ImageView = ImageView.BASIC
    ) -> Iterator[ProductImage]:
        """Yields a product's images in order of id."""
        token = ""
        while True:
            request = catalog_pb.ListProductImagesRequest(
                parent=resource_name("products", product),
                page_token=token,
                view=convert.VIEWS[view],
            )
            page = self._transport.call(self._catalog.ListProductImages, request)
            yield from map(convert.image_value, page.product_images)
            token = page.next_page_token
            if not token:
                return

    def delete_image(
        self, image_name: str, *, validate_only: bool = False, request_id: str = ""
    ) -> None:
        """Deletes one image by its name."""
        request = catalog_pb.DeleteProductImageRequest(
            name=image_name,
            validate_only=validate_only,
            request_id=request_id or make_request_id(),
        )
        self._transport.call(self._catalog.DeleteProductImage, request)

    def upload(
        self, rows: Iterable[UploadRow], read_ahead: int = READ_AHEAD_ROWS
    ) -> Iterator[UploadOutcome]:
        """Sends rows and yields what became of each, in the order the answers arrive.

        A bad row fails alone. At most ``read_ahead`` rows are held at a time. Rows without an
        answer are sent again when the connection breaks.
        """
        work = UploadWork(self._transport)
        return iter(ResumedStream(self._transport, work, rows, read_ahead))


def _update_message(
    product: Product, fields: Sequence[str], allow_missing: bool
) -> catalog_pb.UpdateProductRequest:
    return catalog_pb.UpdateProductRequest(
        product=convert.product_message(product),
        update_mask=FieldMask(paths=fields) if fields else None,
        allow_missing=allow_missing,
    )
