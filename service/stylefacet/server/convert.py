"""Between protobuf messages and the service's own values; knows no use case."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2

from stylefacet.bundle import DECODER_FILE, parse_manifest
from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.encoders import InstalledEncoder
from stylefacet.catalog.entities import (
    PRODUCT_FIELDS,
    ImageEmbedding,
    Product,
    ProductFields,
    ProductImage,
    ProductUpdate,
    RowOutcome,
    RowStatus,
)
from stylefacet.catalog.limits import check_id
from stylefacet.errors import InvalidField, StylefacetError
from stylefacet.features.fitting import FitQuality
from stylefacet.server.status import to_status
from stylefacet.v1 import catalog_service_pb2, encoder_pb2, feature_pb2, product_pb2

_OUTCOMES = {
    RowStatus.CREATED: catalog_service_pb2.UploadProductsResponse.CREATED,
    RowStatus.UPDATED: catalog_service_pb2.UploadProductsResponse.UPDATED,
    RowStatus.UNCHANGED: catalog_service_pb2.UploadProductsResponse.UNCHANGED,
    RowStatus.FAILED: catalog_service_pb2.UploadProductsResponse.OUTCOME_UNSPECIFIED,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_IMAGE_NAME = re.compile(r"products/([^/]*)/images/([^/]*)")


def read_name(field: str, name: str, collection: str) -> str:
    """Returns the id in a resource name such as ``products/p1``.

    Raises:
        InvalidField: when the name is not of that collection.
    """
    prefix = f"{collection}/"
    if not name.startswith(prefix):
        raise InvalidField(field, f"{name[:80]!r} is no name; write {prefix}ID")
    check_id(field, name.removeprefix(prefix))
    return name.removeprefix(prefix)


def read_image_name(field: str, name: str) -> tuple[str, str]:
    """Returns product id and image id of ``products/{product}/images/{image}``.

    Raises:
        InvalidField: when it is nothing of the kind.
    """
    match = _IMAGE_NAME.fullmatch(name)
    if match is None:
        raise InvalidField(field, f"{name[:80]!r} is no name; write products/ID/images/ID")
    for part in match.groups():
        check_id(field, part)
    return match[1], match[2]


def read_product_fields(message: product_pb2.Product) -> ProductFields:
    """Returns what a caller may write of a product."""
    return ProductFields(
        id=read_name("product.name", message.name, "products"),
        display_name=message.display_name,
        category=message.category,
        labels=dict(message.labels),
        numbers=dict(message.numbers),
        style_id=message.style_id,
    )


def read_product_update(request: catalog_service_pb2.UpdateProductRequest) -> ProductUpdate:
    """Returns a wanted change of a product.

    Raises:
        InvalidField: for a bad name or mask.
    """
    return ProductUpdate(
        fields=read_product_fields(request.product),
        mask=read_product_mask(request.product, request.update_mask),
        allow_missing=request.allow_missing,
        etag=request.product.etag,
    )


def read_product_mask(
    message: product_pb2.Product, mask: FieldMask | None = None
) -> frozenset[str]:
    """Returns the fields to write: those of the mask, or all populated ones without a mask.

    Raises:
        InvalidField: for a path that cannot be written.
    """
    if mask is None or not mask.paths:
        populated = {field.name for field, _ in message.ListFields()}
        return frozenset(populated & PRODUCT_FIELDS)
    if list(mask.paths) == ["*"]:
        return PRODUCT_FIELDS
    unknown = sorted(set(mask.paths) - PRODUCT_FIELDS)
    if unknown:
        raise InvalidField(
            "update_mask",
            f"{unknown[0]!r} cannot be written; use {', '.join(sorted(PRODUCT_FIELDS))}",
        )
    return frozenset(mask.paths)


def write_product(product: Product) -> product_pb2.Product:
    """Returns the message of a product."""
    message = product_pb2.Product()
    fill_product(message, product)
    return message


def fill_product(message: product_pb2.Product, product: Product) -> None:
    """Writes a product to an empty message, such as one within another, which costs no copy."""
    message.name = f"products/{product.id}"
    message.display_name = product.display_name
    message.category = product.category
    message.labels.update(product.labels)
    message.numbers.update(product.numbers)
    message.style_id = product.style_id
    _fill_time(message.create_time, product.create_time)
    _fill_time(message.update_time, product.update_time)
    message.etag = product.etag
    message.sequence_number = product.sequence


def write_product_image(
    image: ProductImage, embedding: ImageEmbedding | None = None, thumbnail: bytes | None = None
) -> product_pb2.ProductImage:
    """Returns the message of a product image, with what the view asks for."""
    message = product_pb2.ProductImage(
        name=f"products/{image.product_id}/images/{image.id}",
        content_sha256=image.content_sha256,
        width_px=image.width_px,
        height_px=image.height_px,
        thumbnail=thumbnail or b"",
        create_time=_timestamp(image.create_time),
        sequence_number=image.sequence,
    )
    if embedding is not None:
        message.embedding.CopyFrom(
            write_embedding(embedding.encoder_id, embedding.mean.tolist(), embedding.novelty)
        )
    return message


def write_embedding(
    encoder_id: str, mean: Iterable[float], novelty: float
) -> encoder_pb2.Embedding:
    """Returns the message of an embedding."""
    return encoder_pb2.Embedding(encoder=f"encoders/{encoder_id}", mean=mean, novelty=novelty)


def write_encoder(installed: InstalledEncoder, assignment: Assignment) -> encoder_pb2.Encoder:
    """Returns the message of an installed encoder."""
    manifest = parse_manifest(installed.id, installed.manifest)
    blocks = [
        encoder_pb2.LatentBlock(block=b.name, start=b.start, end=b.end) for b in manifest.blocks
    ]
    return encoder_pb2.Encoder(
        name=f"encoders/{installed.id}",
        display_name=manifest.name,
        input_height_px=manifest.input_height_px,
        input_width_px=manifest.input_width_px,
        latent_dimension_count=manifest.latent_dimension_count,
        blocks=blocks,
        decodable=DECODER_FILE in manifest.digests,
        quality=manifest.quality,
        training_data=manifest.training_data,
        licence=manifest.licence,
        train_time=_timestamp(datetime.fromisoformat(manifest.train_time)),
        novelty_p99=manifest.novelty_p99,
        serves_default=installed.id == assignment.default,
        categories=sorted(c for c, id in assignment.categories.items() if id == installed.id),
        install_time=_timestamp(installed.install_time),
        embedded_image_count=installed.embedded_image_count,
    )


def write_quality(quality: FitQuality) -> feature_pb2.FeatureQuality:
    """Returns the message of a fit's quality."""
    return feature_pb2.FeatureQuality(
        balanced_accuracy=quality.balanced_accuracy,
        chance_accuracy=quality.chance_accuracy,
        precision_at_10=quality.precision_at_10,
        chance_precision_at_10=quality.chance_precision_at_10,
        carried=quality.carried,
        example_count=quality.example_count,
        calibration_error=quality.calibration_error,
    )


def write_upload_outcome(
    row_number: int, outcome: RowOutcome, sequence: int
) -> catalog_service_pb2.UploadProductsResponse:
    """Returns the message of a stored row, or of one the store refused."""
    if isinstance(outcome.error, StylefacetError):
        return write_upload_failure(row_number, outcome.error)
    image = f"products/{outcome.product_id}/images/{outcome.image_id}" if outcome.image_id else ""
    return catalog_service_pb2.UploadProductsResponse(
        row_number=row_number,
        outcome=_OUTCOMES[outcome.status],
        status=status_pb2.Status(code=0),
        product_image=image,
        sequence_number=sequence,
    )


def write_upload_failure(
    row_number: int, error: StylefacetError
) -> catalog_service_pb2.UploadProductsResponse:
    """Returns the message of a row that failed."""
    return catalog_service_pb2.UploadProductsResponse(
        row_number=row_number, status=to_status(error)
    )


def _timestamp(time: datetime) -> Timestamp:
    message = Timestamp()
    _fill_time(message, time)
    return message


def _fill_time(message: Timestamp, time: datetime) -> None:
    # A third of the time of its FromDatetime, of which an export needs two a product.
    since = time - _EPOCH
    message.seconds = since.days * 86_400 + since.seconds
    message.nanos = since.microseconds * 1_000
