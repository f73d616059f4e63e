"""Heads in closed form, judged against draws from the models they are the optima of."""

import pytest
import torch

from stylefacet_training.models import linear_gaussian as closed


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_whitened_features_have_unit_covariance():
    x = normal(500, 12) @ normal(12, 12, seed=1)

    white = closed.whitener(x, 6)(x)

    covariance = white.T @ white / len(white)
    assert torch.allclose(covariance, torch.eye(6), atol=1e-3)


def test_directions_that_no_photo_varies_along_are_not_blown_up():
    # Ten photos span nine directions; rounding errors make a tenth.
    white = closed.whitener(normal(10, 300), 10)

    assert white(normal(50, 300, seed=1)).var(0).max() < 100


def test_a_feature_that_hardly_varied_moves_little_above_the_floor():
    x = normal(400, 8)
    x[:, 5] *= 1e-3
    other = x[:1].clone()
    other[:, 5] += 1.0

    moved = [
        (white(other) - white(x[:1])).norm()
        for white in (closed.whitener(x, 7), closed.whitener(x, 7, floor=1.0))
    ]

    assert moved[0] > 10 * moved[1]


def test_principal_head_gives_the_posterior_of_probabilistic_pca():
    # x = 3 * z along one axis plus noise of variance 1: the posterior variance is 1 / 10.
    x = normal(20_000, 8)
    x[:, 2] += 3.0 * normal(20_000, seed=1)

    head = closed.principal_head(x, 1, beta=1.0)

    assert head.logvar.exp().item() == pytest.approx(0.1, rel=0.1)
    assert head.mean(x).var().item() == pytest.approx(0.9, rel=0.05)


def test_a_dimension_below_the_noise_collapses():
    x = normal(2_000, 8)
    x[:, 2] += 3.0 * normal(2_000, seed=1)

    head = closed.principal_head(x, 2, beta=4.0)

    assert head.mean(x).var(0)[1].item() < 1e-3
    assert head.logvar[1].item() == pytest.approx(0.0, abs=1e-6)


def test_shared_head_follows_what_a_group_has_in_common():
    # Column 0 is the product's, column 1 varies more but within products.
    groups = torch.arange(400).repeat_interleave(4)
    x = normal(1_600, 5)
    x[:, 0] += 2.0 * normal(400, seed=1)[groups]
    x[:, 1] *= 6.0

    mean = closed.shared_head(x, groups, 1, beta=1.0).mean.matrix[:, 0]

    assert mean[0].abs() > 20 * mean[1].abs()


def test_reconstruction_head_follows_the_target_and_not_the_loudest_feature():
    x = normal(2_000, 6)
    target = torch.stack([x[:, 3], -x[:, 3]], dim=1) + 0.1 * normal(2_000, 2, seed=1)
    step = closed.prediction(x, target)

    head = closed.reconstruction_head(step(x), target, 1, beta=1.0)

    z = head.mean(step(x))[:, 0]
    assert torch.corrcoef(torch.stack([z, x[:, 3]]))[0, 1].abs() > 0.99


def test_one_map_after_another_is_one_map():
    first = closed.Affine(normal(5, 4), normal(4, seed=1))
    after = closed.Affine(normal(4, 3, seed=2), normal(3, seed=3))
    x = normal(10, 5, seed=4)

    assert torch.allclose(first.then(after)(x), after(first(x)), atol=1e-5)
