import io

import grpc
import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from stylefacet.bundle import Bundle, write_bundle
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_pb2, feature_service_pb2
from stylefacet.v1 import encoder_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, connect, fails_with
from tests.tiny_bundle import tiny_bundle_parts

SCALE = 0.5  # of every feature of the tiny bundle
SLEEVE = slice(3, 5)


def pixels_of(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        assert picture.mode == "RGB"
        return np.asarray(picture)


def decoded(bundle: Bundle, mean: np.ndarray) -> np.ndarray:
    """What the tiny decoder draws, without the runtime: a sigmoid of a matrix product."""
    assert bundle.decoder is not None
    graph = onnx.load_from_string(bundle.decoder).graph
    back = next(numpy_helper.to_array(t) for t in graph.initializer if t.name == "back")
    levels = 255.0 / (1.0 + np.exp(-(mean @ back.astype(np.float64))))
    return np.asarray(levels.reshape(32, 24, 3))


def mean_of(stubs: Stubs, seed: int) -> np.ndarray:
    reply = stubs.encoder.EmbedImage(pb.EmbedImageRequest(content=photo(seed)))
    return np.array(reply.embedding.mean, np.float64)


def source(mean: np.ndarray, encoder: str = "encoders/default") -> pb.PictureSource:
    return pb.PictureSource(embedding=encoder_pb2.Embedding(encoder=encoder, mean=mean.tolist()))


def create(stubs: Stubs, name: str, *dimensions: int) -> None:
    request = feature_service_pb2.CreateFeatureRequest(feature_id=name)
    request.feature.dimensions.extend(dimensions)
    stubs.feature.CreateFeature(request)


def fit(stubs: Stubs, name: str, values: list[str]) -> None:
    examples = [
        feature_service_pb2.FeatureExample(product=f"products/p{n}", value=value)
        for n, value in enumerate(values)
    ]
    stubs.feature.FitFeature(
        feature_service_pb2.FitFeatureRequest(feature_id=name, examples=examples)
    )


def traverse(stubs: Stubs, feature: str, **fields) -> pb.TraverseFeatureResponse:
    request = pb.TraverseFeatureRequest(feature=f"features/{feature}", **fields)
    return stubs.encoder.TraverseFeature(request)


def means_of(traversal: pb.Traversal) -> np.ndarray:
    return np.array([f.frame.embedding.mean for f in traversal.frames], np.float64)


def test_product_photo_and_vector_are_drawn_alike(stubs: Stubs, tiny_bundle: Bundle):
    stubs.upload(1)
    mean = mean_of(stubs, 0)
    image = "products/p0/images/" + next(iter(stubs.image_ids("p0")))
    sources = [
        pb.PictureSource(product="products/p0"),
        pb.PictureSource(product_image=image),
        pb.PictureSource(content=photo(0)),
        source(mean),
    ]

    frames = [
        stubs.encoder.DecodeEmbedding(pb.DecodeEmbeddingRequest(source=s)).frame for s in sources
    ]

    expected = decoded(tiny_bundle, mean)
    assert len({frame.png for frame in frames}) == 1
    # The decoder cuts fractions of a grey level off.
    assert np.abs(pixels_of(frames[0].png) - expected).max() <= 1.001
    np.testing.assert_allclose(frames[0].embedding.mean, mean, rtol=1e-6)


def test_axis_is_traversed_in_deviations_of_the_catalogue(stubs: Stubs, tiny_bundle: Bundle):
    stubs.upload(30)
    items = np.stack([mean_of(stubs, n) for n in range(30)])
    create(stubs, "depth", 4)

    reply = traverse(stubs, "depth", source=source(items[3]), frame_count=5, reach=3.0)

    way = reply.traversals[0]
    places = items[:, 4].mean() + items[:, 4].std() * np.linspace(-3, 3, 5)
    expected = np.tile(items[3], (5, 1))
    expected[:, 4] = places
    np.testing.assert_allclose(means_of(way), expected, rtol=1e-4, atol=1e-5)
    scale = (2 * items[:, 4].var()) ** -0.5
    np.testing.assert_allclose(
        [f.offset for f in way.frames], scale * (places - items[3, 4]), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose([f.position for f in way.frames], np.linspace(-3, 3, 5))
    deviations = (items[3, 4] - items[:, 4].mean()) / items[:, 4].std()
    assert way.start_position == pytest.approx(deviations, rel=1e-4)
    drawn = pixels_of(way.frames[4].frame.png)
    assert np.abs(drawn - decoded(tiny_bundle, expected[4])).max() <= 1.001


def test_block_is_traversed_where_the_picture_changes_most(stubs: Stubs, tiny_bundle: Bundle):
    stubs.upload(30)
    items = np.stack([mean_of(stubs, n) for n in range(30)])

    reply = traverse(stubs, "sleeve", source=source(items[0]), direction_count=2)

    variances, principal = np.linalg.eigh(np.cov(items[:, SLEEVE].T, bias=True))
    strides = principal * np.sqrt(variances)
    tried = np.tile(items.mean(axis=0), (3, 1))
    tried[1:, SLEEVE] += strides.T
    pictures = np.floor([decoded(tiny_bundle, mean) for mean in tried]).reshape(3, -1)
    _, _, mixes = np.linalg.svd((pictures[1:] - pictures[0]).T, full_matrices=False)
    directions = (strides @ mixes.T).T
    moves = [(means_of(way)[-1] - means_of(way)[0])[SLEEVE] for way in reply.traversals]
    for found, expected in zip(moves, directions, strict=True):
        cosine = found @ expected / np.linalg.norm(found) / np.linalg.norm(expected)
        assert abs(cosine) == pytest.approx(1.0, abs=1e-4)
    others = np.delete(means_of(reply.traversals[0]), np.r_[SLEEVE], axis=1)
    np.testing.assert_allclose(others, np.tile(np.delete(items[0], np.r_[SLEEVE]), (7, 1)))


def test_value_frames_lie_at_the_means_of_the_values(stubs: Stubs):
    stubs.upload(60)
    items = np.stack([mean_of(stubs, n) for n in range(60)])
    thirds = np.argsort(np.argsort(items[:, 0])) // 20
    fit(stubs, "depth", [("low", "middle", "top")[third] for third in thirds])

    reply = traverse(stubs, "depth", source=source(items[5]))

    frames = reply.traversals[0].frames
    assert [frame.value for frame in frames] == ["low", "middle", "top"]
    found = means_of(reply.traversals[0])
    depths = found @ (items[thirds == 2].mean(axis=0) - items[thirds == 0].mean(axis=0))
    assert depths[0] < depths[1] < depths[2]
    assert all(frame.offset > 0 for frame in frames)


def test_fitted_feature_of_two_values_has_them_at_its_ends(stubs: Stubs):
    stubs.upload(40)
    depths = np.array([mean_of(stubs, n)[0] for n in range(40)])
    fit(stubs, "depth", ["shallow" if d < np.median(depths) else "deep" for d in depths])

    way = traverse(stubs, "depth").traversals[0]

    assert (way.low_value, way.high_value) == ("deep", "shallow")
    assert way.start_position == pytest.approx(0, abs=1e-4)
    assert means_of(way)[0, 0] > means_of(way)[-1, 0]


def test_order_gives_a_feature_of_many_values_an_axis(stubs: Stubs):
    stubs.upload(60)
    ranks = np.argsort(np.argsort([mean_of(stubs, n)[0] for n in range(60)])) // 20
    fit(stubs, "depth", [("x", "z", "y")[rank] for rank in ranks])

    way = traverse(stubs, "depth", order=["x", "z", "y"]).traversals[0]

    assert (way.low_value, way.high_value) == ("x", "y")
    depths = means_of(way)[:, 0]
    assert (np.diff(depths) > 0).all()


def test_small_catalogue_is_traversed_over_the_training_photos(stubs: Stubs):
    create(stubs, "depth", 4)

    reply = traverse(stubs, "depth", frame_count=3)

    # The tiny bundle's training photos have variance 1 in every dimension, about zero.
    expected = np.zeros((3, 8))
    expected[:, 4] = [-2, 0, 2]
    np.testing.assert_allclose(means_of(reply.traversals[0]), expected, atol=1e-6)


def test_interpolation_goes_straight(stubs: Stubs, tiny_bundle: Bundle):
    stubs.upload(2)
    first, last = mean_of(stubs, 0), mean_of(stubs, 1)
    request = pb.InterpolateEmbeddingsRequest(
        start=pb.PictureSource(product="products/p0"),
        end=pb.PictureSource(content=photo(1)),
        frame_count=5,
    )

    frames = stubs.encoder.InterpolateEmbeddings(request).frames

    means = np.array([frame.embedding.mean for frame in frames])
    shares = np.linspace(0, 1, 5)[:, None]
    np.testing.assert_allclose(means, first + shares * (last - first), rtol=1e-5, atol=1e-5)
    middle = decoded(tiny_bundle, (first + last) / 2)
    assert np.abs(pixels_of(frames[2].png) - middle).max() <= 1.001


@pytest.mark.parametrize(
    ("mean", "encoder", "code", "reason"),
    [
        (np.zeros(7), "encoders/default", "INVALID_ARGUMENT", "INVALID_FIELD"),
        (np.full(8, np.nan), "encoders/default", "INVALID_ARGUMENT", "INVALID_FIELD"),
        (np.full(8, np.inf), "encoders/default", "INVALID_ARGUMENT", "INVALID_FIELD"),
        (np.full(8, -1e30), "encoders/default", "INVALID_ARGUMENT", "INVALID_FIELD"),
        (np.zeros(8), "encoders/other", "FAILED_PRECONDITION", "ENCODER_MISMATCH"),
        (np.zeros(8), "", "INVALID_ARGUMENT", "INVALID_FIELD"),
    ],
)
def test_vector_that_cannot_be_drawn_is_refused(
    stubs: Stubs, mean: np.ndarray, encoder: str, code: str, reason: str
):
    with fails_with(grpc.StatusCode[code], reason):
        stubs.encoder.DecodeEmbedding(pb.DecodeEmbeddingRequest(source=source(mean, encoder)))


def test_missing_source_is_told_by_its_field(stubs: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "source: is missing"):
        stubs.encoder.DecodeEmbedding(pb.DecodeEmbeddingRequest())
    request = pb.InterpolateEmbeddingsRequest(start=source(np.zeros(8)))
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "end: is missing"):
        stubs.encoder.InterpolateEmbeddings(request)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"frame_count": 1}, "frame_count"),
        ({"frame_count": 22}, "frame_count"),
        ({"frame_count": 21, "direction_count": 8}, "84"),
        ({"direction_count": 9}, "direction_count"),
        ({"reach": -1.0}, "reach"),
        ({"reach": float("nan")}, "reach"),
        ({"reach": 7.0}, "reach"),
        ({"order": ["a", "b"]}, "order"),
        ({"path": pb.TraverseFeatureRequest.VALUES}, "path"),
        ({"path": 9}, "path"),
    ],
)
def test_traversal_out_of_bounds_is_refused(stubs: Stubs, fields: dict, complaint: str):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", complaint):
        traverse(stubs, "collar", **fields)


def test_unknown_feature_and_product_are_not_found(stubs: Stubs):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "hem"):
        traverse(stubs, "hem")
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "p9"):
        traverse(stubs, "collar", source=pb.PictureSource(product="products/p9"))


def test_feature_that_is_not_carried_is_not_drawn(stubs: Stubs):
    stubs.upload(40)
    fit(stubs, "luck", [str(n % 2) for n in np.random.default_rng(3).permutation(40)])

    with fails_with(grpc.StatusCode.FAILED_PRECONDITION, "FEATURE_NOT_CARRIED"):
        traverse(stubs, "luck")


def test_encoder_without_a_decoder_says_so(settings: Settings, tmp_path):
    bundle = write_bundle(tmp_path / "blind", **(tiny_bundle_parts(seed=0) | {"decoder": None}))
    blind = Server(Settings(data_dir=tmp_path / "d", bundle=bundle.path, address=settings.address))
    blind.start()
    try:
        with connect(blind.address) as stubs:
            for call in (
                lambda: stubs.encoder.DecodeEmbedding(
                    pb.DecodeEmbeddingRequest(source=source(np.zeros(8)))
                ),
                lambda: traverse(stubs, "collar"),
            ):
                with fails_with(grpc.StatusCode.FAILED_PRECONDITION, "DECODER_MISSING"):
                    call()
    finally:
        blind.stop()
