"""One encoder a category: products are seen by theirs, and requests that mix them are refused."""

from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from stylefacet.bundle import write_bundle
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_service_pb2 as pb
from stylefacet.v1 import feature_pb2, near_duplicates_pb2, product_pb2
from stylefacet.v1 import feature_service_pb2 as feature
from stylefacet.v1 import similarity_service_pb2 as similarity
from stylefacet.v1.catalog_service_pb2 import (
    ExportFeaturesRequest,
    GetProductImageRequest,
    UpdateProductRequest,
)
from tests.conftest import photo
from tests.server.operations import response_of
from tests.server.stubs import Stubs, fails_with, upload_row
from tests.server.switches import INVALID, REFUSED, default_encoder, install, names, shade, switch
from tests.tiny_bundle import tiny_bundle_parts

TOP_COUNT, DRESS_COUNT = 12, 30


@pytest.fixture
def settings(switchable: Settings) -> Settings:
    return switchable


@pytest.fixture
def dresses(stubs: Stubs, operations, installed: str) -> str:
    """The encoder of category dress, beside that of tops; p0 to p11 are tops, the rest dresses."""
    rows = [
        upload_row(n, photo(n), category="top" if n < TOP_COUNT else "dress")
        for n in range(TOP_COUNT + DRESS_COUNT)
    ]
    list(stubs.catalog.UploadProducts(iter(rows)))
    switch(stubs, operations, installed, categories=["dress"])
    return installed


def search(stubs: Stubs, **fields) -> similarity.SearchSimilarProductsResponse:
    request = similarity.SearchSimilarProductsRequest(page_size=100, **fields)
    return stubs.similarity.SearchSimilarProducts(request)


def rename(stubs: Stubs, product: str, category: str) -> product_pb2.Product:
    change = product_pb2.Product(name=f"products/{product}", category=category)
    return stubs.catalog.UpdateProduct(UpdateProductRequest(product=change))


def is_dress(name: str) -> bool:
    return int(name.removeprefix("products/p")) >= TOP_COUNT


def test_a_search_stays_among_the_products_of_the_query_s_encoder(stubs, dresses):
    tops, others = search(stubs, product="products/p0"), search(stubs, product="products/p20")

    assert (tops.encoder, others.encoder) == (default_encoder(stubs), dresses)
    assert len(names(tops)) == TOP_COUNT - 1
    assert len(names(others)) == DRESS_COUNT - 1
    assert not any(map(is_dress, names(tops)))
    assert all(map(is_dress, names(others)))


def test_a_photo_is_looked_for_by_its_category(stubs, dresses):
    answers = [search(stubs, content=photo(99), category=c) for c in ("top", "dress")]

    assert [answer.encoder for answer in answers] == [default_encoder(stubs), dresses]


def serve_both(stubs: Stubs, operations, bundle_root: Path, **parts) -> dict[str, str]:
    """Lets two encoders serve, of tops and of dresses, made of those parts; returns their names."""
    names = {}
    for category, made in parts.items():
        write_bundle(bundle_root / category, **made)
        names[category] = install(stubs, category)
        categories = [] if category == "top" else [category]
        switch(stubs, operations, names[category], categories=categories)
    return names


def test_a_photo_without_a_category_goes_to_the_encoder_that_draws_it_best(
    stubs, operations, bundle_root
):
    stubs.upload(3)
    light, dark = tiny_bundle_parts(seed=7, shade=4.0), tiny_bundle_parts(seed=8, shade=-4.0)
    encoders = serve_both(stubs, operations, bundle_root, top=light, dress=dark)

    assert search(stubs, content=shade(1)).encoder == encoders["top"]
    assert search(stubs, content=shade(0)).encoder == encoders["dress"]
    embedded = stubs.encoder.EmbedImage(pb.EmbedImageRequest(content=shade(0)))
    assert embedded.embedding.encoder == encoders["dress"]


@pytest.mark.parametrize("strict", ["top", "dress"])
def test_without_decoders_it_goes_where_it_is_less_novel(strict, stubs, operations, bundle_root):
    stubs.upload(3)
    parts = {"top": tiny_bundle_parts(seed=7), "dress": tiny_bundle_parts(seed=8)}
    for category, made in parts.items():
        limit = 1e-6 if category == strict else 1e6
        made["manifest"] = replace(made["manifest"], novelty_p99=limit)
        made["decoder"] = None
    encoders = serve_both(stubs, operations, bundle_root, **parts)
    (lenient,) = set(parts) - {strict}

    assert search(stubs, content=photo(99)).encoder == encoders[lenient]


def test_products_of_two_encoders_are_not_compared(stubs, dresses):
    mixed = similarity.CompareProductsRequest(products=["products/p0", "products/p20"])
    with fails_with(REFUSED, "ENCODERS_MIXED", "vectors of two do not compare"):
        stubs.similarity.CompareProducts(mixed)
    alike = similarity.CompareProductsRequest(products=["products/p19", "products/p20"])
    assert stubs.similarity.CompareProducts(alike).encoder == dresses


def test_a_query_is_not_moved_toward_a_product_of_another_encoder(stubs, dresses):
    move = similarity.FeatureAdjustment(feature="features/collar", product="products/p20")
    with fails_with(REFUSED, "ENCODERS_MIXED", "products/p20"):
        search(stubs, product="products/p0", adjustments=[move])


def test_pictures_are_not_drawn_between_two_encoders(stubs, dresses):
    ends = [pb.PictureSource(product=f"products/{p}") for p in ("p0", "p20")]
    with fails_with(REFUSED, "ENCODERS_MIXED"):
        stubs.encoder.InterpolateEmbeddings(
            pb.InterpolateEmbeddingsRequest(start=ends[0], end=ends[1])
        )
    frame = stubs.encoder.DecodeEmbedding(pb.DecodeEmbeddingRequest(source=ends[1])).frame
    assert frame.embedding.encoder == dresses
    request = pb.TraverseFeatureRequest(feature="features/collar", encoder=dresses)
    assert stubs.encoder.TraverseFeature(request).encoder == dresses


def test_exports_and_duplicates_say_among_whose_products(stubs, operations, dresses):
    with fails_with(INVALID, "INVALID_FIELD", "say which"):
        list(stubs.catalog.ExportFeatures(ExportFeaturesRequest()))
    with fails_with(INVALID, "INVALID_FIELD", "say which"):
        stubs.similarity.FindNearDuplicates(near_duplicates_pb2.FindNearDuplicatesRequest())

    batches = list(stubs.catalog.ExportFeatures(ExportFeaturesRequest(encoder=dresses)))
    exported = [row.product.name for batch in batches for row in batch.products]
    assert len(exported) == DRESS_COUNT
    assert all(map(is_dress, exported))
    started = stubs.similarity.FindNearDuplicates(
        near_duplicates_pb2.FindNearDuplicatesRequest(encoder=dresses)
    )
    found = response_of(operations.wait(started), near_duplicates_pb2.FindNearDuplicatesResponse())
    assert (found.encoder, found.product_count) == (dresses, DRESS_COUNT)


def fit(stubs: Stubs, first: int, last: int) -> feature_pb2.Feature:
    examples = [
        feature.FeatureExample(product=f"products/p{n}", value="odd" if n % 2 else "even")
        for n in range(first, last)
    ]
    return stubs.feature.FitFeature(
        feature.FitFeatureRequest(feature_id="parity", examples=examples)
    )


def test_a_feature_is_fitted_for_each_encoder_from_its_own_products(stubs, dresses):
    with fails_with(REFUSED, "ENCODERS_MIXED"):
        fit(stubs, 0, 20)
    tops, others = fit(stubs, 0, TOP_COUNT), fit(stubs, TOP_COUNT, 40)
    request = feature.ListFeatureExamplesRequest(parent="features/parity", page_size=100)
    examples = stubs.feature.ListFeatureExamples(request).examples

    assert (tops.encoder, others.encoder) == (default_encoder(stubs), dresses)
    assert len(examples) == 40
    for encoder, wanted in ((tops.encoder, tops.scale), (dresses, others.scale)):
        found = stubs.feature.GetFeature(
            feature.GetFeatureRequest(name="features/parity", encoder=encoder)
        )
        assert (found.encoder, found.scale) == (encoder, wanted)
    assert len(names(stubs.search("p20", weights={"parity": 1}, page_size=100))) == DRESS_COUNT - 1


def test_a_prediction_comes_from_the_product_s_encoder(stubs, dresses):
    fit(stubs, TOP_COUNT, 40)
    request = feature.PredictFeaturesRequest(product="products/p20", features=["features/parity"])
    by_photo = feature.PredictFeaturesRequest(content=photo(20), category="dress")

    assert stubs.feature.PredictFeatures(request).encoder == dresses
    assert stubs.feature.PredictFeatures(by_photo).encoder == dresses
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "another encoder's"):
        stubs.feature.PredictFeatures(
            feature.PredictFeaturesRequest(product="products/p0", features=["features/parity"])
        )


def test_a_product_that_changes_its_category_changes_its_encoder(stubs, dresses):
    changed = rename(stubs, "p0", "dress")
    found = search(stubs, product="products/p0", min_sequence=changed.sequence_number)
    image = stubs.catalog.GetProductImage(
        GetProductImageRequest(name=f"products/p0/images/{stubs.image_ids('p0')[0]}")
    )

    assert (found.encoder, image.embedding.encoder) == (dresses, dresses)
    assert len(names(found)) == DRESS_COUNT
    assert "products/p0" not in names(search(stubs, product="products/p1"))
    rename(stubs, "p0", "top")
    assert "products/p0" in names(search(stubs, product="products/p1"))


def test_a_row_without_a_photo_changes_category_and_encoder_too(stubs, dresses):
    (answer,) = stubs.catalog.UploadProducts(iter([upload_row(0, b"", category="dress")]))

    assert answer.status.code == 0
    assert search(stubs, product="products/p0").encoder == dresses


def test_new_photos_are_seen_by_the_encoder_of_their_category(stubs, dresses):
    rows = [upload_row(100, photo(100), category="dress"), upload_row(101, photo(101))]
    list(stubs.catalog.UploadProducts(iter(rows)))
    # A row that leaves the category as it is.
    again = upload_row(100, photo(102), category="")
    (answer,) = stubs.catalog.UploadProducts(iter([again]))

    assert answer.status.code == 0
    assert search(stubs, product="products/p100").encoder == dresses
    assert len(stubs.image_ids("p100")) == 2
    assert search(stubs, product="products/p101").encoder == default_encoder(stubs)


def test_a_category_goes_back_to_the_default_encoder(stubs, operations, dresses):
    report = switch(stubs, operations, "encoders/default", categories=["dress"])

    assert dict(report.later.encoders) == {}
    assert (report.shifts[0].image_count, report.shifts[0].embedded_count) == (42, 42)
    assert len(names(search(stubs, product="products/p20"))) == TOP_COUNT + DRESS_COUNT - 1


def test_what_serves_which_category_is_listed(stubs, dresses):
    first, second = stubs.encoder.ListEncoders(pb.ListEncodersRequest()).encoders

    assert (first.serves_default, list(first.categories)) == (True, [])
    assert (second.name, second.serves_default) == (dresses, False)
    assert list(second.categories) == ["dress"]
    assert (first.embedded_image_count, second.embedded_image_count) == (42, DRESS_COUNT)
