"""Products with several images: what is near, which images match, and their pages."""

from collections.abc import Iterator
from dataclasses import replace

import grpc
import numpy as np
import pytest

from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import encoder_service_pb2, product_pb2
from tests.conftest import photo
from tests.server.stubs import Stubs, connect, fails_with, upload_row

COLLAR = slice(0, 3)
SCALE = 0.5  # of every feature of the tiny bundle


def seeds_of(product: int) -> list[int]:
    """The photos of a product: three each, all different."""
    return [100 * product + n for n in range(3)]


@pytest.fixture
def shop(stubs: Stubs) -> Stubs:
    """Eight products p0 to p7 of three photos; the last part of an image's name is its seed."""
    rows: list[catalog.UploadProductsRequest] = []
    for product in range(8):
        for seed in seeds_of(product):
            row = upload_row(product, photo(seed), style_id=f"s{product // 3}")
            row.row_number, row.product_image_id = len(rows), str(seed)
            rows.append(row)
    assert all(not r.status.code for r in stubs.catalog.UploadProducts(iter(rows)))
    return stubs


def embed(stubs: Stubs, seed: int) -> np.ndarray:
    request = encoder_service_pb2.EmbedImageRequest(content=photo(seed))
    return np.array(stubs.encoder.EmbedImage(request).embedding.mean)


def test_distance_is_that_of_the_nearest_pair_under_the_weights(shop: Stubs):
    means = {seed: embed(shop, seed) for p in range(8) for seed in seeds_of(p)}

    hits = shop.search("p0", weights={"collar": 1}).similar_products

    for hit in hits:
        number = int(hit.product.name.removeprefix("products/p"))
        pairs = {
            (a, b): SCALE**2 * ((means[a] - means[b])[COLLAR] ** 2).sum()
            for a in seeds_of(0)
            for b in seeds_of(number)
        }
        best = min(pairs, key=pairs.__getitem__)
        assert hit.squared_distance == pytest.approx(pairs[best], rel=1e-5)
        assert hit.query_image == f"products/p0/images/{best[0]}"
        assert hit.product_image == f"{hit.product.name}/images/{best[1]}"
    assert len(hits) == 7


def test_other_weights_may_match_another_pair(shop: Stubs):
    pairs = {
        (hit.product.name, weights): (hit.query_image, hit.product_image)
        for weights in ("collar", "body")
        for hit in shop.search("p0", weights={weights: 1}).similar_products
    }

    assert any(pairs[name, "collar"] != pairs[name, "body"] for name, _ in pairs)


def test_grouped_search_keeps_the_nearest_of_a_style_and_counts_the_others(shop: Stubs):
    every = shop.search("p0", weights={"collar": 1}).similar_products
    grouped = shop.search("p0", weights={"collar": 1}, group_by_style=True).similar_products

    nearest: dict[str, str] = {}
    for hit in every:
        nearest.setdefault(hit.product.style_id, hit.product.name)
    assert {hit.product.style_id: hit.product.name for hit in grouped} == nearest
    # Of p0's own style p1 and p2 are left, of the second p3 to p5, of the third p6 and p7.
    counts = {hit.product.style_id: hit.other_style_product_count for hit in grouped}
    assert counts == {"s0": 1, "s1": 2, "s2": 1}


def test_filter_limits_what_a_style_counts(shop: Stubs):
    request = catalog.UpdateProductRequest(
        product=product_pb2.Product(name="products/p4", category="dress")
    )
    shop.catalog.UpdateProduct(request)
    hits = shop.search("p0", filter='category = "top"', group_by_style=True).similar_products

    counts = {hit.product.style_id: hit.other_style_product_count for hit in hits}
    assert counts["s1"] == 1


def test_products_without_a_style_stand_alone(stubs: Stubs):
    stubs.upload(4)
    hits = stubs.search("p0", group_by_style=True).similar_products

    assert [hit.other_style_product_count for hit in hits] == [0, 0, 0]


def test_pages_of_images_are_bound_to_product_and_view(shop: Stubs):
    request = catalog.ListProductImagesRequest(parent="products/p0", page_size=2)
    first = shop.catalog.ListProductImages(request)
    request.page_token = first.next_page_token
    second = shop.catalog.ListProductImages(request)
    names = [i.name.rsplit("/", 1)[1] for i in (*first.product_images, *second.product_images)]
    request.parent = "products/p1"

    assert (names, second.next_page_token) == (["0", "1", "2"], "")
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_STALE"):
        shop.catalog.ListProductImages(request)


def test_list_of_images_shows_thumbnails_on_request(shop: Stubs):
    view = product_pb2.PRODUCT_IMAGE_VIEW_THUMBNAIL
    request = catalog.ListProductImagesRequest(parent="products/p0", view=view)
    images = shop.catalog.ListProductImages(request).product_images

    assert len({image.thumbnail for image in images}) == 3
    assert all(image.thumbnail.startswith(b"\x89PNG") for image in images)


@pytest.fixture
def forgetful(settings: Settings) -> Iterator[Stubs]:
    server = Server(replace(settings, keep_inputs=False))
    server.start()
    with connect(server.address) as stubs:
        yield stubs
    server.stop()


def test_server_that_keeps_no_inputs_has_no_thumbnails(forgetful: Stubs):
    (answer,) = forgetful.upload(1)
    image = forgetful.catalog.GetProductImage(
        catalog.GetProductImageRequest(
            name=answer.product_image, view=product_pb2.PRODUCT_IMAGE_VIEW_THUMBNAIL
        )
    )

    assert image.thumbnail == b""
