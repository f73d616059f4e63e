import numpy as np
import pytest
import torch

from stylefacet.bundle import LatentBlock, read_bundle
from stylefacet.errors import FeatureNotCarried, InvalidField, ResourceMissing
from stylefacet.inference import Decoder, Encoder
from stylefacet_training.export import (
    DimensionsFeature,
    block_features,
    dimensions_feature,
    export,
    read_features,
)
from stylefacet_training.recipes import load_model
from stylefacet_training.runs import RunFolder, load_checkpoint, load_population

# Float32 sums in another order; the issue allows as much.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model(tiny_run):
    checkpoint = load_checkpoint(tiny_run)
    return load_model(checkpoint.config, checkpoint.model)


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_the_exported_encoder_equals_the_trained_one(tiny_trained_bundle, model, batch_size):
    rng = np.random.default_rng(batch_size)
    pixels = rng.integers(0, 256, (batch_size, 32, 32, 3), dtype=np.uint8)

    found = Encoder(tiny_trained_bundle).embed(pixels)

    with torch.no_grad():
        expected = model.encode(torch.from_numpy(pixels))
    np.testing.assert_allclose(found.mean, expected.mean, atol=TOLERANCE)
    np.testing.assert_allclose(found.logvar, expected.logvar, atol=TOLERANCE)
    assert found.novelty.shape == (batch_size,)


@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_the_exported_decoder_equals_the_trained_one(tiny_trained_bundle, model, batch_size):
    z = np.random.default_rng(batch_size).standard_normal((batch_size, 4)).astype(np.float32)

    found = Decoder(tiny_trained_bundle).decode(z)

    with torch.no_grad():
        expected = model.decode(torch.from_numpy(z)).numpy() * 255
    # Half a grey level is lost in rounding to whole ones.
    assert np.abs(found - expected).max() <= 0.5 + 255 * TOLERANCE


def test_novelty_is_one_at_the_99th_percentile_of_training_and_grows_outside(
    tiny_trained_bundle, tiny_run, photos
):
    encoder = Encoder(tiny_trained_bundle)
    known = encoder.letterbox((photos / "000.jpg").read_bytes()).pixels
    noise = np.random.default_rng(0).integers(0, 256, known.shape, dtype=np.uint8)

    novelty = encoder.embed(np.stack([known, noise])).novelty

    assert tiny_trained_bundle.manifest.novelty_p99 == 1.0
    assert novelty[0] < novelty[1]


def test_a_block_feature_has_mean_squared_distance_one_over_the_training_photos(
    tiny_trained_bundle, tiny_run
):
    mean = load_population(tiny_run).mean.astype(np.float64)
    (feature,) = tiny_trained_bundle.manifest.features

    coordinates = feature.scale * mean @ np.array(feature.matrix).T

    gaps = coordinates[:, None] - coordinates[None]
    assert np.square(gaps).sum(axis=2).mean() == pytest.approx(1.0)


def test_the_manifest_says_how_the_encoder_came_about(tiny_trained_bundle):
    manifest = tiny_trained_bundle.manifest

    assert manifest.config["seed"] == 0
    (source,) = manifest.config["data"]
    assert source.startswith("photos")
    assert "/" not in source
    assert manifest.licence == "not stated"
    assert manifest.quality["validation_generation"] > 0
    assert manifest.commit


def test_the_card_shows_the_pictures_beside_it(tiny_trained_bundle):
    card = (tiny_trained_bundle.path / "card.md").read_text()

    for name in ("traversal.png", "samples.png", "reconstructions.png"):
        assert f"]({name})" in card
        assert (tiny_trained_bundle.path / name).read_bytes().startswith(b"\x89PNG")


def test_a_bundle_is_read_back_as_it_was_written(tiny_trained_bundle):
    again = read_bundle(tiny_trained_bundle.path)

    assert again.id == tiny_trained_bundle.id
    assert len(again.golden) == 4


def test_a_run_that_has_not_ended_is_not_exported(tiny_run, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.checkpoint.write_bytes(tiny_run.checkpoint.read_bytes())

    with pytest.raises(ResourceMissing, match="--resume"):
        export(run, tmp_path / "bundle", name="half")


def test_features_are_read_from_toml(tmp_path):
    path = tmp_path / "features.toml"
    path.write_text('[sleeve]\ndisplay_name = "Sleeve length"\ndimensions = [3, 1]\n')

    assert read_features(path) == (DimensionsFeature("sleeve", "Sleeve length", (3, 1)),)


@pytest.mark.parametrize(
    "text", ["[sleeve]\n", "sleeve = 3\n", "[sleeve]\ndimensions = ['a']\n", "not toml"]
)
def test_a_malformed_features_file_is_refused(tmp_path, text):
    path = tmp_path / "features.toml"
    path.write_text(text)

    with pytest.raises(InvalidField, match="features"):
        read_features(path)


@pytest.mark.parametrize("dimensions", [(), (4,), (-1,), (1, 1)])
def test_dimensions_that_are_not_there_are_refused(dimensions):
    mean = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)

    with pytest.raises(InvalidField, match="dimension"):
        dimensions_feature(DimensionsFeature("sleeve", "Sleeve", dimensions), mean)


def test_a_feature_on_a_collapsed_dimension_is_refused():
    mean = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
    mean[:, 2] = 0.1

    with pytest.raises(FeatureNotCarried, match="hue"):
        dimensions_feature(DimensionsFeature("hue", "Hue", (2,)), mean)


def test_a_collapsed_block_is_told_at_export():
    mean = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
    mean[:, 2:] = 0.1
    blocks = (LatentBlock("collar", 0, 2), LatentBlock("sleeve", 2, 4))

    with pytest.raises(FeatureNotCarried, match=r"'sleeve'.*more photos"):
        block_features(blocks, mean)
