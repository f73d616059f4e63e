"""The vanilla VAE and the variant with a sub-network a latent dimension, for 256x256 pixels.

Source: thesis on log ends, tables 5.2 to 5.4 and figure 5.15. Knows no data and no loss. The last
layer's ReLU is read as the end of the listing of all layers' activation, not literally: here it is
a logit, so that a pixel may come from either side.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet.bundle import LatentBlock
from stylefacet_training.models.base import PixelModel, Posterior

SIDE_PX = 256
ENCODER_CHANNELS = (3, 32, 64, 128, 256, 512)
DECODER_CHANNELS = (128, 512, 256, 128, 64)
FLAT = 8 * 8 * 512
# Units of the two layers of a sub-network.
SUBNETWORK = (8, 4)


class PosteriorPair(nn.Module):
    """Mean and logarithm of the variance, each from one dense layer: the vanilla VAE."""

    def __init__(self, latent_dims: int) -> None:
        super().__init__()
        self.mean = nn.Linear(latent_dims, latent_dims)
        self.logvar = nn.Linear(latent_dims, latent_dims)

    def forward(self, x: Tensor) -> Posterior:
        """Returns the posterior of features ``(b, d)``."""
        return Posterior(self.mean(x), self.logvar(x))


class PosteriorSubnetworks(nn.Module):
    """A network of 8 and 4 units for every latent dimension: the variant.

    All of them run at once, as convolutions of one pixel with a group a dimension; looped over
    one by one they took the thesis 29 times the vanilla VAE's time.
    """

    def __init__(self, latent_dims: int) -> None:
        super().__init__()
        first, second = SUBNETWORK
        d = latent_dims
        self.first = nn.Linear(d, d * first)
        self.second = nn.Conv1d(d * first, d * second, 1, groups=d)
        self.mean = nn.Conv1d(d * second, d, 1, groups=d)
        self.logvar = nn.Conv1d(d * second, d, 1, groups=d)

    def forward(self, x: Tensor) -> Posterior:
        """Returns the posterior of features ``(b, d)``."""
        h = functional.relu(self.first(x))[..., None]  # (b, 8 d, 1)
        h = functional.relu(self.second(h))  # (b, 4 d, 1)
        return Posterior(self.mean(h)[..., 0], self.logvar(h)[..., 0])

    def one_by_one(self, x: Tensor) -> Posterior:
        """Returns the same, one sub-network after the other as the thesis runs them."""
        first, second = SUBNETWORK
        means, logvars = [], []
        for j in range(self.mean.out_channels):
            a, b = slice(j * first, (j + 1) * first), slice(j * second, (j + 1) * second)
            h = functional.relu(functional.linear(x, self.first.weight[a], self.first.bias[a]))
            h = functional.relu(_dense(self.second, b, h))
            means.append(_dense(self.mean, slice(j, j + 1), h))
            logvars.append(_dense(self.logvar, slice(j, j + 1), h))
        return Posterior(torch.cat(means, 1), torch.cat(logvars, 1))


class DeepVae(PixelModel):
    """The vanilla VAE; with ``subnetworks`` the variant, which differs in its posterior alone."""

    def __init__(self, latent_dims: int, *, subnetworks: bool) -> None:
        super().__init__()
        self.height_px = self.width_px = SIDE_PX
        self.blocks = (LatentBlock("latent", 0, latent_dims),)
        convolutions: list[nn.Module] = []
        for c_in, c_out in pairwise(ENCODER_CHANNELS):
            convolutions += [nn.Conv2d(c_in, c_out, 3, 2, padding=1), nn.ReLU()]
        self.convolutions = nn.Sequential(*convolutions)
        self.dense = nn.Linear(FLAT, latent_dims)
        self.posterior = (
            PosteriorSubnetworks(latent_dims) if subnetworks else PosteriorPair(latent_dims)
        )
        self.unflatten = nn.Linear(latent_dims, FLAT)
        deconvolutions: list[nn.Module] = []
        for c_in, c_out in pairwise(DECODER_CHANNELS):
            doubling = nn.ConvTranspose2d(c_in, c_out, 3, 2, padding=1, output_padding=1)
            deconvolutions += [doubling, nn.ReLU()]
        last = nn.ConvTranspose2d(DECODER_CHANNELS[-1], 3, 3, padding=1)
        self.deconvolutions = nn.Sequential(*deconvolutions, last)

    def encode_unit(self, unit: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, 256, 256, 3)`` in 0..1."""
        x = unit.permute(0, 3, 1, 2)
        posterior: Posterior = self.posterior(self.dense(self.convolutions(x).flatten(1)))
        return posterior

    def decode_logits(self, z: Tensor) -> Tensor:
        """Returns ``(b, 256, 256, 3)`` logits of the pixel values in 0..1."""
        maps = torch.relu(self.unflatten(z)).view(-1, 128, 16, 16)  # (b, 32768)
        logits: Tensor = self.deconvolutions(maps.contiguous(memory_format=torch.channels_last))
        return logits.permute(0, 2, 3, 1)


def _dense(layer: nn.Conv1d, rows: slice, x: Tensor) -> Tensor:
    """Returns what a grouped convolution gives at some of its outputs, as a dense layer."""
    assert layer.bias is not None
    return functional.linear(x, layer.weight[rows, :, 0], layer.bias[rows])
