"""Encodes many pictures with a model and says which latent dimensions carry anything."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from stylefacet_training.models.base import VariationalModel

BATCH_SIZE = 256
# Variance over pictures of a dimension's mean above which the dimension counts as active.
# Source: Burda, Grosse and Salakhutdinov 2016, section 5.2.
ACTIVE_VARIANCE = 0.01


@dataclass(frozen=True, slots=True)
class Encodings:
    """``mean`` and ``logvar`` are ``(n, d)`` float32; ``novelty`` is ``(n,)`` float32 or None."""

    mean: npt.NDArray[np.float32]
    logvar: npt.NDArray[np.float32]
    novelty: npt.NDArray[np.float32] | None


@torch.no_grad()
def encode_pictures(
    model: VariationalModel,
    pixels: npt.NDArray[np.uint8],
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Encodings:
    """Returns the encodings of pictures ``(n, h, w, 3)`` uint8; the novelty if the model gives one.

    The model is used as it is: put it in eval mode first.
    """
    device = next(model.parameters()).device
    means, logvars, novelties = [], [], []
    for start in range(0, len(pixels), BATCH_SIZE):
        batch = torch.from_numpy(pixels[start : start + BATCH_SIZE]).to(device)
        posterior = model.encode(batch)
        means.append(posterior.mean.cpu().numpy())
        logvars.append(posterior.logvar.cpu().numpy())
        novelty = model.novelty(batch, posterior)
        if novelty is not None:
            novelties.append(novelty.cpu().numpy())
        advance(min(start + BATCH_SIZE, len(pixels)), len(pixels))
    return Encodings(
        np.concatenate(means),
        np.concatenate(logvars),
        np.concatenate(novelties) if novelties else None,
    )


def active_units(mean: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Returns which latent dimensions vary with the picture, ``(d,)``, given means ``(n, d)``."""
    active: npt.NDArray[np.bool_] = mean.var(axis=0) > ACTIVE_VARIANCE
    return active
