import grpc
import pytest

from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import feature_pb2
from stylefacet.v1 import feature_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, connect, fails_with, upload_row


def create(stubs: Stubs, name: str, dimensions: list[int], block: str = "") -> feature_pb2.Feature:
    return stubs.feature.CreateFeature(
        pb.CreateFeatureRequest(
            feature_id=name, feature=feature_pb2.Feature(dimensions=dimensions), block=block
        )
    )


def test_blocks_are_features_from_the_start(stubs: Stubs):
    features = stubs.feature.ListFeatures(pb.ListFeaturesRequest()).features

    assert [feature.name for feature in features] == [
        "features/body",
        "features/collar",
        "features/sleeve",
    ]
    assert {feature.origin for feature in features} == {feature_pb2.Feature.BUNDLED}
    assert list(features[1].dimensions) == [0, 1, 2]


def test_created_feature_can_be_searched_at_once(stubs: Stubs):
    stubs.upload(30)
    create(stubs, "sheen", [1, 6])

    hits = stubs.search("p0", weights={"sheen": 1}, page_size=3).similar_products

    assert hits[0].feature_distances[0].feature == "features/sheen"


def test_scale_makes_the_mean_squared_distance_one(stubs: Stubs):
    stubs.upload(30)
    create(stubs, "sheen", [1, 6])

    distances = [
        hit.squared_distance
        for n in range(30)
        for hit in stubs.search(f"p{n}", weights={"sheen": 1}, page_size=50).similar_products
    ]

    # Each of 30 items against the 29 others; an item and itself count in the population's mean.
    assert sum(distances) / 30**2 == pytest.approx(1, rel=1e-3)


def test_small_catalogue_takes_the_scale_of_the_training_photos(stubs: Stubs):
    feature = create(stubs, "sheen", [1, 6])

    assert feature.scale == pytest.approx((2 * (1.0 + 1.0)) ** -0.5)


def test_feature_of_a_block_has_its_dimensions(stubs: Stubs):
    assert list(create(stubs, "neck", [], "collar").dimensions) == [0, 1, 2]


def test_created_feature_outlives_a_restart(settings: Settings):
    for expected in ([], ["features/sheen"]):
        server = Server(settings)
        server.start()
        with connect(server.address) as stubs:
            features = stubs.feature.ListFeatures(pb.ListFeaturesRequest()).features
            created = [f.name for f in features if f.origin == feature_pb2.Feature.CREATED]
            if not expected:
                create(stubs, "sheen", [1])
        server.stop()
        assert created == expected


def test_deleted_feature_cannot_be_searched(stubs: Stubs):
    stubs.upload(3)
    create(stubs, "sheen", [1])
    stubs.feature.DeleteFeature(pb.DeleteFeatureRequest(name="features/sheen"))

    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "sheen"):
        stubs.search("p0", weights={"sheen": 1})


def test_bundled_feature_cannot_be_deleted(stubs: Stubs):
    with fails_with(grpc.StatusCode.FAILED_PRECONDITION, "FEATURE_BUNDLED"):
        stubs.feature.DeleteFeature(pb.DeleteFeatureRequest(name="features/collar"))


@pytest.mark.parametrize(
    ("dimensions", "block"),
    [([], ""), ([8], ""), ([-1], ""), ([1, 1], ""), ([1], "collar"), ([], "pockets")],
)
def test_feature_of_no_dimensions_or_wrong_ones_is_refused(
    stubs: Stubs, dimensions: list[int], block: str
):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        create(stubs, "sheen", dimensions, block)


@pytest.mark.parametrize("name", ["collar", "sheen"])
def test_taken_name_is_refused(stubs: Stubs, name: str):
    create(stubs, "sheen", [1])

    with fails_with(grpc.StatusCode.ALREADY_EXISTS, "RESOURCE_EXISTS"):
        create(stubs, name, [2])


def test_feature_in_which_the_catalogue_does_not_differ_is_not_carried(stubs: Stubs):
    same = [upload_row(number, photo(7)) for number in range(25)]
    list(stubs.catalog.UploadProducts(iter(same)))

    with fails_with(grpc.StatusCode.FAILED_PRECONDITION, "FEATURE_NOT_CARRIED", "sheen"):
        create(stubs, "sheen", [1])
