"""Parameter counts against the source documents' tables and listings."""

import pytest
import torch
from torch import nn

from stylefacet_training.models.deep import DeepVae, PosteriorSubnetworks
from stylefacet_training.models.digits import DigitsVae


def weight_count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("subnetworks", "latent_dims", "count"),
    [
        (False, 256, 20_651_203),
        (False, 512, 37_822_403),
        (False, 1024, 72_951_235),
        (True, 256, 21_057_731),
        (True, 512, 39_421_891),
        (True, 1024, 79_295_939),
    ],
)
def test_deep_vaes_have_the_parameters_of_table_5_4(subnetworks, latent_dims, count):
    with torch.device("meta"):
        model = DeepVae(latent_dims, subnetworks=subnetworks)

    assert weight_count(model) == count


def test_grouped_subnetworks_give_what_they_give_one_by_one():
    torch.manual_seed(0)
    posterior = PosteriorSubnetworks(latent_dims=6)
    x = torch.randn(5, 6)

    together, apart = posterior(x), posterior.one_by_one(x)

    torch.testing.assert_close(together.mean, apart.mean)
    torch.testing.assert_close(together.logvar, apart.logvar)


# The printed counts of the encoders of networks 1 to 3 (21,380, 21,124, 136,644) and of the
# decoder of network 3 (72,961) are not those of the listings beside them, which are built here.
@pytest.mark.parametrize(
    ("network", "encoder", "decoder"),
    [
        (1, 31_364, 25_089),
        (2, 31_364, 62_017),
        (3, 144_836, 39_649),
        (4, 403_972, 25_089),
    ],
)
def test_digit_networks_have_the_parameters_of_their_listings(network, encoder, decoder):
    model = DigitsVae(network)

    assert (weight_count(model.encoder), weight_count(model.decoder)) == (encoder, decoder)


@pytest.mark.parametrize("network", [1, 2, 3, 4])
def test_digits_come_back_in_the_size_they_went_in(network):
    model = DigitsVae(network).eval()
    pixels = torch.randint(0, 256, (2, 28, 28, 1), dtype=torch.uint8)

    assert model.decode(model.encode(pixels).mean).shape == (2, 28, 28, 1)
