"""The four networks of listings 1 to 4 of the SSY098 project report, for 28x28 grey digits.

Knows no data and no loss. "Same" is MATLAB's: a strided convolution gives its input's size over
the stride, a transposed one its input's size times the stride. In listing 3 dropoutLayer takes the
share that is *dropped*, and is given ``keep_prob``: ``dropout`` is that share.
"""

from torch import Tensor, nn

from stylefacet.bundle import LatentBlock
from stylefacet.errors import SettingInvalid
from stylefacet_training.models.base import PixelModel, Posterior
from stylefacet_training.models.normalised import normalised

SIDE_PX = 28
FLAT = 7 * 7 * 64
NETWORKS = (1, 2, 3, 4)


class DigitsVae(PixelModel):
    """One of the four networks; ``given_dims`` are inputs of the decoder beside the code.

    ``batch_norm`` puts batch normalisation into the decoder, which no listing has.
    """

    def __init__(
        self,
        network: int,
        latent_dims: int = 2,
        *,
        dropout: float = 0.2,
        given_dims: int = 0,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        if network not in NETWORKS:
            raise SettingInvalid("network", f"{network} is none of {NETWORKS}")
        self.height_px = self.width_px = SIDE_PX
        self.channels = 1
        self.blocks = (LatentBlock("latent", 0, latent_dims),)
        self.encoder = _encoder(network, 2 * latent_dims, dropout)
        decoder = _decoder(network, latent_dims + given_dims, dropout)
        self.decoder = normalised(decoder) if batch_norm else decoder

    def encode_unit(self, unit: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, 28, 28, 1)`` in 0..1."""
        mean, logvar = self.encoder(unit.permute(0, 3, 1, 2)).chunk(2, dim=1)
        return Posterior(mean, logvar)

    def decode_logits(self, z: Tensor) -> Tensor:
        """Returns ``(b, 28, 28, 1)`` logits of the pixel values in 0..1."""
        logits: Tensor = self.decoder(z[:, :, None, None])  # (b, d) -> (b, d, 1, 1)
        return logits.permute(0, 2, 3, 1)


def _encoder(network: int, outputs: int, dropout: float) -> nn.Sequential:
    if network == 4:
        return nn.Sequential(
            nn.Flatten(), nn.Linear(SIDE_PX**2, 512), nn.ReLU(), nn.Linear(512, outputs)
        )
    if network == 3:
        return nn.Sequential(
            *(nn.Conv2d(1, 64, 4, 2, padding=1), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Conv2d(64, 64, 4, 2, padding=1), nn.ReLU(), nn.Dropout(dropout)),
            # An even filter: "same" pads one side more.
            *(nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(64, 64, 4), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Flatten(), nn.Linear(FLAT, outputs)),
        )
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, 2, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3, 2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(FLAT, outputs)),
    )


def _decoder(network: int, inputs: int, dropout: float) -> nn.Sequential:
    begin = nn.ConvTranspose2d(inputs, 64, 7, 7)  # 1x1 -> 7x7
    if network == 3:
        return nn.Sequential(
            *(begin, nn.Dropout(dropout), nn.ReLU()),
            *(nn.ConvTranspose2d(64, 32, 4, 2, padding=1), nn.Dropout(dropout), nn.ReLU()),
            nn.ConvTranspose2d(32, 1, 4, 2, padding=1),
        )
    if network == 2:
        return nn.Sequential(
            *(begin, nn.ReLU()),
            *(_doubling(64, 64), nn.ReLU()),
            *(_doubling(64, 32), nn.ReLU()),
            nn.ConvTranspose2d(32, 1, 3, padding=1),
        )
    return nn.Sequential(begin, nn.ReLU(), _doubling(64, 32), nn.ReLU(), _doubling(32, 1))


def _doubling(c_in: int, c_out: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(c_in, c_out, 3, 2, padding=1, output_padding=1)
