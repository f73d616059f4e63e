"""Batch normalisation of a decoder that a discriminator teaches; knows no data and no loss."""

from torch import nn


def normalised(decoder: nn.Sequential) -> nn.Sequential:
    """Returns the decoder with every deconvolution normalised over the batch, but the last.

    The last gives the picture, whose mean and contrast must stay free. Source: Radford et al.
    2016, section 3.
    """
    *inner, last = decoder
    layers: list[nn.Module] = []
    for layer in inner:
        layers.append(layer)
        if isinstance(layer, nn.ConvTranspose2d):
            layers.append(nn.BatchNorm2d(layer.out_channels))
    return nn.Sequential(*layers, last)
