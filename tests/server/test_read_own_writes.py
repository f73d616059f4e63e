"""Searches that must see what their caller wrote, and pages that end when their order does."""

import grpc
import pytest

from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import feature_pb2, product_pb2
from stylefacet.v1 import feature_service_pb2 as feature
from stylefacet.v1 import similarity_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with


def test_search_sees_the_change_it_asks_for(stubs: Stubs):
    stubs.upload(3)
    made = stubs.catalog.UpdateProduct(
        catalog.UpdateProductRequest(
            product=product_pb2.Product(name="products/new", category="top"), allow_missing=True
        )
    )
    image = stubs.catalog.CreateProductImage(
        catalog.CreateProductImageRequest(
            parent="products/new", product_image=product_pb2.ProductImage(content=photo(9))
        )
    )

    answer = stubs.search("p0", min_sequence=image.sequence_number)

    assert image.sequence_number > made.sequence_number > 0
    assert answer.sequence_number >= image.sequence_number
    assert "products/new" in [hit.product.name for hit in answer.similar_products]


def test_change_that_does_not_come_is_told_before_the_deadline(stubs: Stubs):
    stubs.upload(2)
    request = pb.SearchSimilarProductsRequest(product="products/p0", min_sequence=10**9)

    with fails_with(grpc.StatusCode.UNAVAILABLE, "CHANGE_NOT_SEEN", "1000000000"):
        stubs.similarity.SearchSimilarProducts(request, timeout=1.0)


def test_negative_change_is_refused(stubs: Stubs):
    stubs.upload(2)
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "min_sequence"):
        stubs.search("p0", min_sequence=-1)


def test_pages_go_on_whatever_change_each_asks_for(stubs: Stubs):
    answers = stubs.upload(5)
    first = stubs.search("p0", page_size=2)
    second = stubs.search(
        "p0",
        page_size=2,
        page_token=first.next_page_token,
        min_sequence=answers[-1].sequence_number,
    )

    names = [h.product.name for h in (*first.similar_products, *second.similar_products)]
    assert sorted(names) == [f"products/p{n}" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize("weights", [{"sheen": 1.0}, {"sheen": 0.5, "collar": 1.0}])
def test_page_token_ends_with_the_scale_of_a_weighted_feature(stubs: Stubs, weights: dict):
    stubs.upload(25)
    stubs.feature.CreateFeature(
        feature.CreateFeatureRequest(
            feature_id="sheen", feature=feature_pb2.Feature(dimensions=[1, 6])
        )
    )
    token = stubs.search("p0", weights=weights, page_size=5).next_page_token
    stubs.feature.UpdateFeature(
        feature.UpdateFeatureRequest(
            feature=feature_pb2.Feature(name="features/sheen"), refresh_scale=True
        )
    )

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_STALE"):
        stubs.search("p0", weights=weights, page_size=5, page_token=token)


def test_page_token_outlives_changes_of_features_that_do_not_count(stubs: Stubs):
    stubs.upload(25)
    token = stubs.search("p0", weights={"collar": 1.0}, page_size=5).next_page_token
    stubs.feature.CreateFeature(
        feature.CreateFeatureRequest(
            feature_id="sheen", feature=feature_pb2.Feature(dimensions=[1, 6])
        )
    )

    assert stubs.search("p0", weights={"collar": 1.0}, page_size=5, page_token=token).encoder
