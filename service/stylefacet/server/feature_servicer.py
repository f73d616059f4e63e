"""Serves FeatureService: names for what the encoder sees."""

from concurrent.futures import Executor

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp

from stylefacet.app.features import FeatureBook, LiveFeature
from stylefacet.app.fitting import FeatureFitting, Prediction
from stylefacet.app.page_tokens import clamp_page_size, make_page_token, read_page_token
from stylefacet.bundle import FeatureKind
from stylefacet.catalog.limits import check_id
from stylefacet.errors import InvalidField
from stylefacet.features.fitting import FitQuality, FittedFeature
from stylefacet.server import convert
from stylefacet.v1 import feature_pb2, feature_service_pb2_grpc
from stylefacet.v1 import feature_service_pb2 as pb

_KINDS = {
    FeatureKind.DIMENSIONS: feature_pb2.Feature.DIMENSIONS,
    FeatureKind.PROJECTION: feature_pb2.Feature.PROJECTION,
}


class FeatureServicer(feature_service_pb2_grpc.FeatureServiceServicer):
    """Thread-safe; holds no state of its own."""

    def __init__(
        self, features: FeatureBook, fitting: FeatureFitting, encoder_id: str, pool: Executor
    ) -> None:
        self._features = features
        self._fitting = fitting
        self._pool = pool
        self._encoder_id = encoder_id

    def ListFeatures(
        self, request: pb.ListFeaturesRequest, context: grpc.ServicerContext
    ) -> pb.ListFeaturesResponse:
        """Returns a page of features in order of name."""
        asked = {"method": "ListFeatures"}
        after = read_page_token(request.page_token, asked)
        size = clamp_page_size(request.page_size)
        following = [feature for feature in self._features.list_all() if feature.name > after]
        page = following[:size]
        return pb.ListFeaturesResponse(
            features=map(self._write, page),
            next_page_token=make_page_token(asked, page[-1].name) if len(following) > size else "",
        )

    def GetFeature(
        self, request: pb.GetFeatureRequest, context: grpc.ServicerContext
    ) -> feature_pb2.Feature:
        """Returns one feature."""
        return self._write(self._features.get(convert.read_name("name", request.name, "features")))

    def CreateFeature(
        self, request: pb.CreateFeatureRequest, context: grpc.ServicerContext
    ) -> feature_pb2.Feature:
        """Makes a feature of latent dimensions."""
        check_id("feature_id", request.feature_id)
        return self._write(
            self._features.create(
                request.feature_id,
                request.feature.display_name,
                list(request.feature.dimensions),
                request.block,
            )
        )

    def FitFeature(
        self, request: pb.FitFeatureRequest, context: grpc.ServicerContext
    ) -> feature_pb2.Feature:
        """Fits a feature from labelled products."""
        check_id("feature_id", request.feature_id)
        examples = [
            (convert.read_name("examples.product", example.product, "products"), example.value)
            for example in request.examples
        ]
        return self._write(self._fitting.fit(request.feature_id, request.display_name, examples))

    def PredictFeatures(
        self, request: pb.PredictFeaturesRequest, context: grpc.ServicerContext
    ) -> pb.PredictFeaturesResponse:
        """Predicts the values of fitted features."""
        names = [convert.read_name("features", name, "features") for name in request.features]
        match request.WhichOneof("subject"):
            case "product":
                product_id = convert.read_name("product", request.product, "products")
                predictions = self._fitting.predict_product(product_id, names)
            case "content":
                predictions = self._pool.submit(
                    self._fitting.predict_photo, request.content, names
                ).result()
            case _:
                raise InvalidField("subject", "is missing; give a product or content")
        return pb.PredictFeaturesResponse(predictions=map(_write_prediction, predictions))

    def DeleteFeature(
        self, request: pb.DeleteFeatureRequest, context: grpc.ServicerContext
    ) -> Empty:
        """Deletes a feature made at run time."""
        self._features.delete(convert.read_name("name", request.name, "features"))
        return Empty()

    def _write(self, feature: LiveFeature) -> feature_pb2.Feature:
        message = feature_pb2.Feature(
            name=f"features/{feature.name}",
            display_name=feature.display_name,
            kind=_KINDS[feature.kind],
            origin=feature_pb2.Feature.BUNDLED if feature.bundled else feature_pb2.Feature.CREATED,
            dimensions=feature.dimensions,
            coordinate_count=len(feature.projection.matrix),
            scale=feature.projection.scale,
            encoder=f"encoders/{self._encoder_id}",
            version=feature.version,
        )
        if feature.create_time is not None:
            stamp = Timestamp()
            stamp.FromDatetime(feature.create_time)
            message.create_time.CopyFrom(stamp)
        if feature.model:
            fitted = FittedFeature.from_model(feature.projection, feature.model)
            message.values.extend(fitted.values)
            message.quality.CopyFrom(_write_quality(fitted.quality))
        return message


def _write_quality(quality: FitQuality) -> feature_pb2.FeatureQuality:
    return feature_pb2.FeatureQuality(
        balanced_accuracy=quality.balanced_accuracy,
        chance_accuracy=quality.chance_accuracy,
        precision_at_10=quality.precision_at_10,
        chance_precision_at_10=quality.chance_precision_at_10,
        carried=quality.carried,
        example_count=quality.example_count,
    )


def _write_prediction(prediction: Prediction) -> pb.FeaturePrediction:
    return pb.FeaturePrediction(
        feature=f"features/{prediction.feature}",
        carried=prediction.carried,
        values=[
            pb.ValueProbability(value=value, probability=probability)
            for value, probability in prediction.values
        ],
    )
