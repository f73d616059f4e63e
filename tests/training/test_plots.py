import io
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from PIL import Image

from stylefacet_training.models.thesis import ThesisVae
from stylefacet_training.plots import reconstructions, samples, traversal
from stylefacet_training.runs import RunFolder


@pytest.fixture
def model() -> ThesisVae:
    torch.manual_seed(0)
    return ThesisVae(latent_dims=3).eval()


def size(png: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(png)).size


def test_a_traversal_has_a_row_a_dimension_and_a_column_a_value(model):
    mean = np.random.default_rng(0).standard_normal((10, 3)).astype(np.float32)

    width_px, height_px = size(traversal(model, mean))

    assert height_px >= 3 * 96
    assert width_px >= 7 * 64


def test_a_traversal_moves_one_dimension_from_the_mean_of_the_photos(model, monkeypatch):
    decode = Mock(side_effect=model.decode)
    monkeypatch.setattr(model, "decode", decode)
    mean = np.array([[0.0, 5.0, 2.0], [4.0, 5.0, 2.0]], dtype=np.float32)

    traversal(model, mean)

    codes = decode.call_args_list[0].args[0]
    assert codes.tolist() == [[value, 5.0, 2.0] for value in (-3, -2, -1, 0, 1, 2, 3)]


def test_reconstructions_show_five_pictures_a_pair(model):
    photos = np.random.default_rng(0).integers(0, 256, (4, 96, 64, 3), dtype=np.uint8)

    width_px, height_px = size(reconstructions(model, photos))

    assert width_px >= 5 * 64
    assert 2 * 96 <= height_px < 3 * 96


def test_samples_follow_from_their_seed(model):
    first, same, other = (samples(model, seed=seed) for seed in (1, 1, 2))

    assert first == same
    assert first != other


def test_a_run_leaves_its_plots(tiny_run: RunFolder):
    names = {path.name for path in tiny_run.plots.iterdir()}

    assert names == {"traversal.png", "samples.png", "reconstructions.png"}
