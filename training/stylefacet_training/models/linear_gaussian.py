"""Encoder heads in closed form: the optima of linear variational autoencoders.

A VAE whose encoder and decoder are linear has its optimum in closed form (Lucas et al. 2019,
"Don't blame the ELBO!"): the leading principal directions, each latent dimension shrunk by the
share ``beta * noise / total`` of its variance. So a head needs no training steps, cannot fail to
converge, and a dimension below the noise collapses by a formula instead of by accident. Two
variants are used here:

- the decoder reconstructs other features than the encoder sees (those of a larger network on a
  larger picture): reduced-rank regression (Izenman 1975);
- pictures of one product share a latent vector: probabilistic linear discriminant analysis (Ioffe
  2006), the linear case of weakly supervised disentanglement by shared factors (Ada-GVAE, Locatello
  et al. 2020).

Knows neither pictures nor regions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# Extra directions and passes of the randomised decomposition. Source: Halko et al. 2011, 4.4.
_EXTRA, _PASSES = 40, 4
# Share of a sphere mixed into the covariance within products: few products have many pictures.
WITHIN_SHRINKAGE = 0.1

# Share of the strongest direction below which one is no direction at all.
STRENGTH_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class Affine:
    """``x @ matrix + offset``; ``matrix`` is ``(p, d)``, ``offset`` ``(d,)``."""

    matrix: Tensor
    offset: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Maps rows ``(n, p)`` to ``(n, d)``."""
        return x @ self.matrix + self.offset

    def then(self, after: "Affine") -> "Affine":
        """Returns this map followed by another."""
        return Affine(self.matrix @ after.matrix, self.offset @ after.matrix + after.offset)


@dataclass(frozen=True, slots=True)
class Head:
    """A linear Gaussian posterior: its mean as a map of the features, its ``(d,)`` log-variance."""

    mean: Affine
    logvar: Tensor


def whitener(x: Tensor, count: int, floor: float = 1e-3) -> Affine:
    """Returns the map of features ``(n, p)`` to their leading principal components, each of unit
    variance; features are first divided by their standard deviations.

    A feature that hardly varies would be blown up to one that does: ``floor`` is the share of the
    largest deviation that is added to all.
    """
    centre = x.mean(0)
    deviation = x.std(0)
    scale = 1.0 / (deviation + floor * deviation.max())
    _, strength, directions = _decompose((x - centre) * scale, count)
    # Of fewer photos than components the last directions are rounding errors: left at nothing.
    real = strength > STRENGTH_FLOOR * strength.max()
    size = torch.where(real, len(x) ** 0.5 / strength, torch.zeros_like(strength))
    matrix = scale[:, None] * directions * size
    return Affine(matrix, -centre @ matrix)


def principal_components(x: Tensor, count: int) -> Tensor:
    """Returns the leading components ``(n, count)`` of features, in their natural variance."""
    deviation = x.std(0)
    centred = (x - x.mean(0)) / (deviation + 1e-2 * deviation.max())
    _, _, directions = _decompose(centred, count)
    return centred @ directions


def prediction(white: Tensor, target: Tensor) -> Affine:
    """Returns the least-squares map of white features ``(n, p)`` to targets ``(n, t)``."""
    centre = target.mean(0)
    return Affine(white.T @ (target - centre) / len(white), centre)


def reconstruction_head(predicted: Tensor, target: Tensor, count: int, beta: float) -> Head:
    """Returns the head over predicted targets ``(n, t)`` whose decoder reconstructs the targets.

    The noise is the mean variance a dimension of the target keeps beyond the prediction.
    """
    centre = predicted.mean(0)
    _, strength, directions = _decompose(predicted - centre, count)
    total = strength.square() / len(predicted)
    noise = (target - predicted).var(0).mean()
    return _head(directions, centre, total, noise / (total + noise), beta)


def principal_head(x: Tensor, count: int, beta: float) -> Head:
    """Returns the head over features ``(n, p)`` whose decoder reconstructs them, unscaled.

    The noise is the mean variance of the directions left out. Source: Tipping and Bishop 1999.
    """
    centre = x.mean(0)
    _, strength, directions = _decompose(x - centre, x.shape[1])
    total = strength.square() / len(x)
    noise = total[count:].mean() if len(total) > count else torch.zeros(())
    return _head(directions[:, :count], centre, total[:count], noise / total[:count], beta)


def shared_head(x: Tensor, groups: Tensor, count: int, beta: float) -> Head:
    """Returns the head for what pictures ``(n, p)`` of one group have in common.

    ``groups`` is ``(n,)`` int64. The noise of a dimension is its variance within groups.
    """
    centre = x.mean(0)
    x = x - centre
    _, inverse = torch.unique(groups, return_inverse=True)
    sizes = torch.bincount(inverse)
    sums = torch.zeros((len(sizes), x.shape[1]), dtype=x.dtype).index_add_(0, inverse, x)
    inside = (x - (sums / sizes[:, None])[inverse])[sizes[inverse] > 1]
    freedom = max(int((sizes[sizes > 1] - 1).sum()), 1)
    within = inside.T @ inside / freedom
    sphere = within.trace() / len(within) * torch.eye(len(within), dtype=x.dtype)
    within = (1 - WITHIN_SHRINKAGE) * within + WITHIN_SHRINKAGE * sphere
    total = x.T @ x / len(x)
    # Directions with the most total variance per variance within.
    whiten = torch.linalg.inv(torch.linalg.cholesky(within))
    ratio, vectors = torch.linalg.eigh(whiten @ total @ whiten.T)
    ratio, vectors = ratio.flip(0)[:count], vectors.flip(1)[:, :count]
    return _head(whiten.T @ vectors, centre, ratio, 1.0 / ratio, beta)


def _head(
    directions: Tensor, centre: Tensor, total: Tensor, noise_share: Tensor, beta: float
) -> Head:
    """Returns the posterior along directions of variance ``total``: N(0, 1) is its prior."""
    variance = (beta * noise_share).clamp(max=1.0)
    matrix = directions * ((1.0 - variance) / total).sqrt()
    # exp(logvar) of an exact encoder must not be 0.
    return Head(Affine(matrix, -centre @ matrix), variance.clamp(min=1e-4).log())


def _decompose(centred: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the leading singular vectors and values, ``(n, k)``, ``(k,)``, ``(p, k)``."""
    limit = min(centred.shape)
    count = min(count, limit)
    if limit <= 4 * count:
        left, strength, right = torch.linalg.svd(centred, full_matrices=False)
        return left[:, :count], strength[:count], right.T[:, :count]
    u, s, v = torch.svd_lowrank(centred, q=min(count + _EXTRA, limit), niter=_PASSES)
    return u[:, :count], s[:count], v[:, :count]
