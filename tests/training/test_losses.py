import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from stylefacet_training.config import GenerationLoss
from stylefacet_training.losses import (
    Batch,
    BetaVae,
    PixelObjective,
    binary_cross_entropy,
    latent_loss,
    squared_error,
    warm_up,
)
from stylefacet_training.models.base import Posterior
from stylefacet_training.models.thesis import ThesisVae


@pytest.fixture
def posterior() -> Posterior:
    torch.manual_seed(3)
    return Posterior(torch.randn(7, 5), torch.randn(7, 5))


@pytest.fixture
def batch() -> Batch:
    pixels = np.random.default_rng(3).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    return Batch(torch.from_numpy(pixels), torch.arange(6))


def test_latent_loss_equals_the_divergence_torch_computes(posterior):
    found = latent_loss(posterior)

    q = Normal(posterior.mean, torch.exp(0.5 * posterior.logvar))
    expected = kl_divergence(q, Normal(0.0, 1.0))
    torch.testing.assert_close(found, expected)


def test_latent_loss_of_the_prior_is_zero():
    found = latent_loss(Posterior(torch.zeros(2, 3), torch.zeros(2, 3)))

    assert torch.equal(found, torch.zeros(2, 3))


def test_cross_entropy_is_the_summed_negative_log_likelihood_of_black_and_white_pixels():
    torch.manual_seed(3)
    logits = torch.randn(4, 6, 5, 3)
    target = (torch.rand(4, 6, 5, 3) > 0.5).float()

    found = binary_cross_entropy(logits, target)

    expected = -Bernoulli(logits=logits).log_prob(target).sum(dim=(1, 2, 3))
    torch.testing.assert_close(found, expected)


def test_squared_error_sums_over_pixels_and_channels():
    logits = torch.zeros(2, 4, 4, 3)  # a half everywhere

    found = squared_error(logits, torch.ones(2, 4, 4, 3))

    assert found.tolist() == [12.0, 12.0]  # 48 values, a quarter each


def test_total_is_generation_plus_beta_times_latent(batch):
    torch.manual_seed(0)
    model = ThesisVae(4, 32, 32)
    objective = PixelObjective(model, GenerationLoss.BINARY_CROSS_ENTROPY, BetaVae(8.0))

    losses = objective(batch, epoch=0.0)

    expected = losses.generation + 8.0 * losses.latent.sum()
    torch.testing.assert_close(losses.total, expected)


def test_beta_zero_still_samples_the_latent_vector(batch):
    model = ThesisVae(4, 32, 32)
    objective = PixelObjective(model, GenerationLoss.SQUARED_ERROR, BetaVae(0.0))

    first, second = objective(batch, epoch=0.0), objective(batch, epoch=0.0)

    assert first.total == first.generation
    assert first.total != second.total


def test_warm_up_rises_to_one_and_stays_there():
    weights = [warm_up(epoch, warm_up_epochs=2.0) for epoch in (0.0, 1.0, 2.0, 9.0)]

    assert weights == [0.0, 0.5, 1.0, 1.0]


def test_no_warm_up_weighs_the_first_step_in_full():
    assert warm_up(0.0, warm_up_epochs=0.0) == 1.0
