from collections.abc import Iterator

import grpc
import numpy as np
import pytest

from stylefacet.bundle import Bundle
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_pb2, encoder_service_pb2, feature_service_pb2
from stylefacet.v1 import similarity_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, connect, fails_with, upload_row

SCALE = 0.5  # of every bundled feature of the tiny bundle
COLLAR, SLEEVE = slice(0, 3), slice(3, 5)


def mean_of(stubs: Stubs, seed: int) -> np.ndarray:
    request = encoder_service_pb2.EmbedImageRequest(content=photo(seed))
    return np.array(stubs.encoder.EmbedImage(request).embedding.mean, np.float64)


def adjust(feature: str, **fields) -> pb.FeatureAdjustment:
    return pb.FeatureAdjustment(feature=f"features/{feature}", **fields)


def moved(answer: pb.SearchSimilarProductsResponse) -> np.ndarray:
    return np.array([e.mean for e in answer.query_move.embeddings], np.float64)


def distances(answer: pb.SearchSimilarProductsResponse) -> dict[str, float]:
    moves = answer.query_move.feature_moves
    return {move.feature.removeprefix("features/"): move.distance for move in moves}


def create(stubs: Stubs, name: str, *dimensions: int) -> float:
    request = feature_service_pb2.CreateFeatureRequest(feature_id=name)
    request.feature.dimensions.extend(dimensions)
    return stubs.feature.CreateFeature(request).scale


def fit_depth(stubs: Stubs, count: int, names: tuple[str, ...]) -> np.ndarray:
    """Fits `depth` to the first latent dimension cut in equal parts; returns each item's part."""
    depths = np.array([mean_of(stubs, n)[0] for n in range(count)])
    parts = np.argsort(np.argsort(depths)) * len(names) // count
    examples = [
        feature_service_pb2.FeatureExample(product=f"products/p{n}", value=names[parts[n]])
        for n in range(count)
    ]
    stubs.feature.FitFeature(
        feature_service_pb2.FitFeatureRequest(feature_id="depth", examples=examples)
    )
    return parts


@pytest.fixture(scope="module")
def fitted(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stubs]:
    """A server with 30 products and `depth` fitted in three values; for tests that only read."""
    data_dir = tmp_path_factory.mktemp("fitted") / "data"
    server = Server(Settings(data_dir=data_dir, bundle=tiny_bundle.path, address="127.0.0.1:0"))
    server.start()
    with connect(server.address) as stubs:
        stubs.upload(30)
        fit_depth(stubs, 30, ("deep", "flat", "middle"))
        yield stubs
    server.stop()


def test_query_moves_by_units_of_the_scale_along_the_axis(stubs: Stubs):
    stubs.upload(30)
    start = mean_of(stubs, 0)
    scale = create(stubs, "depth", 4)

    answer = stubs.search("p0", adjustments=[adjust("depth", units=1.5)])

    expected = start.copy()
    expected[4] += 1.5 / scale
    np.testing.assert_allclose(moved(answer)[0], expected, rtol=1e-5)
    assert answer.query_move.latent_distance == pytest.approx(1.5 / scale, rel=1e-5)
    # Dimension 4 belongs to the sleeve, which is dragged along.
    drags = {"depth": 1.5, "sleeve": SCALE * 1.5 / scale, "collar": 0.0, "body": 0.0}
    assert distances(answer) == pytest.approx(drags, rel=1e-5)
    requested = [m.feature for m in answer.query_move.feature_moves if m.requested]
    assert requested == ["features/depth"]


def test_ranking_is_that_of_the_moved_query(stubs: Stubs):
    stubs.upload(40)
    items = np.stack([mean_of(stubs, n) for n in range(40)])

    answer = stubs.search(
        "p0",
        adjustments=[adjust("sleeve", product="products/p5")],
        weights={"sleeve": 1.0, "collar": 1.0},
        page_size=10,
    )

    query = items[0].copy()
    query[SLEEVE] = items[5, SLEEVE]
    squared = ((items - query)[:, :5] ** 2).sum(axis=1) * SCALE**2 / 2
    nearest = [n for n in np.argsort(squared) if n != 0][:10]
    hits = answer.similar_products
    assert [hit.product.name for hit in hits] == [f"products/p{n}" for n in nearest]
    np.testing.assert_allclose([h.squared_distance for h in hits], squared[nearest], rtol=1e-4)


def test_what_is_asked_for_counts_twice_without_weights(stubs: Stubs):
    stubs.upload(30)
    create(stubs, "depth", 4)
    given = [adjust("depth", units=1.0), adjust("body", product="products/p3")]

    unweighted = stubs.search("p0", adjustments=given).similar_products

    weights = {"collar": 1.0, "sleeve": 1.0, "body": 2.0, "depth": 2.0}
    weighted = stubs.search("p0", adjustments=given, weights=weights).similar_products
    assert unweighted == weighted


def test_part_of_the_way_is_part_of_the_way(stubs: Stubs):
    stubs.upload(6)
    first, other = mean_of(stubs, 0), mean_of(stubs, 5)

    answer = stubs.search("p0", adjustments=[adjust("collar", product="products/p5", share=0.25)])

    expected = first.copy()
    expected[COLLAR] += 0.25 * (other - first)[COLLAR]
    np.testing.assert_allclose(moved(answer)[0], expected, rtol=1e-5)


def test_move_toward_a_value_is_the_shortest_that_reaches_it(stubs: Stubs):
    stubs.upload(60)
    parts = fit_depth(stubs, 60, ("deep", "flat", "middle"))
    items = np.stack([mean_of(stubs, n) for n in range(60)])
    start = int(np.flatnonzero(parts == 0)[0])
    target = int(np.flatnonzero(parts == 1)[0])

    answer = stubs.search(f"p{start}", adjustments=[adjust("depth", value="flat")])

    move = moved(answer)[0] - items[start]
    depth = next(m for m in answer.query_move.feature_moves if m.feature == "features/depth")
    assert (depth.value_before, depth.value_after, depth.requested) == ("deep", "flat", True)
    # Of least norm: in the span of the feature's own map, which the differences of class means
    # span together with the noise; so the move of a second start lies in the same plane.
    second = int(np.flatnonzero(parts == 2)[0])
    again = stubs.search(f"p{second}", adjustments=[adjust("depth", value="flat")])
    third = stubs.search(f"p{target}", adjustments=[adjust("depth", value="deep")])
    moves = np.stack([move, moved(again)[0] - items[second], moved(third)[0] - items[target]])
    assert np.linalg.svd(moves, compute_uv=False)[2] < 1e-4 * np.linalg.norm(moves)


def test_adjustments_are_met_together(stubs: Stubs):
    stubs.upload(30)
    start = mean_of(stubs, 0)
    scales = {"depth": create(stubs, "depth", 4), "hem": create(stubs, "hem", 7)}

    answer = stubs.search("p0", adjustments=[adjust("depth", units=1.0), adjust("hem", units=-2.0)])

    expected = start.copy()
    expected[4] += 1.0 / scales["depth"]
    expected[7] -= 2.0 / scales["hem"]
    np.testing.assert_allclose(moved(answer)[0], expected, rtol=1e-5)


def test_adjustments_that_pull_apart_are_refused(stubs: Stubs):
    stubs.upload(30)
    create(stubs, "depth", 4)
    create(stubs, "length", 4)

    with fails_with(grpc.StatusCode.FAILED_PRECONDITION, "ADJUSTMENTS_CONTRADICT", "overlap"):
        stubs.search("p0", adjustments=[adjust("depth", units=1.0), adjust("length", units=-1.0)])


def test_every_image_of_a_product_is_moved(stubs: Stubs):
    stubs.upload(30)
    list(stubs.catalog.UploadProducts(iter([upload_row(0, photo(99))])))
    means = {tuple(np.round(mean_of(stubs, n), 4)) for n in (0, 99)}
    create(stubs, "depth", 4)

    weights = {"collar": 1.0, "body": 1.0}
    answer = stubs.search("p0", adjustments=[adjust("depth", units=0.0)], weights=weights)

    assert {tuple(np.round(mean, 4)) for mean in moved(answer)} == means
    assert answer.similar_products == stubs.search("p0", weights=weights).similar_products


def test_photo_and_moved_vector_find_the_same(stubs: Stubs):
    stubs.upload(30)
    create(stubs, "depth", 4)
    search = stubs.similarity.SearchSimilarProducts

    weights = [pb.FeatureWeight(feature="features/body", weight=1.0)]
    first = search(
        pb.SearchSimilarProductsRequest(
            content=photo(3),
            adjustments=[adjust("depth", units=1.0)],
            feature_weights=weights,
        )
    )
    vector = first.query_move.embeddings[0]
    again = search(pb.SearchSimilarProductsRequest(embedding=vector, feature_weights=weights))

    assert isinstance(vector, encoder_pb2.Embedding)
    assert again.similar_products == first.similar_products
    assert not again.HasField("query_move")


def test_numbers_rise_and_an_order_may_be_given(stubs: Stubs):
    stubs.upload(60)
    parts = fit_depth(stubs, 60, ("9", "10", "11"))
    start = f"p{np.flatnonzero(parts == 1)[0]}"

    def depth_after(*adjustments: pb.FeatureAdjustment) -> float:
        return float(moved(stubs.search(start, adjustments=adjustments))[0, 0])

    here = depth_after(adjust("depth", units=0.0))
    assert depth_after(adjust("depth", units=0.5)) > here
    assert depth_after(adjust("depth", units=0.5, order=["11", "9"])) < here


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (adjust("collar", units=1.0), "no axis"),
        (adjust("collar", value="v"), "was not fitted"),
        (adjust("collar"), "no target"),
        (adjust("collar", product="products/p1", share=-0.5), "share"),
        (adjust("collar", product="products/p1", share=float("nan")), "share"),
        (adjust("collar", product="products/p1", order=["a", "b"]), "order"),
        (adjust("depth", value="green"), "there are deep, flat, middle"),
        (adjust("depth", units=1.0), "in which order"),
        (adjust("depth", units=1.0, order=["deep"]), "two values"),
        (adjust("depth", units=1.0, order=["deep", "deep"]), "twice"),
        (adjust("depth", units=1.0, order=["deep", "green"]), "green"),
        (adjust("depth", units=float("nan"), order=["deep", "flat"]), "units"),
        (adjust("depth", units=1e9, order=["deep", "flat"]), "units"),
        (adjust("depth", units=1.0, share=0.5, order=["deep", "flat"]), "share"),
    ],
)
def test_adjustment_that_cannot_be_made_is_refused(
    fitted: Stubs, given: pb.FeatureAdjustment, complaint: str
):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", complaint):
        fitted.search("p0", adjustments=[given])


def test_feature_is_adjusted_once(stubs: Stubs):
    stubs.upload(3)
    twice = [adjust("collar", product="products/p1"), adjust("collar", product="products/p2")]

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "twice"):
        stubs.search("p0", adjustments=twice)


def test_unknown_feature_and_product_are_not_found(stubs: Stubs):
    stubs.upload(2)

    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "hem"):
        stubs.search("p0", adjustments=[adjust("hem", units=1.0)])
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "p9"):
        stubs.search("p0", adjustments=[adjust("collar", product="products/p9")])


def test_page_token_is_bound_to_the_adjustments(stubs: Stubs):
    stubs.upload(12)
    given = [adjust("collar", product="products/p1")]
    page = stubs.search("p0", adjustments=given, page_size=5)

    following = stubs.search("p0", adjustments=given, page_size=5, page_token=page.next_page_token)

    names = [h.product.name for p in (page, following) for h in p.similar_products]
    assert len(set(names)) == 10
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_STALE"):
        stubs.search("p0", page_size=5, page_token=page.next_page_token)
