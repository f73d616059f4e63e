"""Judges how unlike the training photos a latent vector is; knows no picture and no network."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

# Added to the variance of every direction. An unused dimension hardly varies over the training
# photos; without a floor a movement of a thousandth would make a photo look unheard of.
VARIANCE_FLOOR = 0.01
PERCENTILE = 99.0


class MahalanobisNovelty(nn.Module):
    """Squared Mahalanobis distance of the latent mean, 1 at the 99th percentile of training.

    It needs no decoder, so it costs nothing beside the encoder. It sees only what the latent
    vector carries: a photo of something else that lands among garments is not noticed.
    """

    centre: Tensor
    whitening: Tensor

    def __init__(self, mean: npt.NDArray[np.float32]) -> None:
        """Fits the distance to the latent means ``(n, d)`` of the training photos."""
        super().__init__()
        codes = mean.astype(np.float64)
        centre = codes.mean(axis=0)
        covariance = np.atleast_2d(np.cov(codes, rowvar=False, bias=True))
        precision = np.linalg.inv(covariance + VARIANCE_FLOOR * np.eye(codes.shape[1]))
        # precision = whitening @ whitening.T, so the distance is a sum of squares, never negative.
        whitening = np.linalg.cholesky(precision)
        distance = np.square((codes - centre) @ whitening).sum(axis=1)
        # A population of one point has no distances; any positive bound will do.
        bound = float(np.percentile(distance, PERCENTILE)) or 1.0
        self.register_buffer("centre", torch.tensor(centre, dtype=torch.float32))
        self.register_buffer(
            "whitening", torch.tensor(whitening / np.sqrt(bound), dtype=torch.float32)
        )

    def forward(self, mean: Tensor) -> Tensor:
        """Returns the novelty ``(b,)`` of latent means ``(b, d)``."""
        return ((mean - self.centre) @ self.whitening).square().sum(1)
