"""The network of tables 4.1 to 4.3 of the thesis on t-shirts and tops; knows no data, no loss.

Two readings, where the tables cannot be meant literally: the layer called z-std has no activation,
so it is taken as the logarithm of the variance, which may have any sign; and the last
deconvolution has no ReLU, because its output is a logit and a logit of a dark pixel is negative.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from stylefacet.bundle import LatentBlock
from stylefacet.errors import SettingInvalid
from stylefacet_training.models.base import PixelModel, Posterior
from stylefacet_training.models.normalised import normalised

CHANNELS = (3, 8, 16, 32, 64, 128)
KERNEL_PX = 5
STRIDE = 2
# The logit of a pixel value of 0.18.
DARK_LOGIT = -1.5
SHRINKAGE = STRIDE ** (len(CHANNELS) - 1)


class ThesisVae(PixelModel):
    """Five convolutions, one latent vector, five deconvolutions; 96x64 pixels in the thesis.

    Any size that five halvings divide will do; the flat layer grows with it (768 at 96x64).
    ``given_dims`` are inputs of the decoder beside the latent vector; ``batch_norm`` puts batch
    normalisation into it, which the tables do not have.
    """

    def __init__(
        self,
        latent_dims: int,
        height_px: int = 96,
        width_px: int = 64,
        *,
        given_dims: int = 0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        for name, side_px in (("height_px", height_px), ("width_px", width_px)):
            if side_px % SHRINKAGE:
                raise SettingInvalid(name, f"must be a multiple of {SHRINKAGE}, not {side_px}")
        self.height_px = height_px
        self.width_px = width_px
        self.blocks = (LatentBlock("latent", 0, latent_dims),)
        # (channels, height, width) of the last convolution's output: (128, 3, 2) at 96x64.
        self.map_shape = (CHANNELS[-1], height_px // SHRINKAGE, width_px // SHRINKAGE)
        flat = self.map_shape[0] * self.map_shape[1] * self.map_shape[2]

        convolutions: list[nn.Module] = []
        for c_in, c_out in pairwise(CHANNELS):
            convolutions += [nn.Conv2d(c_in, c_out, KERNEL_PX, STRIDE, padding=2), nn.ReLU()]
        self.convolutions = nn.Sequential(*convolutions)
        self.z_mean = nn.Linear(flat, latent_dims)
        self.z_logvar = nn.Linear(flat, latent_dims)

        self.unflatten: nn.Module = nn.Linear(latent_dims + given_dims, flat)
        deconvolutions: list[nn.Module] = []
        for c_in, c_out in pairwise(reversed(CHANNELS)):
            # output_padding makes each output exactly twice its input, as the table has it.
            deconvolutions += [
                nn.ConvTranspose2d(c_in, c_out, KERNEL_PX, STRIDE, padding=2, output_padding=1),
                nn.ReLU(),
            ]
        self.deconvolutions = nn.Sequential(*deconvolutions[:-1])
        self.apply(_initialise)
        _darken(self.deconvolutions[-1])
        if batch_norm:
            self.unflatten = nn.Sequential(self.unflatten, nn.BatchNorm1d(flat))
            self.deconvolutions = normalised(self.deconvolutions)

    def encode_unit(self, unit: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, h, w, 3)`` in 0..1."""
        x = unit.permute(0, 3, 1, 2)  # (b, 3, h, w), channels last in memory
        flat = self.convolutions(x).flatten(1)  # (b, 128, h/32, w/32) -> (b, flat)
        return Posterior(self.z_mean(flat), self.z_logvar(flat))

    def decode_logits(self, z: Tensor) -> Tensor:
        """Returns ``(b, h, w, 3)`` logits of the pixel values in 0..1."""
        flat = torch.relu(self.unflatten(z))
        x = flat.view(-1, *self.map_shape)  # (b, flat) -> (b, 128, h/32, w/32)
        x = x.contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.deconvolutions(x)  # (b, 3, h, w)
        return logits.permute(0, 2, 3, 1)


def _initialise(layer: nn.Module) -> None:
    """Sets the weights a layer begins with so that signals keep their size through the ReLUs.

    Source: He et al. 2015, equation 10.
    """
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    elif isinstance(layer, nn.ConvTranspose2d):
        # With stride 2 an output pixel meets a quarter of the filter's weights.
        met = layer.in_channels * KERNEL_PX**2 / STRIDE**2
        nn.init.normal_(layer.weight, std=(2.0 / met) ** 0.5)
    elif isinstance(layer, nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _darken(last: nn.Module) -> None:
    """Lets the decoder begin from a dark page, so that a garment is painted and not left blank.

    The thesis states no initial values. With PyTorch's or TensorFlow's, most runs end with all last
    ReLUs silent inside the garment: every pixel there shows the last bias, and black stays grey.
    Generation loss after 8 epochs on 2,556 photos (batch 50, beta 1): TensorFlow's 6,575 to 7,075
    in four runs, He's 6,461 to 6,958 in five, He's with this bias 6,551 to 6,612 in four.
    """
    assert isinstance(last, nn.ConvTranspose2d)
    assert last.bias is not None
    nn.init.constant_(last.bias, DARK_LOGIT)
