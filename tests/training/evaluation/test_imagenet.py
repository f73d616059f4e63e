import numpy as np
import pytest

from stylefacet_training.evaluation import imagenet


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, size=(2, imagenet.HEIGHT_PX, imagenet.WIDTH_PX, 3), dtype=np.uint8)


def test_features_are_means_and_maxima_that_tell_pictures_apart(pixels, tmp_path, capsys):
    pixels[1] = 200

    features = imagenet.imagenet_features(pixels, tmp_path)

    means, maxima = np.split(features, 2, axis=1)
    assert features.shape == (2, imagenet.DIMENSION_COUNT)
    assert (maxima >= means).all()
    assert np.abs(features[0] - features[1]).max() > 0.5
    assert capsys.readouterr().out == ""


def test_kept_features_are_read_again_for_the_same_pictures_alone(pixels, tmp_path, monkeypatch):
    first = imagenet.imagenet_features(pixels, tmp_path)
    monkeypatch.setattr(imagenet, "_compute", lambda pixels, advance: np.zeros_like(first))

    again = imagenet.imagenet_features(pixels, tmp_path)
    other = imagenet.imagenet_features(255 - pixels, tmp_path)

    assert np.array_equal(again, first)
    assert not other.any()
