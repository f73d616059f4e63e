from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2

from stylefacet.app.uploads import Uploads
from stylefacet.v1 import catalog_service_pb2 as pb
from stylefacet.v1 import product_pb2
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with, upload_row

Outcome = pb.UploadProductsResponse


def put(stubs: Stubs, **fields: Any) -> product_pb2.Product:
    return stubs.catalog.UpdateProduct(
        pb.UpdateProductRequest(product=product_pb2.Product(**fields), allow_missing=True)
    )


def test_product_is_returned_as_it_was_put(stubs: Stubs):
    put(
        stubs,
        name="products/A-1.x_y",
        display_name="Blue shirt",
        category="shirt",
        labels={"colour": "blue"},
        numbers={"price": 19.5},
        style_id="s1",
    )

    found = stubs.catalog.GetProduct(pb.GetProductRequest(name="products/A-1.x_y"))

    assert (found.display_name, found.category, found.style_id) == ("Blue shirt", "shirt", "s1")
    assert dict(found.labels) == {"colour": "blue"}
    assert dict(found.numbers) == {"price": 19.5}
    assert found.etag
    assert found.HasField("create_time")


def test_mask_limits_what_is_written(stubs: Stubs):
    put(stubs, name="products/a", category="shirt", display_name="old")

    stubs.catalog.UpdateProduct(
        pb.UpdateProductRequest(
            product=product_pb2.Product(name="products/a", category="polo", display_name="new"),
            update_mask=FieldMask(paths=["display_name"]),
        )
    )

    found = stubs.catalog.GetProduct(pb.GetProductRequest(name="products/a"))
    assert (found.category, found.display_name) == ("shirt", "new")


def test_stale_etag_is_aborted(stubs: Stubs):
    first = put(stubs, name="products/a", category="shirt")
    put(stubs, name="products/a", category="polo")

    with fails_with(grpc.StatusCode.ABORTED, "ETAG_MISMATCH"):
        put(stubs, name="products/a", category="vest", etag=first.etag)


def test_missing_product_is_not_found_with_its_name(stubs: Stubs):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "nobody"):
        stubs.catalog.GetProduct(pb.GetProductRequest(name="products/nobody"))


@pytest.mark.parametrize("name", ["", "p1", "products/", "products/a b", "products/a/b", "x/a"])
def test_bad_name_is_refused(stubs: Stubs, name: str):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        stubs.catalog.GetProduct(pb.GetProductRequest(name=name))


@pytest.mark.parametrize(
    "fields",
    [
        {"numbers": {"price": float("nan")}},
        {"display_name": "x" * 201},
        {"labels": {"k": "v" * 64}},
    ],
)
def test_field_beyond_its_limit_is_refused(stubs: Stubs, fields: dict):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        put(stubs, name="products/a", category="shirt", **fields)


def test_pages_visit_every_product_once(stubs: Stubs):
    stubs.upload(7)
    names, token = [], ""
    for _ in range(4):
        page = stubs.catalog.ListProducts(pb.ListProductsRequest(page_size=2, page_token=token))
        names += [product.name for product in page.products]
        token = page.next_page_token

    assert names == [f"products/p{n}" for n in range(7)]
    assert token == ""


def test_page_token_of_another_request_is_stale(stubs: Stubs):
    stubs.upload(3)
    page = stubs.catalog.ListProducts(pb.ListProductsRequest(page_size=1))

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_STALE"):
        stubs.catalog.ListProducts(
            pb.ListProductsRequest(page_token=page.next_page_token, filter='category = "top"')
        )


def test_garbled_page_token_is_stale(stubs: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_STALE"):
        stubs.catalog.ListProducts(pb.ListProductsRequest(page_token="garbage!"))


def test_batch_is_written_whole_or_not_at_all(stubs: Stubs):
    requests = [
        pb.UpdateProductRequest(
            product=product_pb2.Product(name=name, category="shirt"), allow_missing=True
        )
        for name in ("products/a", "products/a")
    ]

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "twice"):
        stubs.catalog.BatchUpdateProducts(pb.BatchUpdateProductsRequest(requests=requests))
    assert not stubs.catalog.ListProducts(pb.ListProductsRequest()).products


def test_image_is_embedded_before_the_call_returns(stubs: Stubs):
    put(stubs, name="products/a", category="shirt")
    image = stubs.catalog.CreateProductImage(
        pb.CreateProductImageRequest(
            parent="products/a", product_image=product_pb2.ProductImage(content=photo(1, (48, 64)))
        )
    )

    full = stubs.catalog.GetProductImage(pb.GetProductImageRequest(name=image.name))

    assert (full.width_px, full.height_px) == (48, 64)
    assert len(full.embedding.mean) == 8
    assert not full.content


def test_thumbnail_is_the_picture_the_encoder_saw(stubs: Stubs):
    answer = stubs.upload(1)[0]
    view = product_pb2.PRODUCT_IMAGE_VIEW_THUMBNAIL

    image = stubs.catalog.GetProductImage(
        pb.GetProductImageRequest(name=answer.product_image, view=view)
    )

    assert image.thumbnail.startswith(b"\x89PNG")


def test_image_of_a_missing_product_is_not_found(stubs: Stubs):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        stubs.catalog.CreateProductImage(
            pb.CreateProductImageRequest(
                parent="products/nobody", product_image=product_pb2.ProductImage(content=photo(1))
            )
        )


def test_deleted_product_is_gone_from_list_and_search(stubs: Stubs):
    stubs.upload(5)
    stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/p3"))

    listed = stubs.catalog.ListProducts(pb.ListProductsRequest()).products
    found = stubs.search("p0").similar_products

    assert "products/p3" not in [product.name for product in listed]
    assert sorted(hit.product.name for hit in found) == [f"products/p{n}" for n in (1, 2, 4)]


def test_deleted_image_is_gone_from_search(stubs: Stubs):
    answers = stubs.upload(3)
    stubs.catalog.DeleteProductImage(pb.DeleteProductImageRequest(name=answers[2].product_image))

    found = stubs.search("p0").similar_products

    assert [hit.product.name for hit in found] == ["products/p1"]


def test_bad_rows_answer_for_themselves(stubs: Stubs):
    rows = [
        upload_row(0, photo(0)),
        upload_row(1, b"no image"),
        upload_row(2, photo(2), name="bad name"),
        upload_row(3, photo(3), numbers={"price": float("inf")}),
        upload_row(4, photo(4)),
    ]

    answers = list(stubs.catalog.UploadProducts(iter(rows)))

    assert [answer.status.code for answer in answers] == [0, 3, 3, 3, 0]
    info = error_details_pb2.ErrorInfo()
    assert answers[1].status.details[0].Unpack(info)
    assert info.reason == "IMAGE_UNDECODABLE"
    listed = stubs.catalog.ListProducts(pb.ListProductsRequest()).products
    assert [product.name for product in listed] == ["products/p0", "products/p4"]


def test_second_upload_of_the_same_rows_changes_nothing(stubs: Stubs):
    first = stubs.upload(6)
    second = stubs.upload(6)

    assert {answer.outcome for answer in first} == {Outcome.CREATED}
    assert {answer.outcome for answer in second} == {Outcome.UNCHANGED}
    assert second[-1].sequence_number == first[-1].sequence_number


def test_another_photo_of_a_product_is_added(stubs: Stubs):
    rows = [upload_row(0, photo(0)), upload_row(0, photo(1))]
    answers = list(stubs.catalog.UploadProducts(iter(rows)))

    images = stubs.catalog.ListProductImages(
        pb.ListProductImagesRequest(parent="products/p0")
    ).product_images

    assert answers[0].product_image != answers[1].product_image
    assert len(images) == 2


def test_rows_whose_images_are_deleted_on_the_way_are_stored_all_the_same(
    stubs: Stubs, monkeypatch: pytest.MonkeyPatch
):
    stubs.upload(3)
    write, gone = Uploads.write, ["p0", "p1"]

    def write_late(uploads: Uploads, rows: Any) -> Any:
        while gone:
            stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name=f"products/{gone.pop()}"))
        return write(uploads, rows)

    monkeypatch.setattr(Uploads, "write", write_late)
    answers = stubs.upload(3)

    assert [answer.status.code for answer in answers] == [0, 0, 0]
    assert [len(stubs.image_ids(name)) for name in ("p0", "p1", "p2")] == [1, 1, 1]
