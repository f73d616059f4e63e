"""Imports from the server's own disk: merging, replacing, refusing, going on after a restart."""

import csv
import io
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image

from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1.catalog_service_pb2 import (
    GetProductRequest,
    ListProductImagesRequest,
    ListProductsRequest,
)
from stylefacet.v1.import_products_pb2 import (
    ColumnMapping,
    ImportProductsRequest,
    ImportProductsResponse,
)
from stylefacet.v1.operations_pb2 import OperationMetadata
from tests.conftest import photo
from tests.server.operations import Operations, metadata_of, reason_of, response_of
from tests.server.stubs import Stubs, connect, fails_with

REPLACE = ImportProductsRequest.REPLACE
Start = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An import root with twelve photos in ``day/images``."""
    folder = tmp_path / "root" / "day" / "images"
    folder.mkdir(parents=True)
    for n in range(12):
        (folder / f"{n}.png").write_bytes(photo(n))
    write_manifest(tmp_path / "root", [(f"p{n}", f"{n}.png", "top") for n in range(12)])
    return tmp_path / "root"


@pytest.fixture
def settings(settings: Settings, root: Path) -> Settings:
    return replace(settings, import_root=root, operation_lease_s=1.0)


def write_manifest(
    root: Path,
    rows: Sequence[Sequence[str]],
    columns: Sequence[str] = ("product_id", "image", "category"),
    name: str = "day/top.csv",
) -> None:
    with (root / name).open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


@pytest.fixture
def start(stubs: Stubs) -> Start:
    """Starts an import; the manifest is day/top.csv unless told otherwise."""

    def start_import(**fields: Any) -> Any:
        request = ImportProductsRequest(**({"manifest": "day/top.csv"} | fields))
        return stubs.catalog.ImportProducts(request)

    return start_import


def product_ids(stubs: Stubs) -> list[str]:
    listed = stubs.catalog.ListProducts(ListProductsRequest(page_size=1000)).products
    return [product.name.removeprefix("products/") for product in listed]


def summary_of(operation: Any) -> Any:
    return response_of(operation, ImportProductsResponse()).summary


def test_a_manifest_is_imported_and_the_same_again_changes_nothing(start, operations, stubs):
    first = summary_of(operations.wait(start()))
    second = summary_of(operations.wait(start()))

    assert (first.row_count, first.created_count, first.failed_count) == (12, 12, 0)
    assert (second.created_count, second.unchanged_count) == (0, 12)
    assert second.sequence_number == first.sequence_number > 0
    assert len(product_ids(stubs)) == 12
    assert len(stubs.search("p3").similar_products) == 11


def test_metadata_tells_how_far_it_came(start, operations):
    ended = operations.wait(start())
    metadata = metadata_of(ended)

    assert metadata.state == OperationMetadata.SUCCEEDED
    assert (metadata.kind, metadata.phase) == ("import-products", "importing")
    assert (metadata.done_count, metadata.total_count) == (12, 12)
    assert metadata.import_summary == summary_of(ended)
    assert metadata.end_time.ToDatetime() >= metadata.start_time.ToDatetime()


def test_columns_are_mapped_and_a_category_stands_in(start, operations, stubs, root):
    rows = [("p1", "1.png", "red", "9.5")]
    write_manifest(root, rows, ("sku", "file", "labels.colour", "price"))
    pairs = {"sku": "product_id", "file": "image", "price": "numbers.price"}
    mappings = [ColumnMapping(column=c, field=f) for c, f in pairs.items()]
    operations.wait(start(column_mappings=mappings, default_category="dress"))

    product = stubs.catalog.GetProduct(GetProductRequest(name="products/p1"))
    assert (product.category, product.labels["colour"]) == ("dress", "red")
    assert product.numbers["price"] == 9.5


def test_bad_rows_fail_alone_and_are_told(start, operations, stubs, root, tmp_path):
    images = root / "day" / "images"
    (images / "text.png").write_bytes(b"text")
    (images / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "secret.png").write_bytes(photo(99))
    names = ["1.png", "text.png", "link.png", "../../secret.png", "/etc/passwd", "http://x/1.png"]
    write_manifest(root, [(f"p{n}", name, "top") for n, name in enumerate(names)])
    summary = summary_of(operations.wait(start()))

    assert (summary.created_count, summary.failed_count) == (1, 5)
    told = {failure.product: failure.status.message for failure in summary.failures}
    assert "cannot be read" in told["products/p1"]
    assert "leaves the server's import root" in told["products/p2"]
    assert "leaves the manifest's folder" in told["products/p3"]
    assert "leaves the manifest's folder" in told["products/p4"]
    assert "is an address" in told["products/p5"]
    assert [failure.place for failure in summary.failures] == [f"line {n}" for n in range(3, 8)]
    assert product_ids(stubs) == ["p0"]


def test_many_failures_are_counted_and_the_first_told(start, operations, root):
    write_manifest(root, [(f"p{n}", "none.png", "top") for n in range(150)])
    summary = summary_of(operations.wait(start()))

    assert (summary.failed_count, len(summary.failures)) == (150, 100)


def test_a_folder_of_photos_is_imported(start, operations, stubs):
    summary = summary_of(operations.wait(start(manifest="day/images", default_category="top")))

    assert summary.created_count == 12
    assert "11" in product_ids(stubs)


def test_jsonl_is_imported(start, operations, stubs, root):
    (root / "top.jsonl").write_text('{"product_id": "p1", "image": "1.png", "category": "top"}\n')
    shutil.copytree(root / "day" / "images", root / "images")
    operations.wait(start(manifest="top.jsonl"))

    assert product_ids(stubs) == ["p1"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"manifest": ""}, "manifest: is empty"),
        ({"manifest": "../secret.csv"}, "leaves the server's import root"),
        ({"manifest": "gs://bucket/top.csv"}, "is an address"),
        ({"manifest": "day/none.csv"}, "there is no 'day/none.csv'"),
        ({"manifest": "day/images/1.png"}, "day/images/1.png"),
        ({"max_deleted_share": 1.5}, "max_deleted_share"),
        ({"request_id": "a b"}, "request_id"),
        ({"column_mappings": [ColumnMapping(column="sku", field="price")]}, "is no field"),
        ({"column_mappings": [ColumnMapping(column="sku", field="image")]}, "has no column 'sku'"),
    ],
)
def test_bad_requests_are_refused_at_once(start, root, fields, message):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", message):
        start(**fields)


def test_messages_do_not_tell_the_server_s_folders(start, root):
    write_manifest(root, [], ("sku",), "empty.csv")
    with pytest.raises(grpc.RpcError) as caught:
        start(manifest="empty.csv")

    assert str(root) not in str(caught.value)
    assert "manifest empty.csv" in str(caught.value)


def test_replacing_deletes_what_has_no_row(start, operations, stubs, root):
    operations.wait(start())
    write_manifest(root, [(f"p{n}", f"{n}.png", "top") for n in range(1, 12)])
    summary = summary_of(operations.wait(start(mode=REPLACE)))

    assert (summary.unchanged_count, summary.deleted_product_count) == (11, 1)
    assert "p0" not in product_ids(stubs)
    assert summary.sequence_number == stubs.search("p3").sequence_number


def test_replacing_deletes_images_that_have_no_row(start, operations, stubs, root):
    operations.wait(start())
    rows = [(f"p{n}", f"{n}.png", "top") for n in range(12)]
    (root / "day" / "images" / "new.png").write_bytes(photo(77))
    rows[3] = ("p3", "new.png", "top")
    write_manifest(root, rows)
    summary = summary_of(operations.wait(start(mode=REPLACE)))

    listed = stubs.catalog.ListProductImages(ListProductImagesRequest(parent="products/p3"))
    assert (summary.updated_count, summary.deleted_image_count) == (1, 1)
    assert len(listed.product_images) == 1


def test_replacing_keeps_the_images_of_a_product_of_which_a_row_failed(
    start, operations, stubs, root
):
    operations.wait(start())
    rows = [(f"p{n}", f"{n}.png", "top") for n in range(12)]
    rows[3] = ("p3", "missing.png", "top")
    write_manifest(root, rows)
    summary = summary_of(operations.wait(start(mode=REPLACE)))

    assert (summary.failed_count, summary.deleted_image_count) == (1, 0)
    assert "p3" in product_ids(stubs)


def test_replacing_merely_adds_when_asked_to_merge(start, operations, stubs, root):
    operations.wait(start())
    write_manifest(root, [("q", "1.png", "top")])
    operations.wait(start())

    assert len(product_ids(stubs)) == 13


def test_replacing_refuses_to_empty_the_catalogue(start, operations, stubs, root):
    operations.wait(start())
    write_manifest(root, [("p1", "1.png", "top"), ("new", "2.png", "top")])
    refused = operations.wait(start(mode=REPLACE))

    assert reason_of(refused) == "DELETION_REFUSED"
    assert "11 of 12 products (92%)" in refused.error.message
    assert metadata_of(refused).state == OperationMetadata.FAILED
    assert len(product_ids(stubs)) == 12
    allowed = operations.wait(start(mode=REPLACE, max_deleted_share=1))
    assert summary_of(allowed).deleted_product_count == 11
    assert product_ids(stubs) == ["new", "p1"]


def test_replacing_refuses_rows_it_cannot_read(start, operations, stubs, root):
    operations.wait(start())
    rows = [(f"p{n}", f"{n}.png", "top") for n in range(11)] + [("p 11", "11.png", "top", "extra")]
    write_manifest(root, rows)
    refused = operations.wait(start(mode=REPLACE, max_deleted_share=1))

    assert reason_of(refused) == "DELETION_REFUSED"
    assert "line 13" in refused.error.message
    assert len(product_ids(stubs)) == 12


def test_a_dry_run_counts_and_changes_nothing(start, operations, stubs, root):
    operations.wait(start())
    rows = [(f"p{n}", f"{n}.png", "top") for n in range(1, 12)] + [("new", "none.png", "top")]
    write_manifest(root, rows)
    summary = summary_of(operations.wait(start(mode=REPLACE, validate_only=True)))

    assert (summary.row_count, summary.failed_count) == (12, 1)
    assert (summary.deleted_product_count, summary.created_count) == (1, 0)
    assert len(product_ids(stubs)) == 12


def test_the_same_request_id_starts_one_import(start, operations):
    first = start(request_id="night-1")
    operations.wait(first)

    assert start(request_id="night-1").name == first.name


def test_a_server_without_a_folder_imports_nothing(settings):
    bare = Server(replace(settings, import_root=None))
    bare.start()
    with (
        connect(bare.address) as stubs,
        fails_with(grpc.StatusCode.FAILED_PRECONDITION, "IMPORT_DISABLED"),
    ):
        stubs.catalog.ImportProducts(ImportProductsRequest(manifest="day/top.csv"))
    bare.stop()


@pytest.fixture
def slow_manifest(root: Path) -> int:
    """A manifest of photos that take a moment each to decode; returns how many.

    All of it takes seconds: a test that looks at the midst of it may be held up for one.
    """
    rng = np.random.default_rng(0)
    for n in range(10):
        pixels = rng.integers(0, 255, (500, 400, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        (root / "day" / "images" / f"slow{n}.png").write_bytes(buffer.getvalue())
    write_manifest(root, [(f"s{n}", f"slow{n % 10}.png", "top") for n in range(250)])
    return 250


def wait_until_some_rows_are_in(stubs: Stubs) -> int:
    deadline = time.monotonic() + 20
    while not (count := len(product_ids(stubs))):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return count


def test_a_second_import_waits_for_the_first_to_end(start, operations, slow_manifest):
    first = start()
    with fails_with(grpc.StatusCode.ABORTED, "IMPORT_RUNNING", first.name):
        start()
    operations.cancel(first.name)


def test_cancelling_stops_the_import_and_keeps_what_is_in(start, operations, stubs, slow_manifest):
    running = start()
    wait_until_some_rows_are_in(stubs)
    operations.cancel(running.name)
    ended = operations.wait(running)

    assert metadata_of(ended).state == OperationMetadata.CANCELLED
    assert (ended.error.code, reason_of(ended)) == (1, "OPERATION_CANCELLED")
    count = len(product_ids(stubs))
    assert 0 < count < slow_manifest
    assert metadata_of(ended).import_summary.created_count == count


def test_an_import_goes_on_after_a_restart(settings, slow_manifest):
    server = Server(settings)
    server.start()
    with connect(server.address) as stubs:
        running = stubs.catalog.ImportProducts(ImportProductsRequest(manifest="day/top.csv"))
        wait_until_some_rows_are_in(stubs)
    server.stop()
    again = Server(settings)
    again.start()
    with connect(again.address) as stubs, grpc.insecure_channel(again.address) as channel:
        in_before = len(product_ids(stubs))
        ended = Operations(channel).wait(running)
        in_after = len(product_ids(stubs))
    again.stop()

    assert 0 < in_before < slow_manifest
    assert in_after == slow_manifest
    summary = summary_of(ended)
    assert (summary.created_count, summary.unchanged_count) == (slow_manifest, 0)
    assert metadata_of(ended).lost_count == 0


def test_a_replacing_import_goes_on_after_a_restart(settings, slow_manifest, root):
    server = Server(settings)
    server.start()
    with connect(server.address) as stubs:
        stubs.upload(1)
        request = ImportProductsRequest(manifest="day/top.csv", mode=REPLACE, max_deleted_share=1)
        running = stubs.catalog.ImportProducts(request)
        while len(product_ids(stubs)) < 3:
            time.sleep(0.005)
    server.stop()
    again = Server(settings)
    again.start()
    with connect(again.address) as stubs, grpc.insecure_channel(again.address) as channel:
        summary = summary_of(Operations(channel).wait(running))
        left = product_ids(stubs)
    again.stop()

    assert (summary.created_count, summary.deleted_product_count) == (slow_manifest, 1)
    assert (len(left), "p0" in left) == (slow_manifest, False)
