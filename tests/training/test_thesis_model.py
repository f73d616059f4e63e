"""The network against tables 4.1 to 4.3 of the thesis; sizes there are height x width x depth."""

import pytest
import torch
from torch import nn

from stylefacet.errors import SettingInvalid
from stylefacet_training.models.thesis import ThesisVae

ENCODER_TABLE = [(48, 32, 8), (24, 16, 16), (12, 8, 32), (6, 4, 64), (3, 2, 128)]
DECODER_TABLE = [(6, 4, 64), (12, 8, 32), (24, 16, 16), (48, 32, 8), (96, 64, 3)]


@pytest.fixture
def model() -> ThesisVae:
    torch.manual_seed(0)
    return ThesisVae(latent_dims=10)


def output_sizes(layers: nn.Sequential, x: torch.Tensor) -> list[tuple[int, ...]]:
    """Returns (height, width, depth) after each layer that has weights."""
    sizes = []
    for layer in layers:
        x = layer(x)
        if not isinstance(layer, nn.ReLU):
            sizes.append((*x.shape[2:], x.shape[1]))
    return sizes


def test_convolutions_give_the_sizes_of_table_4_1(model):
    assert output_sizes(model.convolutions, torch.zeros(1, 3, 96, 64)) == ENCODER_TABLE


def test_latent_layers_have_the_sizes_of_table_4_2(model):
    assert model.z_mean.weight.shape == (10, 768)
    assert model.z_logvar.weight.shape == (10, 768)
    assert model.unflatten.weight.shape == (768, 10)


def test_deconvolutions_give_the_sizes_of_table_4_3(model):
    assert output_sizes(model.deconvolutions, torch.zeros(1, 128, 3, 2)) == DECODER_TABLE


def test_filters_are_five_by_five_with_stride_two(model):
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]

    assert len(layers) == 10
    assert {layer.kernel_size for layer in layers} == {(5, 5)}
    assert {layer.stride for layer in layers} == {(2, 2)}


def test_weight_count_follows_from_the_tables(model):
    encoder = sum(25 * i * o + o for i, o in [(3, 8), (8, 16), (16, 32), (32, 64), (64, 128)])
    decoder = sum(25 * i * o + o for i, o in [(128, 64), (64, 32), (32, 16), (16, 8), (8, 3)])
    latent = 2 * (768 * 10 + 10) + 10 * 768 + 768

    assert sum(p.numel() for p in model.parameters()) == encoder + latent + decoder


def test_pictures_come_back_in_the_size_and_range_they_went_in(model):
    pixels = torch.randint(0, 256, (2, 96, 64, 3), dtype=torch.uint8)

    decoded = model.decode(model.encode(pixels).mean)

    assert decoded.shape == (2, 96, 64, 3)
    assert 0.0 <= decoded.min() <= decoded.max() <= 1.0


def test_a_size_that_five_halvings_do_not_divide_is_refused():
    with pytest.raises(SettingInvalid, match="multiple of 32"):
        ThesisVae(latent_dims=10, height_px=100, width_px=64)
