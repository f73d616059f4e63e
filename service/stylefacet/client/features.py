"""The client's calls around features: making, changing, predicting, exporting; knows no file."""

from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from stylefacet.client import conversions as convert
from stylefacet.client.conversions import (
    build,
    make_request_id,
    one_of,
    optional_name,
    resource_id,
    resource_name,
)
from stylefacet.client.transport import Transport
from stylefacet.client.values import (
    ExportedFeature,
    ExportedProduct,
    Feature,
    FeatureExport,
    Place,
    Prediction,
)
from stylefacet.v1 import catalog_service_pb2 as catalog_pb
from stylefacet.v1 import feature_pb2
from stylefacet.v1 import feature_service_pb2 as feature_pb
from stylefacet.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stylefacet.v1.feature_service_pb2_grpc import FeatureServiceStub

# Fitting reads the whole catalogue's vectors; 100,000 take seconds, not half a minute.
FIT_TIMEOUT_S = 300.0
# A million products take minutes; the caller's own work counts as well.
EXPORT_TIMEOUT_S = 3600.0
_LIST_PAGE = 1000


class FeatureCalls:
    """The part of the client that deals with features."""

    _transport: Transport
    _features: FeatureServiceStub
    _catalog: CatalogServiceStub

    def list_features(self, encoder: str = "") -> Iterator[Feature]:
        """Yields all features of an encoder, the default one's if none is named, in order of id."""
        token = ""
        while True:
            request = feature_pb.ListFeaturesRequest(
                page_size=_LIST_PAGE,
                page_token=token,
                encoder=optional_name("encoders", encoder),
            )
            page = self._transport.call(self._features.ListFeatures, request)
            yield from map(convert.feature_value, page.features)
            token = page.next_page_token
            if not token:
                return

    def get_feature(self, feature: str, encoder: str = "") -> Feature:
        """Returns one feature of an encoder, of the default one if none is named."""
        request = feature_pb.GetFeatureRequest(
            name=resource_name("features", feature), encoder=optional_name("encoders", encoder)
        )
        return convert.feature_value(self._transport.call(self._features.GetFeature, request))

    def list_examples(self, feature: str) -> Iterator[tuple[str, str]]:
        """Yields what a feature was fitted on, product id and value, in order of product id."""
        token = ""
        while True:
            request = feature_pb.ListFeatureExamplesRequest(
                parent=resource_name("features", feature), page_size=_LIST_PAGE, page_token=token
            )
            page = self._transport.call(self._features.ListFeatureExamples, request)
            for example in page.examples:
                yield resource_id(example.product), example.value
            token = page.next_page_token
            if not token:
                return

    def create_feature(
        self,
        feature: str,
        *,
        dimensions: Sequence[int] = (),
        block: str = "",
        display_name: str = "",
        description: str = "",
        encoder: str = "",
        validate_only: bool = False,
        request_id: str = "",
    ) -> Feature:
        """Makes a feature of chosen latent dimensions, or of a whole latent block.

        They are those of ``encoder``, of the default one if none is named.
        """
        request = build(
            lambda: feature_pb.CreateFeatureRequest(
                feature_id=resource_id(feature),
                feature=feature_pb2.Feature(
                    dimensions=dimensions, display_name=display_name, description=description
                ),
                block=block,
                encoder=optional_name("encoders", encoder),
                validate_only=validate_only,
                request_id=request_id or make_request_id(),
            ),
            "feature",
        )
        return convert.feature_value(self._transport.call(self._features.CreateFeature, request))

    def fit_feature(
        self,
        feature: str,
        examples: Mapping[str, str],
        display_name: str = "",
        *,
        description: str = "",
        encoder: str = "",
        validate_only: bool = False,
        request_id: str = "",
    ) -> Feature:
        """Fits a feature from values of products, ``{product id: value}``.

        All of them are products of one encoder, which need not be named. With ``validate_only``
        nothing is kept: the quality says what a fit would be worth.
        """
        request = build(
            lambda: feature_pb.FitFeatureRequest(
                feature_id=resource_id(feature),
                display_name=display_name,
                description=description,
                examples=_example_messages(examples),
                encoder=optional_name("encoders", encoder),
                validate_only=validate_only,
                request_id=request_id or make_request_id(),
            ),
            "examples",
        )
        reply = self._transport.call(self._features.FitFeature, request, FIT_TIMEOUT_S)
        return convert.feature_value(reply)

    def update_feature(
        self,
        feature: str,
        *,
        display_name: str | None = None,
        description: str | None = None,
        examples: Mapping[str, str] | None = None,
        keep_examples: bool = False,
        refit: bool = False,
        refresh_scale: bool = False,
        etag: str = "",
        encoder: str = "",
        validate_only: bool = False,
        request_id: str = "",
    ) -> Feature:
        """Changes a feature made at run time; what is left out stays.

        ``examples`` fit it anew, in place of the stored ones or, with ``keep_examples``, with
        them; ``refit`` fits it on the stored ones; ``refresh_scale`` takes the scale from today's
        catalogue.
        """
        texts = {"display_name": display_name, "description": description}
        request = build(
            lambda: feature_pb.UpdateFeatureRequest(
                feature=feature_pb2.Feature(
                    name=resource_name("features", feature),
                    etag=etag,
                    display_name=display_name or "",
                    description=description or "",
                ),
                update_mask=FieldMask(paths=[n for n, text in texts.items() if text is not None]),
                examples=_example_messages(examples or {}),
                keep_examples=keep_examples,
                refit=refit,
                refresh_scale=refresh_scale,
                encoder=optional_name("encoders", encoder),
                validate_only=validate_only,
                request_id=request_id or make_request_id(),
            ),
            "feature",
        )
        reply = self._transport.call(self._features.UpdateFeature, request, FIT_TIMEOUT_S)
        return convert.feature_value(reply)

    def delete_feature(
        self, feature: str, etag: str = "", *, validate_only: bool = False, request_id: str = ""
    ) -> None:
        """Deletes a feature made at run time."""
        request = feature_pb.DeleteFeatureRequest(
            name=resource_name("features", feature),
            etag=etag,
            validate_only=validate_only,
            request_id=request_id or make_request_id(),
        )
        self._transport.call(self._features.DeleteFeature, request)

    def predict(
        self,
        *,
        product: str | None = None,
        content: bytes | None = None,
        features: Sequence[str] = (),
        category: str = "",
    ) -> tuple[Prediction, ...]:
        """Returns the values of fitted features, all when none is named, in order of id.

        The subject is a stored product or an encoded photo, whose category, if given, says which
        encoder is to see it.
        """
        one_of(product=product, content=content)
        request = feature_pb.PredictFeaturesRequest(
            product=resource_name("products", product) if product is not None else None,
            content=content,
            features=[resource_name("features", f) for f in features],
            category=category,
        )
        reply = self._transport.call(self._features.PredictFeatures, request)
        return tuple(map(convert.prediction_value, reply.predictions))

    def export_features(
        self,
        filter: str = "",
        features: Sequence[str] = (),
        timeout_s: float = EXPORT_TIMEOUT_S,
        encoder: str = "",
    ) -> FeatureExport:
        """Returns the table of all products that pass a filter, in all or the named features.

        They are the products of one encoder, which has to be named where several serve.

        Its ``products`` are fetched while they are iterated, once. They show one moment, that of
        ``sequence_number``: a connection that breaks on the way ends the iteration with an error,
        and the export has to be asked for anew.

        Example::

            for row in client.export_features().products:
                print(row.product.product_id, row.places)
        """
        request = catalog_pb.ExportFeaturesRequest(
            filter=filter,
            features=[resource_name("features", f) for f in features],
            encoder=optional_name("encoders", encoder),
        )
        answers = self._transport.answers(self._catalog.ExportFeatures, request, timeout_s)
        first = next(answers)
        return FeatureExport(
            encoder=resource_id(first.encoder),
            sequence_number=first.sequence_number,
            features=tuple(map(_exported_feature, first.features)),
            products=_exported_products(first, answers),
        )


def _example_messages(examples: Mapping[str, str]) -> list[feature_pb.FeatureExample]:
    return [
        feature_pb.FeatureExample(product=resource_name("products", product), value=value)
        for product, value in examples.items()
    ]


def _exported_feature(message: catalog_pb.ExportedFeature) -> ExportedFeature:
    return ExportedFeature(
        feature_id=resource_id(message.feature),
        version=message.version,
        coordinate_count=message.coordinate_count,
        fitted=message.fitted,
        carried=message.carried,
    )


def _exported_products(
    first: catalog_pb.ExportFeaturesResponse, others: Iterator[catalog_pb.ExportFeaturesResponse]
) -> Iterator[ExportedProduct]:
    yield from map(_exported_product, first.products)
    for answer in others:
        yield from map(_exported_product, answer.products)


def _exported_product(message: catalog_pb.ExportedProduct) -> ExportedProduct:
    return ExportedProduct(
        product=convert.product_value(message.product),
        image_count=message.image_count,
        places=tuple(
            Place(tuple(place.coordinates), place.value, place.probability)
            for place in message.features
        ),
    )
