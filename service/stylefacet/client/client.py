"""The typed client of a Stylefacet server; knows the contract and no file formats."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import grpc
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.field_mask_pb2 import FieldMask

from stylefacet.client import conversions as convert
from stylefacet.client.conversions import build, one_of, resource_id, resource_name
from stylefacet.client.embeds import embed_stream
from stylefacet.client.operations import OperationCalls
from stylefacet.client.pictures import PictureCalls
from stylefacet.client.similarity import SimilarityCalls
from stylefacet.client.transport import RetryPolicy, Transport
from stylefacet.client.uploads import READ_AHEAD_ROWS, Upload
from stylefacet.client.values import (
    Embedding,
    EmbedOutcome,
    Encoder,
    Feature,
    ImageView,
    Prediction,
    Product,
    ProductImage,
    UploadOutcome,
    UploadRow,
)
from stylefacet.v1 import catalog_service_pb2 as catalog_pb
from stylefacet.v1 import encoder_service_pb2 as encoder_pb
from stylefacet.v1 import feature_pb2
from stylefacet.v1 import feature_service_pb2 as feature_pb
from stylefacet.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub
from stylefacet.v1.feature_service_pb2_grpc import FeatureServiceStub
from stylefacet.v1.similarity_service_pb2_grpc import SimilarityServiceStub

DEFAULT_ADDRESS = "127.0.0.1:50051"
# Fitting reads the whole catalogue's vectors; 100,000 take seconds, not half a minute.
FIT_TIMEOUT_S = 300.0
_LIST_PAGE = 1000


class StylefacetClient(OperationCalls, PictureCalls, SimilarityCalls):
    """A connection to one server, for use in a ``with`` statement. Thread-safe.

    Resources are named by their ids; full names such as ``products/4711`` are taken as well.
    Every call may raise a :class:`~stylefacet.errors.StylefacetError` of the class the server
    raised, ``ServerUnreachable`` or ``CallTimedOut``. Calls that failed for a passing reason are
    sent again; every one of them may safely be sent twice.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        token: str | None = None,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout_s: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Makes a client; the connection opens with the first call.

        ``token`` is a bearer token, ``credentials`` switch TLS on, ``timeout_s`` is the deadline
        of each unary call with its retries.
        """
        self._transport = Transport(
            address, token, credentials, timeout_s, retry if retry is not None else RetryPolicy()
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
        self, product: Product, fields: Sequence[str] = (), allow_missing: bool = False
    ) -> Product:
        """Writes the named fields of a product, all populated ones when none is named.

        With ``allow_missing`` a product that does not exist is made. An ``etag`` makes the call
        fail with ``EtagMismatch`` when someone else wrote in between.
        """
        request = catalog_pb.UpdateProductRequest(
            product=convert.product_message(product),
            update_mask=FieldMask(paths=fields) if fields else None,
            allow_missing=allow_missing,
        )
        return convert.product_value(self._transport.call(self._catalog.UpdateProduct, request))

    def delete_product(self, product: str, etag: str = "") -> None:
        """Deletes a product and its images."""
        request = catalog_pb.DeleteProductRequest(
            name=resource_name("products", product), etag=etag
        )
        self._transport.call(self._catalog.DeleteProduct, request)

    def create_image(self, product: str, content: bytes, image_id: str = "") -> ProductImage:
        """Stores a photo of a product and embeds it."""
        request = catalog_pb.CreateProductImageRequest(
            parent=resource_name("products", product), product_image_id=image_id
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

    def delete_image(self, image_name: str) -> None:
        """Deletes one image by its name."""
        request = catalog_pb.DeleteProductImageRequest(name=image_name)
        self._transport.call(self._catalog.DeleteProductImage, request)

    def upload(
        self, rows: Iterable[UploadRow], read_ahead: int = READ_AHEAD_ROWS
    ) -> Iterator[UploadOutcome]:
        """Sends rows and yields what became of each, in the order the answers arrive.

        A bad row fails alone. At most ``read_ahead`` rows are held at a time. Rows without an
        answer are sent again when the connection breaks.
        """
        return iter(Upload(self._transport, rows, read_ahead))

    # Encoders and embeddings

    def list_encoders(self) -> Iterator[Encoder]:
        """Yields the loaded encoders, the active one first."""
        token = ""
        while True:
            request = encoder_pb.ListEncodersRequest(page_size=_LIST_PAGE, page_token=token)
            page = self._transport.call(self._encoders.ListEncoders, request)
            yield from map(convert.encoder_value, page.encoders)
            token = page.next_page_token
            if not token:
                return

    def get_encoder(self, encoder: str = "default") -> Encoder:
        """Returns one encoder; ``default`` is the active one."""
        request = encoder_pb.GetEncoderRequest(name=resource_name("encoders", encoder))
        return convert.encoder_value(self._transport.call(self._encoders.GetEncoder, request))

    def embed(self, content: bytes, encoder: str = "default") -> Embedding:
        """Returns the embedding of an encoded photo; nothing is stored."""
        request = encoder_pb.EmbedImageRequest(
            name=resource_name("encoders", encoder), content=content
        )
        reply = self._transport.call(self._encoders.EmbedImage, request)
        return convert.embedding_value(reply.embedding)

    def embed_many(
        self, contents: Iterable[bytes], encoder: str = "default"
    ) -> Iterator[EmbedOutcome]:
        """Yields the embedding of each photo, or its error, in the order the answers arrive."""
        return embed_stream(
            self._transport, self._encoders, contents, resource_name("encoders", encoder)
        )

    # Features

    def list_features(self) -> Iterator[Feature]:
        """Yields all features in order of id."""
        token = ""
        while True:
            request = feature_pb.ListFeaturesRequest(page_size=_LIST_PAGE, page_token=token)
            page = self._transport.call(self._features.ListFeatures, request)
            yield from map(convert.feature_value, page.features)
            token = page.next_page_token
            if not token:
                return

    def get_feature(self, feature: str) -> Feature:
        """Returns one feature."""
        request = feature_pb.GetFeatureRequest(name=resource_name("features", feature))
        return convert.feature_value(self._transport.call(self._features.GetFeature, request))

    def create_feature(
        self,
        feature: str,
        *,
        dimensions: Sequence[int] = (),
        block: str = "",
        display_name: str = "",
    ) -> Feature:
        """Makes a feature of chosen latent dimensions, or of a whole latent block."""
        request = build(
            lambda: feature_pb.CreateFeatureRequest(
                feature_id=resource_id(feature),
                feature=feature_pb2.Feature(dimensions=dimensions, display_name=display_name),
                block=block,
            ),
            "feature",
        )
        return convert.feature_value(self._transport.call(self._features.CreateFeature, request))

    def fit_feature(
        self, feature: str, examples: Mapping[str, str], display_name: str = ""
    ) -> Feature:
        """Fits a feature from values of products, ``{product id: value}``."""
        request = build(
            lambda: feature_pb.FitFeatureRequest(
                feature_id=resource_id(feature),
                display_name=display_name,
                examples=[
                    feature_pb.FeatureExample(
                        product=resource_name("products", product), value=value
                    )
                    for product, value in examples.items()
                ],
            ),
            "examples",
        )
        reply = self._transport.call(self._features.FitFeature, request, FIT_TIMEOUT_S)
        return convert.feature_value(reply)

    def delete_feature(self, feature: str) -> None:
        """Deletes a feature made at run time."""
        request = feature_pb.DeleteFeatureRequest(name=resource_name("features", feature))
        self._transport.call(self._features.DeleteFeature, request)

    def predict(
        self,
        *,
        product: str | None = None,
        content: bytes | None = None,
        features: Sequence[str] = (),
    ) -> tuple[Prediction, ...]:
        """Returns the values of fitted features, all when none is named, in order of id.

        The subject is a stored product or an encoded photo.
        """
        one_of(product=product, content=content)
        request = feature_pb.PredictFeaturesRequest(
            product=resource_name("products", product) if product is not None else None,
            content=content,
            features=[resource_name("features", f) for f in features],
        )
        reply = self._transport.call(self._features.PredictFeatures, request)
        return tuple(map(convert.prediction_value, reply.predictions))
