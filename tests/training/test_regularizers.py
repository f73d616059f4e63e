import pytest
import torch
from torch import Tensor

from stylefacet_training.losses import BetaVae, latent_loss
from stylefacet_training.models.base import Posterior
from stylefacet_training.regularizers import (
    AnnealedVae,
    BetaTcVae,
    DipVae,
    FactorVae,
    aggregated_covariance,
    shuffled,
    telling_apart,
    total_correlation,
)


def posterior_of(means: Tensor, variance: float) -> Posterior:
    return Posterior(means, torch.full_like(means, variance).log())


@pytest.fixture
def posterior() -> Posterior:
    torch.manual_seed(3)
    return Posterior(torch.randn(50, 4), torch.randn(50, 4) - 2)


def test_total_correlation_of_a_gaussian_is_near_its_closed_form():
    torch.manual_seed(0)
    x = torch.randn(2000, 1)
    means = torch.cat([x, 0.8 * x + 0.6 * torch.randn(2000, 1)], 1)
    posterior = posterior_of(means, variance=0.05)

    found = total_correlation(posterior, posterior.sample())

    # Both variances are 1.05, their covariance 0.8.
    expected = -0.5 * torch.log(torch.tensor(1 - (0.8 / 1.05) ** 2))
    assert found.item() == pytest.approx(expected.item(), abs=0.08)


def test_total_correlation_of_independent_dimensions_is_near_zero():
    torch.manual_seed(0)
    posterior = posterior_of(torch.randn(2000, 2), variance=0.05)

    assert abs(total_correlation(posterior, posterior.sample()).item()) < 0.08


def test_beta_tcvae_of_weight_one_is_the_plain_vae(posterior):
    z, latent = posterior.sample(), latent_loss(posterior)

    found = BetaTcVae(1.0)(latent, posterior, z, epoch=0.0)

    torch.testing.assert_close(found, BetaVae(1.0)(latent, posterior, z, epoch=0.0))


def test_aggregated_covariance_is_that_of_samples():
    torch.manual_seed(0)
    posterior = posterior_of(torch.randn(20_000, 3) @ torch.randn(3, 3), variance=0.3)

    found = aggregated_covariance(posterior)

    torch.testing.assert_close(found, torch.cov(posterior.sample().T), atol=0.1, rtol=0.05)


def test_dip_vae_leaves_a_decorrelated_posterior_alone():
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    posterior = posterior_of(corners * 0.5**0.5, variance=0.5)
    latent = latent_loss(posterior)

    found = DipVae(10.0)(latent, posterior, posterior.mean, epoch=0.0)

    torch.testing.assert_close(found, latent.sum(1).mean())


@pytest.mark.parametrize(("epoch", "capacity"), [(0.0, 0.0), (5.0, 10.0), (10.0, 20.0), (99, 20)])
def test_annealed_capacity_rises_and_stays(posterior, epoch, capacity):
    latent = latent_loss(posterior)

    found = AnnealedVae(3.0, capacity_nats=20.0, capacity_epochs=10.0)(
        latent, posterior, posterior.mean, epoch
    )

    expected = 3.0 * (latent.sum(1).mean() - capacity).abs()
    torch.testing.assert_close(found, expected)


def test_shuffling_keeps_every_column_and_parts_the_rows():
    z = torch.arange(40.0)[:, None].repeat(1, 3)

    found = shuffled(z)

    assert torch.equal(found.sort(0).values, z)
    assert not torch.equal(found[:, 0], found[:, 1])


def test_the_critic_of_factor_vae_learns_a_total_correlation():
    torch.manual_seed(0)
    factor = FactorVae(1.0, latent_dims=2)
    optimizer = torch.optim.Adam(factor.critic.parameters(), lr=1e-3)
    for _ in range(300):
        x = torch.randn(256, 1)
        z = torch.cat([x, 0.8 * x + 0.6 * torch.randn(256, 1)], 1)
        optimizer.zero_grad()
        factor.companion_loss(z).backward()
        optimizer.step()
    x = torch.randn(4000, 1)
    z = torch.cat([x, 0.8 * x + 0.6 * torch.randn(4000, 1)], 1)

    found = factor(torch.zeros(1, 2), posterior_of(z, 1.0), z, epoch=0.0)

    # -0.5 log(1 - 0.8^2) = 0.51
    assert found.item() == pytest.approx(0.51, abs=0.12)


def test_telling_apart_costs_log_two_where_nothing_can_be_told():
    logits = torch.zeros(5, 1)

    assert telling_apart(logits, logits).item() == pytest.approx(0.6931, abs=1e-4)
