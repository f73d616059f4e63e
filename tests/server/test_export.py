"""The table a catalogue system loads: every product in every feature, as of one moment."""

import grpc
import numpy as np
import pytest

from stylefacet.app import export as export_module
from stylefacet.v1 import catalog_service_pb2 as pb
from stylefacet.v1 import encoder_service_pb2, feature_pb2, product_pb2
from stylefacet.v1 import feature_service_pb2 as feature
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with, upload_row
from tests.server.test_feature_fitting import fit, tint_of, tinted


def run(stubs: Stubs, **fields) -> list[pb.ExportFeaturesResponse]:
    return list(stubs.catalog.ExportFeatures(pb.ExportFeaturesRequest(**fields)))


def products(answers: list[pb.ExportFeaturesResponse]) -> dict[str, pb.ExportedProduct]:
    return {item.product.name: item for answer in answers for item in answer.products}


@pytest.fixture
def tints(stubs: Stubs) -> Stubs:
    rows = [upload_row(n, tinted(n, tint_of(n))) for n in range(40)]
    list(stubs.catalog.UploadProducts(iter(rows)))
    fit(stubs, {n: tint_of(n) for n in range(30)})
    return stubs


def test_empty_catalogue_still_names_encoder_and_features(stubs: Stubs):
    (answer,) = run(stubs)

    assert answer.encoder.startswith("encoders/")
    assert [f.feature for f in answer.features] == [
        f"features/{n}" for n in ("body", "collar", "sleeve")
    ]
    assert not answer.products


def test_coordinates_are_the_scaled_map_of_the_images_mean(stubs: Stubs):
    rows = [upload_row(0, photo(0)), upload_row(0, photo(1))]
    list(stubs.catalog.UploadProducts(iter(rows)))
    embed = stubs.encoder.EmbedImage
    means = [
        embed(encoder_service_pb2.EmbedImageRequest(content=photo(n))).embedding.mean
        for n in range(2)
    ]

    found = products(run(stubs, features=["features/collar"]))["products/p0"]

    assert found.image_count == 2
    expected = 0.5 * np.mean(means, axis=0)[:3]
    np.testing.assert_allclose(found.features[0].coordinates, expected, rtol=1e-5)


def test_values_are_those_that_a_prediction_gives(tints: Stubs):
    answers = run(tints, features=["features/tint"])
    exported = products(answers)

    (header,) = answers[0].features
    assert (header.fitted, header.carried) == (True, True)
    for number in (31, 38):
        request = feature.PredictFeaturesRequest(product=f"products/p{number}")
        likeliest = tints.feature.PredictFeatures(request).predictions[0].values[0]
        place = exported[f"products/p{number}"].features[0]
        assert len(place.coordinates) == header.coordinate_count
        assert place.value == likeliest.value == tint_of(number)
        assert place.probability == pytest.approx(likeliest.probability, rel=1e-4)


def test_feature_that_is_not_carried_has_coordinates_and_no_values(tints: Stubs):
    rng = np.random.default_rng(0)
    fit(tints, {n: str(v) for n, v in enumerate(rng.choice(["x", "y", "z"], 40))}, "luck")
    answers = run(tints, features=["features/luck"])

    assert (answers[0].features[0].fitted, answers[0].features[0].carried) == (True, False)
    places = [item.features[0] for item in products(answers).values()]
    assert all(place.coordinates and not place.value for place in places)


def test_every_product_comes_once_in_order_with_those_without_an_image(
    stubs: Stubs, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(export_module, "PAGE_SIZE", 4)
    stubs.upload(12)
    stubs.catalog.UpdateProduct(
        pb.UpdateProductRequest(
            product=product_pb2.Product(name="products/bare", category="top"), allow_missing=True
        )
    )
    answers = run(stubs)

    names = [item.product.name for answer in answers for item in answer.products]
    assert names == sorted([f"products/p{n}" for n in range(12)] + ["products/bare"])
    bare = products(answers)["products/bare"]
    assert (bare.image_count, len(bare.features)) == (0, 0)
    assert [len(answer.features) for answer in answers] == [3, 0, 0, 0]


def test_export_shows_one_moment_whatever_is_written_meanwhile(
    stubs: Stubs, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(export_module, "PAGE_SIZE", 2)
    last = stubs.upload(100)[-1]
    stream = stubs.catalog.ExportFeatures(pb.ExportFeaturesRequest())
    answers = [next(stream)]
    stubs.catalog.DeleteProduct(pb.DeleteProductRequest(name="products/p99"))
    list(stubs.catalog.UploadProducts(iter([upload_row(999, photo(999))])))
    answers += stream

    found = products(answers)
    assert {answer.sequence_number for answer in answers} == {last.sequence_number}
    assert "products/p99" in found
    assert "products/p999" not in found


def test_export_obeys_filter_and_choice_of_features(stubs: Stubs):
    stubs.upload(3)
    list(stubs.catalog.UploadProducts(iter([upload_row(7, photo(7), category="dress")])))
    answers = run(stubs, filter='category = "dress"', features=["features/sleeve"])

    assert list(products(answers)) == ["products/p7"]
    assert [f.feature for f in answers[0].features] == ["features/sleeve"]


def test_export_names_the_version_it_used(tints: Stubs):
    tints.feature.UpdateFeature(
        feature.UpdateFeatureRequest(feature=feature_pb2.Feature(name="features/tint"), refit=True)
    )

    assert run(tints, features=["features/tint"])[0].features[0].version == 2


def test_bad_filter_or_feature_is_refused(stubs: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "FILTER_INVALID"):
        run(stubs, filter="category =")
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "pockets"):
        run(stubs, features=["features/pockets"])
