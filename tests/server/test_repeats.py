"""Writes that are only tried or may be sent twice, masks and etags, over the wire."""

from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from stylefacet.v1 import catalog_service_pb2 as pb
from stylefacet.v1 import product_pb2
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with


def update(name: str = "products/a", mask: tuple[str, ...] = (), **fields):
    terms = {key: fields.pop(key) for key in ("validate_only", "request_id") if key in fields}
    return pb.UpdateProductRequest(
        product=product_pb2.Product(name=name, **({"category": "top"} | fields)),
        update_mask=FieldMask(paths=mask),
        allow_missing=True,
        **terms,
    )


def image(**fields) -> pb.CreateProductImageRequest:
    return pb.CreateProductImageRequest(
        parent="products/a", product_image=product_pb2.ProductImage(content=photo(1)), **fields
    )


def names(stubs: Stubs) -> list[str]:
    found = stubs.catalog.ListProducts(pb.ListProductsRequest()).products
    return [product.name for product in found]


def test_star_writes_every_field(stubs: Stubs):
    stubs.catalog.UpdateProduct(update(display_name="Old", labels={"k": "v"}, style_id="s"))
    found = stubs.catalog.UpdateProduct(update(mask=("*",), category="vest"))

    assert (found.category, found.display_name, found.style_id) == ("vest", "", "")
    assert not found.labels


@pytest.mark.parametrize("path", ["name", "create_time", "labels.k", "colour"])
def test_path_that_cannot_be_written_is_refused(stubs: Stubs, path: str):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "update_mask"):
        stubs.catalog.UpdateProduct(update(mask=(path,)))


def test_oversized_page_is_clamped_and_a_negative_one_refused(stubs: Stubs):
    stubs.upload(3)

    assert len(stubs.catalog.ListProducts(pb.ListProductsRequest(page_size=10**6)).products) == 3
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "page_size"):
        stubs.catalog.ListProducts(pb.ListProductsRequest(page_size=-1))


def test_tried_update_answers_and_keeps_nothing(stubs: Stubs):
    tried = stubs.catalog.UpdateProduct(update(display_name="New", validate_only=True))

    assert (tried.display_name, tried.etag) == ("New", "")
    assert names(stubs) == []


def test_tried_update_fails_as_the_update_would(stubs: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "display_name"):
        stubs.catalog.UpdateProduct(update(display_name="x" * 201, validate_only=True))


def test_tried_image_is_decoded_and_not_kept(stubs: Stubs):
    stubs.catalog.UpdateProduct(update())
    tried = stubs.catalog.CreateProductImage(image(validate_only=True))
    bad = image(validate_only=True)
    bad.product_image.content = b"no picture"

    assert tried.width_px > 0
    assert not stubs.image_ids("a")
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_UNDECODABLE"):
        stubs.catalog.CreateProductImage(bad)


def test_tried_deletions_delete_nothing(stubs: Stubs):
    (answer,) = stubs.upload(1)
    stubs.catalog.DeleteProductImage(
        pb.DeleteProductImageRequest(name=answer.product_image, validate_only=True)
    )
    stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/p0", validate_only=True))

    assert len(stubs.image_ids("p0")) == 1


def test_repeated_update_returns_the_first_answer(stubs: Stubs):
    first = stubs.catalog.UpdateProduct(update(display_name="One", request_id="r-1"))
    stubs.catalog.UpdateProduct(update(display_name="Two"))

    assert stubs.catalog.UpdateProduct(update(display_name="One", request_id="r-1")) == first
    found = stubs.catalog.GetProduct(pb.GetProductRequest(name="products/a"))
    assert found.display_name == "Two"


def test_repeated_batch_deletion_and_image_are_done_once(stubs: Stubs):
    batch = pb.BatchUpdateProductsRequest(
        requests=[update("products/a"), update("products/b")], request_id="r-batch"
    )
    deletion = pb.DeleteProductRequest(name="products/b", request_id="r-delete")
    calls: list[tuple[Any, Any]] = [
        (stubs.catalog.BatchUpdateProducts, batch),
        (stubs.catalog.DeleteProduct, deletion),
        (stubs.catalog.CreateProductImage, image(request_id="r-image")),
    ]

    answers = [call(request) for call, request in calls]

    assert [call(request) for call, request in calls] == answers
    assert names(stubs) == ["products/a"]


@pytest.mark.parametrize(
    "other", [{"display_name": "Two"}, {"name": "products/b"}, {"mask": ("category",)}]
)
def test_request_id_of_another_request_is_refused(stubs: Stubs, other: dict):
    stubs.catalog.UpdateProduct(update(display_name="One", request_id="r-1"))

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED", "r-1"):
        stubs.catalog.UpdateProduct(
            update(**({"display_name": "One", "request_id": "r-1"} | other))
        )


def test_request_id_that_is_none_is_refused(stubs: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "request_id"):
        stubs.catalog.UpdateProduct(update(request_id="two words"))


def test_terms_inside_a_batch_are_refused(stubs: Stubs):
    batch = pb.BatchUpdateProductsRequest(requests=[update(request_id="r-1")])

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "requests"):
        stubs.catalog.BatchUpdateProducts(batch)


def test_deletion_with_a_stale_etag_is_aborted(stubs: Stubs):
    first = stubs.catalog.UpdateProduct(update())
    second = stubs.catalog.UpdateProduct(update(display_name="New"))

    with fails_with(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/a", etag=first.etag))
    stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/a", etag=second.etag))
    assert names(stubs) == []


def test_stale_etag_in_a_batch_stops_it_whole(stubs: Stubs):
    first = stubs.catalog.UpdateProduct(update())
    stubs.catalog.UpdateProduct(update(display_name="New"))
    batch = [update("products/b"), update(etag=first.etag, display_name="Newer")]

    with fails_with(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        stubs.catalog.BatchUpdateProducts(pb.BatchUpdateProductsRequest(requests=batch))
    assert names(stubs) == ["products/a"]


def test_same_picture_under_the_same_name_is_returned(stubs: Stubs):
    stubs.catalog.UpdateProduct(update())
    first = stubs.catalog.CreateProductImage(image(product_image_id="front"))
    other = image(product_image_id="front")
    other.product_image.content = photo(2)

    assert stubs.catalog.CreateProductImage(image(product_image_id="front")) == first
    with fails_with(grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_EXISTS", "front"):
        stubs.catalog.CreateProductImage(other)
