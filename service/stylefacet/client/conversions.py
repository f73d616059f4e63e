"""Turns messages of the contract into the client's values and back; opens no connection."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from stylefacet.client.values import (
    Embedding,
    Encoder,
    Feature,
    FeatureDistance,
    FeatureKind,
    FeatureOrigin,
    FeatureQuality,
    Hit,
    ImageView,
    LatentBlock,
    Outcome,
    Prediction,
    Product,
    ProductImage,
)
from stylefacet.errors import InvalidField
from stylefacet.v1 import catalog_service_pb2 as catalog_pb
from stylefacet.v1 import encoder_pb2, feature_pb2, feature_service_pb2, product_pb2
from stylefacet.v1 import similarity_service_pb2 as similarity_pb

MessageT = TypeVar("MessageT")

_KINDS = {
    feature_pb2.Feature.DIMENSIONS: FeatureKind.DIMENSIONS,
    feature_pb2.Feature.PROJECTION: FeatureKind.PROJECTION,
}
_ORIGINS = {
    feature_pb2.Feature.BUNDLED: FeatureOrigin.BUNDLED,
    feature_pb2.Feature.CREATED: FeatureOrigin.CREATED,
}
OUTCOMES = {
    catalog_pb.UploadProductsResponse.CREATED: Outcome.CREATED,
    catalog_pb.UploadProductsResponse.UPDATED: Outcome.UPDATED,
    catalog_pb.UploadProductsResponse.UNCHANGED: Outcome.UNCHANGED,
}
VIEWS = {
    ImageView.BASIC: product_pb2.PRODUCT_IMAGE_VIEW_BASIC,
    ImageView.FULL: product_pb2.PRODUCT_IMAGE_VIEW_FULL,
    ImageView.THUMBNAIL: product_pb2.PRODUCT_IMAGE_VIEW_THUMBNAIL,
}


def resource_name(collection: str, resource_id: str) -> str:
    """Returns ``collection/id``; a full name is taken as it is."""
    if not resource_id:
        raise InvalidField(collection.rstrip("s"), "is empty; give an id")
    return (
        resource_id if resource_id.startswith(f"{collection}/") else f"{collection}/{resource_id}"
    )


def optional_name(collection: str, resource_id: str) -> str:
    """Returns ``collection/id``, and nothing for nothing."""
    return resource_name(collection, resource_id) if resource_id else ""


def resource_id(name: str) -> str:
    """Returns the last part of a resource name."""
    return name.rsplit("/", maxsplit=1)[-1]


def product_message(product: Product) -> product_pb2.Product:
    """Returns the message that writes a product.

    Raises:
        InvalidField: for text or numbers that a message cannot hold.
    """
    return build(
        lambda: product_pb2.Product(
            name=resource_name("products", product.product_id),
            display_name=product.display_name,
            category=product.category,
            labels=dict(product.labels),
            numbers=dict(product.numbers),
            style_id=product.style_id,
            etag=product.etag,
        ),
        "product",
    )


def build(make: Callable[[], MessageT], field: str) -> MessageT:
    """Returns what ``make`` returns, with protobuf's complaints as errors of a field."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        raise InvalidField(field, f"cannot be sent ({error})") from error


def make_request_id() -> str:
    """Returns a new id for a write: however often it is sent, it is done once."""
    return uuid.uuid4().hex


def one_of(**given: object) -> None:
    """Refuses a call in which not exactly one of several things is given.

    Raises:
        InvalidField
    """
    if sum(value is not None for value in given.values()) != 1:
        raise InvalidField(" or ".join(given), "give exactly one of them")


def product_value(message: product_pb2.Product) -> Product:
    """Returns a product as the server told it."""
    return Product(
        product_id=resource_id(message.name),
        category=message.category,
        display_name=message.display_name,
        labels=dict(message.labels),
        numbers=dict(message.numbers),
        style_id=message.style_id,
        etag=message.etag,
        create_time=_time(message, "create_time"),
        update_time=_time(message, "update_time"),
        sequence_number=message.sequence_number,
    )


def image_value(message: product_pb2.ProductImage) -> ProductImage:
    """Returns a product image as the server told it."""
    parts = message.name.split("/")
    return ProductImage(
        product_id=parts[1] if len(parts) > 1 else "",
        image_id=parts[-1],
        content_sha256=message.content_sha256,
        width_px=message.width_px,
        height_px=message.height_px,
        embedding=embedding_value(message.embedding) if message.HasField("embedding") else None,
        thumbnail=message.thumbnail,
        create_time=_time(message, "create_time"),
        sequence_number=message.sequence_number,
    )


def embedding_value(message: encoder_pb2.Embedding) -> Embedding:
    """Returns an embedding as the server told it."""
    return Embedding(
        encoder=resource_id(message.encoder), mean=tuple(message.mean), novelty=message.novelty
    )


def embedding_message(embedding: Embedding) -> encoder_pb2.Embedding:
    """Returns the message of an embedding, possibly edited by the caller."""
    return build(
        lambda: encoder_pb2.Embedding(
            encoder=resource_name("encoders", embedding.encoder), mean=embedding.mean
        ),
        "embedding",
    )


def encoder_value(message: encoder_pb2.Encoder) -> Encoder:
    """Returns an encoder as the server told it."""
    return Encoder(
        encoder_id=resource_id(message.name),
        display_name=message.display_name,
        input_height_px=message.input_height_px,
        input_width_px=message.input_width_px,
        latent_dimension_count=message.latent_dimension_count,
        blocks=tuple(LatentBlock(b.block, b.start, b.end) for b in message.blocks),
        decodable=message.decodable,
        quality=dict(message.quality),
        training_data=message.training_data,
        licence=message.licence,
        train_time=_time(message, "train_time"),
        novelty_p99=message.novelty_p99,
        serves_default=message.serves_default,
        categories=tuple(message.categories),
        install_time=_time(message, "install_time"),
        embedded_image_count=message.embedded_image_count,
    )


def feature_value(message: feature_pb2.Feature) -> Feature:
    """Returns a feature as the server told it."""
    return Feature(
        feature_id=resource_id(message.name),
        display_name=message.display_name,
        kind=_KINDS.get(message.kind, FeatureKind.UNSPECIFIED),
        origin=_ORIGINS.get(message.origin, FeatureOrigin.UNSPECIFIED),
        dimensions=tuple(message.dimensions),
        coordinate_count=message.coordinate_count,
        scale=message.scale,
        encoder=resource_id(message.encoder),
        version=message.version,
        quality=quality_value(message.quality) if message.HasField("quality") else None,
        values=tuple(message.values),
        create_time=_time(message, "create_time"),
        update_time=_time(message, "update_time"),
        description=message.description,
        etag=message.etag,
        example_count=message.example_count,
    )


def hit_value(message: similarity_pb.SimilarProduct) -> Hit:
    """Returns one hit with what each weighted feature adds to its distance."""
    return Hit(
        product=product_value(message.product),
        image_name=message.product_image,
        squared_distance=message.squared_distance,
        features=tuple(
            FeatureDistance(resource_id(f.feature), f.distance, f.contribution)
            for f in message.feature_distances
        ),
        query_image_name=message.query_image,
        other_style_product_count=message.other_style_product_count,
    )


def prediction_value(message: feature_service_pb2.FeaturePrediction) -> Prediction:
    """Returns the values predicted for one feature."""
    return Prediction(
        feature_id=resource_id(message.feature),
        carried=message.carried,
        values=tuple((v.value, v.probability) for v in message.values),
    )


def quality_value(message: feature_pb2.FeatureQuality) -> FeatureQuality:
    """Returns the quality of a fit as the server told it."""
    return FeatureQuality(
        balanced_accuracy=message.balanced_accuracy,
        chance_accuracy=message.chance_accuracy,
        precision_at_10=message.precision_at_10,
        chance_precision_at_10=message.chance_precision_at_10,
        carried=message.carried,
        example_count=message.example_count,
        calibration_error=(
            message.calibration_error if message.HasField("calibration_error") else None
        ),
    )


def _time(
    message: product_pb2.Product
    | product_pb2.ProductImage
    | encoder_pb2.Encoder
    | feature_pb2.Feature,
    field: str,
) -> datetime | None:
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC)
