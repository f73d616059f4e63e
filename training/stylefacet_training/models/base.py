"""What train.py, plots.py and export.py need of a network; knows no data and no loss."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stylefacet.bundle import LatentBlock


@dataclass(frozen=True, slots=True)
class Posterior:
    """The diagonal normal distributions that an encoder returns, a row a picture.

    ``mean`` and ``logvar`` are ``(b, d)``; ``logvar`` is the natural logarithm of the variance.
    """

    mean: Tensor
    logvar: Tensor

    def sample(self) -> Tensor:
        """Returns one draw a row, ``(b, d)``, from torch's global generator."""
        return self.mean + torch.exp(0.5 * self.logvar) * torch.randn_like(self.mean)


class VariationalModel(nn.Module, ABC):
    """An encoder and its decoder.

    Everything after the letterbox lies inside: ``encode`` takes the uint8 pixels a bundle's
    encoder takes, so that scaling, cropping and the networks are exported as one graph. Both
    methods must export with ``torch.onnx.export(dynamo=True)`` at any batch size.

    ``blocks`` are disjoint, named ranges of latent dimensions that cover all of them.
    ``foreign_weights`` names weights that were not trained here, and their licence.
    """

    height_px: int
    width_px: int
    channels: int = 3
    blocks: tuple[LatentBlock, ...]
    foreign_weights: str = ""

    @property
    def latent_dims(self) -> int:
        """The size d of the latent vector."""
        return self.blocks[-1].end

    @abstractmethod
    def encode(self, pixels: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, h, w, 3)`` uint8 RGB."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """Returns the pictures ``(b, h, w, 3)`` float in 0..1 of latent vectors ``(b, d)``."""

    def decode_region(self, block: str, z: Tensor) -> Tensor:
        """Returns what a block is about, as near as the decoder shows it: ``(b, h, w, 3)`` in 0..1.

        The default is the whole picture.
        """
        return self.decode(z)

    def novelty(self, pixels: Tensor, posterior: Posterior) -> Tensor | None:
        """Returns how unlike the training photos each picture is, ``(b,)``; above 1 is unlike.

        None, the default, lets the exporter judge by the latent mean (novelty.py).
        """
        return None


class PixelModel(VariationalModel):
    """A model whose decoder gives a logit for every pixel and channel.

    The logits are apart from :meth:`decode` because cross-entropy on them does not saturate.
    """

    def encode(self, pixels: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, h, w, c)`` uint8."""
        return self.encode_unit(unit_pixels(pixels))

    @abstractmethod
    def encode_unit(self, unit: Tensor) -> Posterior:
        """Returns the posterior of pictures ``(b, h, w, c)`` in 0..1."""

    @abstractmethod
    def decode_logits(self, z: Tensor) -> Tensor:
        """Returns ``(b, h, w, 3)`` logits of the pixel values in 0..1."""

    def decode(self, z: Tensor) -> Tensor:
        """Returns the pictures ``(b, h, w, 3)`` float in 0..1 of latent vectors ``(b, d)``."""
        return torch.sigmoid(self.decode_logits(z))


def unit_pixels(pixels: Tensor) -> Tensor:
    """Returns uint8 pictures ``(b, h, w, 3)`` as floats in 0..1, the channels still last."""
    return pixels.to(torch.float32) / 255.0
