"""What is added to the generation loss, one class a paper; knows no network's layers and no data.

Each keeps the latent loss (KL) at weight 1 and adds one term of weight ``beta``, but for the
beta-VAE, whose term is the latent loss itself (losses.BetaVae).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet_training.config import RegularizerName, TrainConfig
from stylefacet_training.losses import BetaVae, Regularizer
from stylefacet_training.models.base import Posterior
from stylefacet_training.models.critics import LatentCritic


@dataclass(frozen=True, slots=True)
class BetaTcVae:
    """The total correlation, estimated from the batch.

    Source: Chen et al. 2018, equation 4; KL + (beta - 1) TC is their alpha = gamma = 1.
    """

    beta: float

    def __call__(self, latent: Tensor, posterior: Posterior, z: Tensor, epoch: float) -> Tensor:
        """Returns the term that is added to the generation loss."""
        return latent.sum(1).mean() + (self.beta - 1.0) * total_correlation(posterior, z)


def total_correlation(posterior: Posterior, z: Tensor) -> Tensor:
    """Returns KL(q(z) || prod_j q(z_j)) in nats, a scalar, the batch standing for all pictures.

    Source: Chen et al. 2018, equation 5. Their minibatch weights, the logarithm of the number of
    pictures, add a constant of no gradient; without it the value is an estimate too.
    """
    # (b, 1, d) against (1, b, d): the density of every sample under every picture's posterior.
    apart = z[:, None] - posterior.mean[None]
    logvar = posterior.logvar[None]
    density = -0.5 * (math.log(2 * math.pi) + logvar + apart.square() * torch.exp(-logvar))
    weight = math.log(len(z))
    joint = torch.logsumexp(density.sum(2), dim=1) - weight  # (b,)
    product = (torch.logsumexp(density, dim=1) - weight).sum(1)  # (b, d) -> (b,)
    return (joint - product).mean()


@dataclass(frozen=True, slots=True)
class DipVae:
    """How far the covariance of the aggregated posterior is from the identity, DIP-VAE-II.

    Source: Kumar et al. 2018, equation 7, with equal weights on and off the diagonal.
    """

    beta: float

    def __call__(self, latent: Tensor, posterior: Posterior, z: Tensor, epoch: float) -> Tensor:
        """Returns the term that is added to the generation loss."""
        covariance = aggregated_covariance(posterior)
        identity = torch.eye(len(covariance), device=covariance.device)
        return latent.sum(1).mean() + self.beta * (covariance - identity).square().sum()


def aggregated_covariance(posterior: Posterior) -> Tensor:
    """Returns the covariance of z over the batch, ``(d, d)``: of the means plus mean variance."""
    centred = posterior.mean - posterior.mean.mean(0)
    of_means = centred.T @ centred / len(centred)
    return of_means + torch.diag(posterior.logvar.exp().mean(0))


@dataclass(frozen=True, slots=True)
class AnnealedVae:
    """How far the latent loss is from a capacity that rises with the epochs.

    Source: Burgess et al. 2018, equation 8.
    """

    beta: float
    capacity_nats: float
    capacity_epochs: float

    def __call__(self, latent: Tensor, posterior: Posterior, z: Tensor, epoch: float) -> Tensor:
        """Returns the term that is added to the generation loss."""
        share = min(1.0, epoch / self.capacity_epochs) if self.capacity_epochs > 0 else 1.0
        return self.beta * (latent.sum(1).mean() - share * self.capacity_nats).abs()


class FactorVae:
    """The total correlation, as a discriminator sees it that tells q(z) from its shuffled copy.

    Source: Kim and Mnih 2018, algorithm 2. The shuffled copy is made of the same batch, where the
    paper draws a second one.
    """

    def __init__(self, beta: float, latent_dims: int) -> None:
        self.beta = beta
        # Its one logit is the difference of the paper's two: the logarithm of the density ratio.
        self.critic = LatentCritic(latent_dims)

    @property
    def companion(self) -> nn.Module:
        """The discriminator."""
        return self.critic

    def __call__(self, latent: Tensor, posterior: Posterior, z: Tensor, epoch: float) -> Tensor:
        """Returns the term that is added to the generation loss."""
        density_ratio: Tensor = self.critic(z)
        return latent.sum(1).mean() + self.beta * density_ratio.mean()

    def companion_loss(self, z: Tensor) -> Tensor:
        """Returns what the discriminator minimises, given samples ``(b, d)``."""
        return telling_apart(self.critic(z), self.critic(shuffled(z)))


def shuffled(z: Tensor) -> Tensor:
    """Returns ``(b, d)`` with every column in an order of its own: draws of prod_j q(z_j)."""
    orders = torch.rand_like(z).argsort(0)
    return z.gather(0, orders)


def telling_apart(one: Tensor, other: Tensor) -> Tensor:
    """Returns the mean cross-entropy of logits: high they should be for one, low for the other."""
    return 0.5 * (functional.softplus(-one).mean() + functional.softplus(other).mean())


def build_regularizer(config: TrainConfig) -> Regularizer:
    """Returns the regularizer that a run asks for."""
    match config.regularizer:
        case RegularizerName.BETA_VAE:
            return BetaVae(config.beta)
        case RegularizerName.BETA_TCVAE:
            return BetaTcVae(config.beta)
        case RegularizerName.DIP_VAE:
            return DipVae(config.beta)
        case RegularizerName.ANNEALED_VAE:
            return AnnealedVae(config.beta, config.capacity_nats, config.capacity_epochs)
        case RegularizerName.FACTOR_VAE:
            return FactorVae(config.beta, config.latent_dims)
