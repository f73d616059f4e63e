from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stylefacet_training.config import (
    ObjectiveName,
    OptimizerName,
    RegularizerName,
    TrainConfig,
)
from stylefacet_training.data.pictures import PictureSet
from stylefacet_training.loop import Learner, fit, learning_rate
from stylefacet_training.losses import Batch
from stylefacet_training.models.infogan import InfoGan
from stylefacet_training.recipes import Surroundings, load_model, recipe_of
from stylefacet_training.runs import RunFolder, load_checkpoint
from stylefacet_training.terminal import Terminal
from stylefacet_training.train import train

ACCOMPANIED = [
    {"regularizer": RegularizerName.FACTOR_VAE},
    {"objective": ObjectiveName.ADVERSARIAL_AUTOENCODER},
    {"objective": ObjectiveName.VAE_GAN},
    {"objective": ObjectiveName.INFO_GAN},
]


def test_a_resumed_run_takes_its_companion_with_it(tiny_config, tmp_path):
    config = replace(tiny_config, beta=1.0, regularizer=RegularizerName.FACTOR_VAE)
    whole, halved = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "halved")
    train(config, whole, Terminal(), resume=False)

    train(replace(config, epochs=1), halved, Terminal(), resume=False)
    train(config, halved, Terminal(), resume=True)

    expected, found = load_checkpoint(whole).learner, load_checkpoint(halved).learner
    for part in ("model", "companion"):
        for name, weights in expected[part].items():
            torch.testing.assert_close(found[part][name], weights, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("changes", ACCOMPANIED)
def test_a_learner_goes_on_from_its_state_as_if_it_had_not_stopped(changes):
    config = TrainConfig(height_px=32, width_px=32, latent_dims=3, beta=1.0, **changes)
    one, other = learner_of(config), learner_of(config)
    torch.manual_seed(1)
    one.step(random_batch(), 0.0)

    # A copy, as a file would be: optimisers share the tensors they are given.
    other.load(deepcopy(one.state()))
    for learner in (one, other):
        torch.manual_seed(2)
        learner.step(random_batch(), 0.5)

    for part in ("model", "companion"):
        for name, weights in one.state()[part].items():
            assert torch.equal(other.state()[part][name], weights)


def test_a_finished_run_of_a_generator_decodes(tiny_config, tmp_path):
    run = RunFolder(tmp_path)
    train(replace(tiny_config, objective=ObjectiveName.INFO_GAN), run, Terminal(), resume=False)
    checkpoint = load_checkpoint(run)

    model = load_model(checkpoint.config, checkpoint.model)

    assert isinstance(model, InfoGan)
    assert model.decode(torch.zeros(2, 4)).shape == (2, 32, 32, 3)


def test_a_step_changes_the_companion_by_its_own_loss_alone():
    config = TrainConfig(
        height_px=32, width_px=32, latent_dims=3, regularizer=RegularizerName.FACTOR_VAE
    )
    learner = learner_of(config)
    assert learner.companion is not None
    still = torch.nn.ModuleList([learner.companion]).state_dict()
    before = {name: value.clone() for name, value in still.items()}

    learner.objective(random_batch(), 0.0).total.backward()
    learner.step(random_batch(), 0.0)

    after = learner.companion.state_dict()
    assert any(not torch.equal(after[name.partition(".")[2]], before[name]) for name in before)


def test_sgd_with_momentum_trains_too():
    config = TrainConfig(
        height_px=32,
        width_px=32,
        latent_dims=3,
        epochs=3,
        batch_size=8,
        beta=0.0,
        learning_rate=1e-6,
        optimizer=OptimizerName.SGD_MOMENTUM,
    )
    learner = learner_of(config)
    pixels = random_batch(32).pixels

    first = fit(learner, pixels, np.arange(32), replace(config, epochs=1))
    last = fit(learner, pixels, np.arange(32), config)

    assert last.mean("total") < first.mean("total")


def test_the_step_size_drops_by_steps_and_by_time():
    steps = TrainConfig(learning_rate=1.0, learning_rate_drop_epochs=10)
    time = TrainConfig(learning_rate=1.0, learning_rate_decay=0.5)

    assert [round(learning_rate(steps, epoch), 3) for epoch in (0, 9, 10, 25)] == [1, 1, 0.1, 0.01]
    assert [learning_rate(time, epoch) for epoch in (0, 2)] == [1.0, 0.5]


def learner_of(config: TrainConfig) -> Learner:
    torch.manual_seed(0)
    recipe = recipe_of(config)
    model = recipe.build_model(config)
    pixels = random_batch(4).pixels.numpy()
    pictures = PictureSet("random", pixels, ("a", "b", "c", "d"), ("a", "b", "c", "d"))
    return Learner(model, recipe.build_objective(config, model, surroundings(pictures)), config)


def surroundings(pictures):
    return Surroundings(pictures, torch.device("cpu"), Path("unused"), Terminal())


def random_batch(count: int = 6) -> Batch:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    return Batch(torch.from_numpy(pixels), torch.arange(count))
