import io

import grpc
import numpy as np
import pytest
from PIL import Image

from stylefacet.v1 import feature_pb2
from stylefacet.v1 import feature_service_pb2 as pb
from tests.server.stubs import Stubs, fails_with, upload_row

COUNT = 60


def tinted(seed: int, tint: str) -> bytes:
    """A photo of noise that is darker above for `dark` tints: something an encoder can see."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(100, 200, (32, 24, 3), dtype=np.uint8)
    if tint == "dark":
        pixels[:16] //= 3
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def tint_of(number: int) -> str:
    return "dark" if number % 2 else "light"


@pytest.fixture
def catalogue(stubs: Stubs) -> Stubs:
    rows = [upload_row(n, tinted(n, tint_of(n))) for n in range(COUNT)]
    list(stubs.catalog.UploadProducts(iter(rows)))
    return stubs


def fit(stubs: Stubs, values: dict[int, str], name: str = "tint") -> feature_pb2.Feature:
    examples = [pb.FeatureExample(product=f"products/p{n}", value=v) for n, v in values.items()]
    return stubs.feature.FitFeature(pb.FitFeatureRequest(feature_id=name, examples=examples))


def test_fitted_feature_states_its_quality(catalogue: Stubs):
    feature = fit(catalogue, {n: tint_of(n) for n in range(40)})

    assert feature.kind == feature_pb2.Feature.PROJECTION
    assert list(feature.values) == ["dark", "light"]
    assert feature.quality.carried
    assert feature.quality.balanced_accuracy > 0.95
    assert feature.quality.chance_accuracy == pytest.approx(0.5)
    assert feature.quality.example_count == 40


def test_fitted_feature_ranks_products_of_the_same_value_first(catalogue: Stubs):
    fit(catalogue, {n: tint_of(n) for n in range(40)})

    hits = catalogue.search("p51", weights={"tint": 1}, page_size=10).similar_products

    found = [tint_of(int(hit.product.name.removeprefix("products/p"))) for hit in hits]
    assert found == ["dark"] * 10


def test_value_of_an_unseen_photo_is_predicted(catalogue: Stubs):
    fit(catalogue, {n: tint_of(n) for n in range(40)})

    answer = catalogue.feature.PredictFeatures(
        pb.PredictFeaturesRequest(content=tinted(999, "dark"))
    )

    prediction = answer.predictions[0]
    assert (prediction.feature, prediction.carried) == ("features/tint", True)
    assert prediction.values[0].value == "dark"
    assert prediction.values[0].probability > 0.9
    assert sum(item.probability for item in prediction.values) == pytest.approx(1)


def test_value_of_a_stored_product_is_predicted(catalogue: Stubs):
    fit(catalogue, {n: tint_of(n) for n in range(40)})

    answer = catalogue.feature.PredictFeatures(
        pb.PredictFeaturesRequest(product="products/p50", features=["features/tint"])
    )

    assert answer.predictions[0].values[0].value == "light"


def test_labels_that_photos_do_not_show_are_not_carried(catalogue: Stubs):
    rng = np.random.default_rng(0)
    guessed = {n: str(value) for n, value in enumerate(rng.choice(["x", "y", "z"], COUNT))}

    feature = fit(catalogue, guessed, "luck")
    answer = catalogue.feature.PredictFeatures(
        pb.PredictFeaturesRequest(product="products/p1", features=["features/luck"])
    )

    assert not feature.quality.carried
    assert not answer.predictions[0].carried
    assert not answer.predictions[0].values


def test_refitted_feature_replaces_the_first(catalogue: Stubs):
    first = fit(catalogue, {n: tint_of(n) for n in range(20)})
    second = fit(catalogue, {n: tint_of(n) for n in range(40)})

    listed = catalogue.feature.ListFeatures(pb.ListFeaturesRequest()).features
    assert (first.version, second.version) == (1, 2)
    assert [f.name for f in listed].count("features/tint") == 1


def test_bundled_feature_cannot_be_refitted(catalogue: Stubs):
    with fails_with(grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_EXISTS", "collar"):
        fit(catalogue, {n: tint_of(n) for n in range(10)}, "collar")


@pytest.mark.parametrize(
    "values", [{}, {0: "dark"}, {0: "dark", 2: "dark"}, {0: "dark", 1: "light"}, {0: "", 1: ""}]
)
def test_examples_that_teach_nothing_are_refused(catalogue: Stubs, values: dict):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "examples"):
        fit(catalogue, values)


def test_example_that_is_not_in_the_catalogue_is_named(catalogue: Stubs):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "p777"):
        fit(catalogue, {0: "dark", 1: "light", 777: "dark"})


def test_feature_of_dimensions_predicts_nothing(catalogue: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "collar"):
        catalogue.feature.PredictFeatures(
            pb.PredictFeaturesRequest(product="products/p1", features=["features/collar"])
        )
