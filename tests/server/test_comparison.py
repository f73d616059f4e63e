from itertools import combinations

import grpc
import numpy as np
import pytest

from stylefacet.v1 import encoder_service_pb2, feature_service_pb2
from stylefacet.v1 import similarity_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with, upload_row

BLOCKS = {"collar": slice(0, 3), "sleeve": slice(3, 5), "body": slice(5, 8)}
SCALE = 0.5  # of every feature of the tiny bundle


def mean_of(stubs: Stubs, seed: int) -> np.ndarray:
    request = encoder_service_pb2.EmbedImageRequest(content=photo(seed))
    return np.array(stubs.encoder.EmbedImage(request).embedding.mean, np.float64)


def compare(stubs: Stubs, *products: str, **fields) -> pb.CompareProductsResponse:
    names = [f"products/{product}" for product in products]
    return stubs.similarity.CompareProducts(pb.CompareProductsRequest(products=names, **fields))


def weights(**given: float) -> list[pb.FeatureWeight]:
    return [pb.FeatureWeight(feature=f"features/{f}", weight=w) for f, w in given.items()]


def distance(name: str, first: np.ndarray, second: np.ndarray) -> float:
    return float(SCALE * np.linalg.norm((first - second)[BLOCKS[name]]))


def test_every_pair_is_measured_in_every_feature(stubs: Stubs):
    stubs.upload(4)
    means = [mean_of(stubs, n) for n in range(4)]

    reply = compare(stubs, "p0", "p2", "p1")

    assert [product.name for product in reply.products] == [f"products/p{n}" for n in (0, 2, 1)]
    for pair, (a, b) in zip(reply.pairs, combinations((0, 2, 1), 2), strict=True):
        assert pair.product_image.startswith(f"products/p{a}/images/")
        assert pair.other_product_image.startswith(f"products/p{b}/images/")
        found = {c.feature: c.distance for c in pair.feature_comparisons}
        expected = {f"features/{f}": distance(f, means[a], means[b]) for f in sorted(BLOCKS)}
        assert found == pytest.approx(expected, rel=1e-5)
        squares = [d**2 for d in expected.values()]
        assert pair.squared_distance == pytest.approx(np.mean(squares), rel=1e-5)


def test_pair_is_as_far_apart_as_a_search_finds_it(stubs: Stubs):
    stubs.upload(12)
    hits = stubs.search("p0", weights={"collar": 2.0, "body": 1.0}).similar_products
    by_name = {hit.product.name: hit for hit in hits}

    reply = compare(stubs, "p0", "p7", feature_weights=weights(collar=2.0, body=1.0))

    pair, hit = reply.pairs[0], by_name["products/p7"]
    assert pair.squared_distance == pytest.approx(hit.squared_distance, rel=1e-6)
    assert pair.other_product_image == hit.product_image
    found = {c.feature: c.distance for c in pair.feature_comparisons}
    assert all(found[d.feature] == pytest.approx(d.distance) for d in hit.feature_distances)


def test_nearest_images_of_two_products_are_compared(stubs: Stubs):
    stubs.upload(2)
    rows = [
        upload_row(n, photo(10 + n, size=(48, 64)), name=f"products/p{n % 2}") for n in range(4)
    ]
    list(stubs.catalog.UploadProducts(iter(rows)))
    images = {0: (0, 10, 12), 1: (1, 11, 13)}
    means = {n: mean_of(stubs, n) for n in (0, 1)}
    means |= {
        10 + n: np.array(
            stubs.encoder.EmbedImage(
                encoder_service_pb2.EmbedImageRequest(content=photo(10 + n, size=(48, 64)))
            ).embedding.mean
        )
        for n in range(4)
    }

    pair = compare(stubs, "p0", "p1", feature_weights=weights(sleeve=1.0)).pairs[0]

    nearest = min(distance("sleeve", means[a], means[b]) for a in images[0] for b in images[1])
    assert pair.squared_distance == pytest.approx(nearest**2, rel=1e-5)


def test_share_of_nearer_pairs_is_that_of_the_catalogue(stubs: Stubs):
    stubs.upload(40)
    means = np.stack([mean_of(stubs, n) for n in range(40)])

    pair = compare(stubs, "p3", "p4").pairs[0]

    found = {c.feature.removeprefix("features/"): c.nearer_share for c in pair.feature_comparisons}
    for name in BLOCKS:
        drawn = [distance(name, means[a], means[b]) for a, b in combinations(range(40), 2)]
        exact = np.mean(np.array(drawn) < distance(name, means[3], means[4]))
        # 2,000 pairs are drawn: a standard error of 0.011 at most.
        assert found[name] == pytest.approx(exact, abs=0.04)


def test_same_photo_is_alike_in_everything(stubs: Stubs):
    stubs.upload(30)
    rows = [upload_row(90, photo(0), display_name="Twin")]
    list(stubs.catalog.UploadProducts(iter(rows)))

    reply = compare(stubs, "p0", "p90")

    assert all(c.alike and c.distance == 0 for c in reply.pairs[0].feature_comparisons)
    assert reply.summary == "p0 and p90 are alike in body, collar and sleeve."


def test_summary_says_what_is_shared_and_what_is_closest(stubs: Stubs):
    stubs.upload(30)
    for name, seed in (("A", 0), ("B", 0), ("C", 5)):
        names = {"name": f"products/{name}", "display_name": f"Shirt {name}"}
        row = upload_row(0, photo(seed), **names)
        list(stubs.catalog.UploadProducts(iter([row])))

    summary = compare(stubs, "A", "B", "C").summary

    assert summary.startswith("Shirt A and Shirt B are alike in body, collar and sleeve")


def test_values_decide_what_is_alike(stubs: Stubs):
    stubs.upload(40)
    depths = np.array([mean_of(stubs, n)[0] for n in range(40)])
    order = np.argsort(depths)
    examples = [
        feature_service_pb2.FeatureExample(
            product=f"products/p{n}", value="deep" if depths[n] > np.median(depths) else "flat"
        )
        for n in range(40)
    ]
    stubs.feature.FitFeature(
        feature_service_pb2.FitFeatureRequest(feature_id="depth", examples=examples)
    )
    flat, flatter, deep = (f"p{n}" for n in (order[1], order[0], order[-1]))

    reply = compare(stubs, flat, flatter, deep)

    depth = [
        next(c for c in pair.feature_comparisons if c.feature == "features/depth")
        for pair in reply.pairs
    ]
    assert [(d.alike, d.value, d.other_value) for d in depth] == [
        (True, "flat", "flat"),
        (False, "flat", "deep"),
        (False, "flat", "deep"),
    ]
    assert f"{flat} and {flatter} are alike in" in reply.summary
    assert "depth (flat)" in reply.summary


@pytest.mark.parametrize(
    "products", [[], ["p0"], ["p0", "p0"], [f"p{n}" for n in range(11)]], ids=len
)
def test_unusable_number_of_products_is_refused(stubs: Stubs, products: list[str]):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "products"):
        compare(stubs, *products)


def test_unknown_product_and_feature_are_not_found(stubs: Stubs):
    stubs.upload(2)

    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "p9"):
        compare(stubs, "p0", "p9")
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "hem"):
        compare(stubs, "p0", "p1", feature_weights=weights(hem=1.0))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), 0.0])
def test_unusable_weight_is_refused(stubs: Stubs, weight: float):
    stubs.upload(2)

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "weight"):
        compare(stubs, "p0", "p1", feature_weights=weights(collar=weight))
