"""Features that change: texts, examples, scale, versions; and what they were fitted on."""

from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import feature_pb2
from stylefacet.v1 import feature_service_pb2 as pb
from tests.server.stubs import Stubs, fails_with, upload_row
from tests.server.test_feature_fitting import tint_of, tinted

COUNT = 40


@pytest.fixture
def catalogue(stubs: Stubs) -> Stubs:
    """Forty products, dark and light in turn, and the feature `tint` fitted on the first 20."""
    rows = [upload_row(n, tinted(n, tint_of(n))) for n in range(COUNT)]
    list(stubs.catalog.UploadProducts(iter(rows)))
    stubs.feature.FitFeature(
        pb.FitFeatureRequest(feature_id="tint", display_name="Tint", examples=examples(range(20)))
    )
    return stubs


def examples(numbers: Any) -> list[pb.FeatureExample]:
    return [pb.FeatureExample(product=f"products/p{n}", value=tint_of(n)) for n in numbers]


def update(stubs: Stubs, name: str = "tint", mask: tuple[str, ...] = (), **fields: Any):
    terms = {
        k: v for k, v in fields.items() if k in pb.UpdateFeatureRequest.DESCRIPTOR.fields_by_name
    }
    texts = {k: v for k, v in fields.items() if k not in terms}
    return stubs.feature.UpdateFeature(
        pb.UpdateFeatureRequest(
            feature=feature_pb2.Feature(name=f"features/{name}", **texts),
            update_mask=FieldMask(paths=mask),
            **terms,
        )
    )


def get(stubs: Stubs, name: str = "tint") -> feature_pb2.Feature:
    return stubs.feature.GetFeature(pb.GetFeatureRequest(name=f"features/{name}"))


def dark_chance(stubs: Stubs, number: int) -> float:
    request = pb.PredictFeaturesRequest(product=f"products/p{number}")
    (prediction,) = stubs.feature.PredictFeatures(request).predictions
    return next(v.probability for v in prediction.values if v.value == "dark")


def test_texts_change_without_a_new_version(catalogue: Stubs):
    before = get(catalogue)
    after = update(catalogue, description="How dark it is above.\nMeasured at dawn.")

    assert after.description.startswith("How dark")
    assert (after.display_name, after.version) == ("Tint", 1)
    assert after.etag != before.etag
    assert after.update_time.ToNanoseconds() > before.update_time.ToNanoseconds()


def test_mask_empties_what_it_names(catalogue: Stubs):
    update(catalogue, description="x")
    after = update(catalogue, mask=("display_name",), description="ignored")

    assert (after.display_name, after.description) == ("", "x")


def test_new_examples_replace_the_stored_ones(catalogue: Stubs):
    after = update(catalogue, examples=examples(range(20, 40)))

    assert (after.version, after.example_count, after.quality.example_count) == (2, 20, 20)
    assert dark_chance(catalogue, 1) > 0.5 > dark_chance(catalogue, 2)


def test_kept_examples_are_added_to(catalogue: Stubs):
    changed = [*examples(range(20, 30)), pb.FeatureExample(product="products/p0", value="odd")]
    more = pb.FeatureExample(product="products/p2", value="odd")
    after = update(catalogue, examples=[*changed, more], keep_examples=True)

    assert (after.version, after.example_count) == (2, 30)
    assert list(after.values) == ["dark", "light", "odd"]


def test_refit_leaves_out_products_that_are_gone(catalogue: Stubs):
    catalogue.catalog.DeleteProduct(catalog.DeleteProductRequest(name="products/p3"))
    after = update(catalogue, refit=True)

    assert (after.version, after.example_count, after.quality.example_count) == (2, 20, 19)


def test_refreshed_scale_keeps_predictions_and_makes_two_items_one_apart(catalogue: Stubs):
    rows = [upload_row(n, tinted(n, "light")) for n in range(40, 100)]
    list(catalogue.catalog.UploadProducts(iter(rows)))
    chance, before = dark_chance(catalogue, 31), get(catalogue)
    after = update(catalogue, refresh_scale=True)

    assert after.version == 2
    assert after.scale > before.scale * 1.1
    assert dark_chance(catalogue, 31) == pytest.approx(chance, abs=1e-4)
    distances = [
        hit.squared_distance
        for n in range(100)
        for hit in catalogue.search(f"p{n}", weights={"tint": 1}, page_size=100).similar_products
    ]
    assert sum(distances) / 100**2 == pytest.approx(1, rel=1e-3)


def test_feature_of_dimensions_takes_a_new_scale_but_no_examples(catalogue: Stubs):
    catalogue.feature.CreateFeature(
        pb.CreateFeatureRequest(feature_id="sheen", feature=feature_pb2.Feature(dimensions=[1]))
    )

    assert update(catalogue, "sheen", refresh_scale=True).version == 2
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "sheen"):
        update(catalogue, "sheen", examples=examples(range(10)))


def test_tried_update_tells_the_quality_and_changes_nothing(catalogue: Stubs):
    before = get(catalogue)
    tried = update(catalogue, examples=examples(range(40)), display_name="New", validate_only=True)
    texts = update(catalogue, display_name="New", validate_only=True)

    assert (tried.version, tried.quality.example_count, tried.etag) == (2, 40, "")
    assert (texts.version, texts.display_name, texts.etag) == (1, "New", "")
    assert get(catalogue) == before


def test_repeated_update_and_fit_are_done_once(catalogue: Stubs):
    fit = pb.FitFeatureRequest(feature_id="hue", examples=examples(range(20)), request_id="r-fit")
    fitted = [catalogue.feature.FitFeature(fit).version for _ in range(2)]
    updated = [update(catalogue, refit=True, request_id="r-refit").version for _ in range(2)]

    assert (fitted, updated) == ([1, 1], [2, 2])


def test_repeated_deletion_of_a_feature_is_no_failure(catalogue: Stubs):
    request = pb.DeleteFeatureRequest(name="features/tint", request_id="r-delete")
    for _ in range(2):
        catalogue.feature.DeleteFeature(request)

    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        get(catalogue)


def test_stale_etag_of_a_feature_is_aborted(catalogue: Stubs):
    first = get(catalogue).etag
    update(catalogue, description="x")

    with fails_with(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "features/tint"):
        update(catalogue, refit=True, etag=first)
    with fails_with(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", "features/tint"):
        catalogue.feature.DeleteFeature(pb.DeleteFeatureRequest(name="features/tint", etag=first))


def test_bundled_feature_cannot_be_updated(catalogue: Stubs):
    with fails_with(grpc.StatusCode.FAILED_PRECONDITION, "FEATURE_BUNDLED", "collar"):
        update(catalogue, "collar", refresh_scale=True)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"refit": True, "examples": examples(range(20))}, "refit"),
        ({"keep_examples": True}, "keep_examples"),
        ({"mask": ("scale",)}, "update_mask"),
        ({"description": "x" * 2001}, "description"),
    ],
)
def test_update_that_contradicts_itself_is_refused(catalogue: Stubs, fields: dict, word: str):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", word):
        update(catalogue, **fields)
    assert get(catalogue).version == 1


def test_examples_are_listed_in_pages(catalogue: Stubs):
    found, token = [], ""
    for _ in range(3):
        page = catalogue.feature.ListFeatureExamples(
            pb.ListFeatureExamplesRequest(parent="features/tint", page_size=8, page_token=token)
        )
        found += [(e.product, e.value) for e in page.examples]
        token = page.next_page_token

    assert token == ""
    assert found == sorted((f"products/p{n}", tint_of(n)) for n in range(20))


def test_bundled_feature_has_no_examples(catalogue: Stubs):
    request = pb.ListFeatureExamplesRequest(parent="features/collar")

    assert not catalogue.feature.ListFeatureExamples(request).examples


def test_prediction_tells_encoder_and_novelty(catalogue: Stubs):
    by_product = catalogue.feature.PredictFeatures(pb.PredictFeaturesRequest(product="products/p1"))
    by_photo = catalogue.feature.PredictFeatures(
        pb.PredictFeaturesRequest(content=tinted(1, "dark"))
    )

    assert by_product.encoder == by_photo.encoder == get(catalogue).encoder
    assert by_product.novelty == pytest.approx(by_photo.novelty)
    assert by_product.novelty > 0


def test_prediction_of_nothing_is_refused(catalogue: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "content"):
        catalogue.feature.PredictFeatures(pb.PredictFeaturesRequest(content=b""))
