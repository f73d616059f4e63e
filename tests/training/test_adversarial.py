"""Generators beside their discriminators, on small discs of many sizes and places."""

from pathlib import Path

import numpy as np
import pytest
import torch

from stylefacet_training.config import ObjectiveName, TrainConfig
from stylefacet_training.data.pictures import PictureSet
from stylefacet_training.loop import Learner
from stylefacet_training.losses import Batch
from stylefacet_training.models.base import VariationalModel
from stylefacet_training.models.critics import PictureCritic, PictureDiscriminator
from stylefacet_training.models.digits import DigitsVae
from stylefacet_training.models.thesis import ThesisVae
from stylefacet_training.recipes import Surroundings, recipe_of
from stylefacet_training.terminal import Terminal

SIDE_PX, CODE_DIMS = 32, 3
# Cross-entropy of a discriminator that has won: without normalisation .02 after 200 steps.
WON = 0.1


@pytest.fixture(scope="module")
def discs() -> torch.Tensor:
    """200 white discs on black, ``(200, 32, 32, 3)`` uint8."""
    rng = np.random.default_rng(0)
    cy, cx = rng.uniform(10, 22, (2, 200, 1, 1))
    radius = rng.uniform(3, 9, (200, 1, 1))
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    inside = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
    return torch.from_numpy((255 * inside[..., None].repeat(3, 3)).astype(np.uint8))


@pytest.mark.slow
def test_an_infogan_draws_various_discs_and_its_discriminator_does_not_win(discs):
    learner = learner_of(discs, ObjectiveName.INFO_GAN)

    costs = trained(learner, discs, step_count=300)

    made, real = sampled(learner), discs / 255.0
    assert np.mean(costs[-30:]) > WON
    # .08 beside .21 of the discs; .016, and falling, without normalisation.
    assert made.std(0).mean() > 0.25 * real.std(0).mean()
    assert made.mean() == pytest.approx(real.mean().item(), rel=0.5)


def test_what_a_discriminator_says_of_realism_teaches_the_decoder_of_a_vae_gan_alone(discs):
    deaf, listening = (gradients(discs, weight) for weight in (0.0, 20.0))

    moved = {
        name.partition(".")[0]
        for name in deaf
        if not torch.allclose(deaf[name], listening[name], rtol=1e-3, atol=1e-5)
    }
    assert moved == {"deconvolutions", "unflatten"}


def test_what_an_infogan_reports_of_real_pictures_teaches_it_nothing(discs):
    learner = learner_of(discs, ObjectiveName.INFO_GAN)
    learner.train(True)
    torch.manual_seed(0)
    learner.objective(Batch(discs[:8], torch.arange(8)), 0.0)
    of_discs = {name: value.clone() for name, value in learner.model.named_buffers()}
    learner = learner_of(discs, ObjectiveName.INFO_GAN)
    learner.train(True)
    torch.manual_seed(0)

    learner.objective(Batch(torch.zeros_like(discs[:8]), torch.arange(8)), 0.0)

    for name, value in learner.model.named_buffers():
        assert torch.equal(value, of_discs[name])


@pytest.mark.parametrize(
    ("height_px", "width_px", "halvings"), [(28, 28, 3), (32, 32, 3), (96, 64, 4), (256, 256, 6)]
)
def test_a_discriminator_halves_pictures_until_four_pixels_are_left(height_px, width_px, halvings):
    critic = PictureDiscriminator(3, height_px, width_px)

    features = critic.features(torch.zeros(2, height_px, width_px, 3))

    channels = 16 * 2 ** (halvings - 1)
    rows, columns = height_px / 2**halvings, width_px / 2**halvings
    assert features.shape == (2, channels * int(np.ceil(rows)) * int(np.ceil(columns)))


def test_networks_are_normalised_where_a_discriminator_asks_for_it_alone():
    plain = [ThesisVae(4), DigitsVae(2), PictureCritic(1, 28, 28, 10)]
    normal = [
        ThesisVae(4, batch_norm=True),
        DigitsVae(2, batch_norm=True),
        PictureDiscriminator(1, 28, 28),
    ]

    assert [norm_count(network) for network in plain] == [0, 0, 0]
    assert [norm_count(network) for network in normal] == [5, 3, 2]


def norm_count(network: torch.nn.Module) -> int:
    kinds = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)
    return sum(isinstance(layer, kinds) for layer in network.modules())


def learner_of(discs: torch.Tensor, objective: ObjectiveName, weight: float = 1.0) -> Learner:
    config = TrainConfig(
        objective=objective,
        batch_norm=True,
        adam_beta1=0.5,
        beta=1.0,
        companion_weight=weight,
        companion_learning_rate=2e-4,
        height_px=SIDE_PX,
        width_px=SIDE_PX,
        latent_dims=CODE_DIMS,
    )
    torch.manual_seed(0)
    recipe = recipe_of(config)
    model = recipe.build_model(config)
    names = tuple(map(str, range(len(discs))))
    pictures = PictureSet("discs", discs.numpy(), names, names)
    around = Surroundings(pictures, torch.device("cpu"), Path("unused"), Terminal())
    return Learner(model, recipe.build_objective(config, model, around), config)


def trained(learner: Learner, discs: torch.Tensor, step_count: int) -> list[float]:
    """Returns what the discriminator's loss was in each step."""
    torch.manual_seed(1)
    learner.train(True)
    costs = []
    for _ in range(step_count):
        index = torch.randint(0, len(discs), (32,))
        losses = learner.step(Batch(discs[index], index), 0.0)
        assert losses.companion is not None
        costs.append(losses.companion.item())
    learner.train(False)
    return costs


def gradients(discs: torch.Tensor, weight: float) -> dict[str, torch.Tensor]:
    """Returns the gradients of a VAE-GAN's weights in its first step."""
    learner = learner_of(discs, ObjectiveName.VAE_GAN, weight)
    learner.train(True)
    torch.manual_seed(1)
    learner.objective(Batch(discs[:16], torch.arange(16)), 0.0).total.backward()
    return {n: p.grad for n, p in learner.model.named_parameters() if p.grad is not None}


@torch.no_grad()
def sampled(learner: Learner) -> torch.Tensor:
    """Returns pictures of 64 draws of N(0, I), ``(64, 32, 32, 3)`` in 0..1."""
    assert isinstance(learner.model, VariationalModel)
    return learner.model.decode(torch.randn(64, CODE_DIMS))
