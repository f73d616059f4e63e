"""Serves FeatureService: names for what the encoder sees."""

from collections.abc import Iterable
from concurrent.futures import Executor

import grpc
from google.protobuf.empty_pb2 import Empty

from stylefacet.app.features import FeatureTexts, LiveFeature
from stylefacet.app.fitting import FeatureChange, Prediction
from stylefacet.app.page_tokens import clamp_page_size, make_page_token, read_page_token
from stylefacet.app.realms import (
    EncoderSet,
    Realm,
    embed_query,
    realm_of_product,
    realm_of_products,
)
from stylefacet.bundle import FeatureKind
from stylefacet.catalog.limits import check_id
from stylefacet.catalog.store import Store
from stylefacet.errors import InvalidField
from stylefacet.features.fitting import FittedFeature
from stylefacet.server import convert
from stylefacet.server.terms import read_terms
from stylefacet.v1 import feature_pb2, feature_service_pb2_grpc
from stylefacet.v1 import feature_service_pb2 as pb

_KINDS = {
    FeatureKind.DIMENSIONS: feature_pb2.Feature.DIMENSIONS,
    FeatureKind.PROJECTION: feature_pb2.Feature.PROJECTION,
}


class FeatureServicer(feature_service_pb2_grpc.FeatureServiceServicer):
    """Thread-safe; holds no state of its own. Each request is about one encoder's features.

    Predictions are made in the shared pool.
    """

    def __init__(self, store: Store, encoders: EncoderSet, pool: Executor) -> None:
        self._store = store
        self._encoders = encoders
        self._pool = pool

    def ListFeatures(
        self, request: pb.ListFeaturesRequest, context: grpc.ServicerContext
    ) -> pb.ListFeaturesResponse:
        """Returns a page of features in order of name."""
        realm = self._realm(request.encoder)
        asked = {"method": "ListFeatures", "encoder": realm.encoder_id}
        after = read_page_token(request.page_token, asked)
        size = clamp_page_size(request.page_size)
        following = [feature for feature in realm.features.list_all() if feature.name > after]
        page = following[:size]
        return pb.ListFeaturesResponse(
            features=[_write(realm, feature) for feature in page],
            next_page_token=make_page_token(asked, page[-1].name) if len(following) > size else "",
        )

    def GetFeature(
        self, request: pb.GetFeatureRequest, context: grpc.ServicerContext
    ) -> feature_pb2.Feature:
        """Returns one feature."""
        realm = self._realm(request.encoder)
        name = convert.read_name("name", request.name, "features")
        return _write(realm, realm.features.get(name))

    def CreateFeature(
        self, request: pb.CreateFeatureRequest, context: grpc.ServicerContext
    ) -> feature_pb2.Feature:
        """Makes a feature of latent dimensions."""
        check_id("feature_id", request.feature_id)
        realm, feature = self._realm(request.encoder), request.feature
        made = realm.features.create(
            FeatureTexts(request.feature_id, feature.display_name, feature.description),
            list(feature.dimensions),
            request.block,
            read_terms(request),
        )
        return _write(realm, made)

    def FitFeature(
        self, request: pb.FitFeatureRequest, context: grpc.ServicerContext
    ) -> feature_pb2.Feature:
        """Fits a feature from labelled products."""
        check_id("feature_id", request.feature_id)
        texts = FeatureTexts(request.feature_id, request.display_name, request.description)
        examples = _read_examples(request.examples)
        if request.encoder:
            realm = self._realm(request.encoder)
        else:
            named = [product_id for product_id, _ in examples]
            realm = realm_of_products(self._encoders.current, self._store, named)
        return _write(realm, realm.fitting.fit(texts, examples, read_terms(request)))

    def UpdateFeature(
        self, request: pb.UpdateFeatureRequest, context: grpc.ServicerContext
    ) -> feature_pb2.Feature:
        """Changes what a feature is called, what it was fitted on, or its scale."""
        realm, feature = self._realm(request.encoder), request.feature
        mask = _read_mask(request)
        change = FeatureChange(
            convert.read_name("feature.name", feature.name, "features"),
            feature.display_name if "display_name" in mask else None,
            feature.description if "description" in mask else None,
            tuple(_read_examples(request.examples)),
            request.keep_examples,
            request.refit,
            request.refresh_scale,
            feature.etag,
        )
        return _write(realm, realm.fitting.update(change, read_terms(request)))

    def ListFeatureExamples(
        self, request: pb.ListFeatureExamplesRequest, context: grpc.ServicerContext
    ) -> pb.ListFeatureExamplesResponse:
        """Returns a page of what a feature was fitted on, in order of product name."""
        name = convert.read_name("parent", request.parent, "features")
        asked = {"method": "ListFeatureExamples", "parent": name}
        after = read_page_token(request.page_token, asked)
        size = clamp_page_size(request.page_size)
        following = [item for item in self._list_examples(name) if item[0] > after]
        page = following[:size]
        return pb.ListFeatureExamplesResponse(
            examples=[
                pb.FeatureExample(product=f"products/{product_id}", value=value)
                for product_id, value in page
            ],
            next_page_token=make_page_token(asked, page[-1][0]) if len(following) > size else "",
        )

    def PredictFeatures(
        self, request: pb.PredictFeaturesRequest, context: grpc.ServicerContext
    ) -> pb.PredictFeaturesResponse:
        """Predicts the values of fitted features."""
        return self._pool.submit(self._predict, request).result()

    def _predict(self, request: pb.PredictFeaturesRequest) -> pb.PredictFeaturesResponse:
        names = [convert.read_name("features", name, "features") for name in request.features]
        match request.WhichOneof("subject"):
            case "product":
                product_id = convert.read_name("product", request.product, "products")
                realm = realm_of_product(self._encoders.current, self._store, product_id)
                answer = realm.fitting.predict_product(product_id, names)
            case "content":
                if not request.content:
                    raise InvalidField("content", "is empty; send the image's bytes")
                realm, photo = embed_query(
                    self._encoders.current, request.content, request.category
                )
                answer = realm.fitting.predict_photo(photo, names)
            case _:
                raise InvalidField("subject", "is missing; give a product or content")
        return pb.PredictFeaturesResponse(
            predictions=map(_write_prediction, answer.predictions),
            encoder=f"encoders/{realm.encoder_id}",
            novelty=answer.novelty,
        )

    def DeleteFeature(
        self, request: pb.DeleteFeatureRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Deletes a feature made at run time."""
        name = convert.read_name("name", request.name, "features")
        for realm in self._encoders.current.all:
            realm.features.check_changeable(name)
        self._encoders.current.default.features.delete(name, request.etag, read_terms(request))
        return Empty()

    def _list_examples(self, name: str) -> list[tuple[str, str]]:
        """Returns a feature's examples, of whichever encoder's products they are."""
        first, *more = self._encoders.current.all
        for realm in more:
            if realm.features.has(name) and not first.features.has(name):
                return realm.fitting.list_examples(name)
        return first.fitting.list_examples(name)

    def _realm(self, encoder: str) -> Realm:
        snapshot = self._encoders.current
        if not encoder:
            return snapshot.default
        return snapshot.of_encoder(convert.read_name("encoder", encoder, "encoders"))


def _write(realm: Realm, feature: LiveFeature) -> feature_pb2.Feature:
    message = feature_pb2.Feature(
        name=f"features/{feature.name}",
        display_name=feature.display_name,
        kind=_KINDS[feature.kind],
        origin=feature_pb2.Feature.BUNDLED if feature.bundled else feature_pb2.Feature.CREATED,
        dimensions=feature.dimensions,
        coordinate_count=len(feature.projection.matrix),
        scale=feature.projection.scale,
        encoder=f"encoders/{realm.encoder_id}",
        version=feature.version,
        description=feature.description,
        etag=feature.etag,
        example_count=feature.example_count,
    )
    if feature.create_time is not None:
        message.create_time.FromDatetime(feature.create_time)
    if feature.update_time is not None:
        message.update_time.FromDatetime(feature.update_time)
    if feature.model:
        fitted = FittedFeature.from_model(feature.projection, feature.model)
        message.values.extend(fitted.values)
        message.quality.CopyFrom(convert.write_quality(fitted.quality))
    return message


def _read_examples(examples: Iterable[pb.FeatureExample]) -> list[tuple[str, str]]:
    return [
        (convert.read_name("examples.product", example.product, "products"), example.value)
        for example in examples
    ]


def _read_mask(request: pb.UpdateFeatureRequest) -> set[str]:
    """Returns the texts to write: those of the mask, or the populated ones without a mask."""
    writable = {"display_name", "description"}
    paths = set(request.update_mask.paths)
    if not paths:
        return writable & {field.name for field, _ in request.feature.ListFields()}
    if paths == {"*"}:
        return writable
    for path in sorted(paths - writable):
        raise InvalidField("update_mask", f"{path!r} cannot be written; use {sorted(writable)}")
    return paths


def _write_prediction(prediction: Prediction) -> pb.FeaturePrediction:
    return pb.FeaturePrediction(
        feature=f"features/{prediction.feature}",
        carried=prediction.carried,
        values=[
            pb.ValueProbability(value=value, probability=probability)
            for value, probability in prediction.values
        ],
    )
