"""The preset that the shipped encoder is made with, from garments to a bundle that embeds."""

import numpy as np
import pytest
import torch

from stylefacet.bundle import Bundle
from stylefacet.inference import Encoder
from stylefacet_training.config import preset, with_settings
from stylefacet_training.data.sources import read_pictures
from stylefacet_training.export import export
from stylefacet_training.recipes import load_model
from stylefacet_training.runs import RunFolder, load_checkpoint
from stylefacet_training.terminal import Terminal
from stylefacet_training.train import train

# Training and export take most of a minute, more beside others.
pytestmark = pytest.mark.timeout(600)

GARMENTS = "garments:48,seed=2,colourways=3,prints=1"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    # So few styles tell nothing of what members of one have in common: `shared` would collapse.
    settings = {"data": (GARMENTS,), "epochs": 1, "latent_dims": 24, "shared": False}
    config = with_settings(preset("catalogue"), settings)
    run = RunFolder(tmp_path_factory.mktemp("run"))
    train(config, run, Terminal(), resume=False)
    return run


@pytest.fixture(scope="module")
def bundle(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export(run, tmp_path_factory.mktemp("bundle") / "tops", name="tops")


def test_every_region_is_a_block_and_a_feature(bundle: Bundle):
    names = ["collar", "sleeve", "body", "outline", "palette"]
    assert [block.name for block in bundle.manifest.blocks] == names
    assert [feature.name for feature in bundle.manifest.features] == names


def test_the_runtime_sees_what_the_trained_network_sees(bundle: Bundle, run: RunFolder):
    checkpoint = load_checkpoint(run)
    model = load_model(checkpoint.config, checkpoint.model)
    pixels = read_pictures(["garments:6,seed=9"], 256, 192).pixels

    embedded = Encoder(bundle).embed(pixels)

    with torch.no_grad():
        posterior = model.encode(torch.from_numpy(pixels))
    mean = posterior.mean.numpy()
    gap = np.abs(embedded.mean - mean).max() / mean.std()
    assert gap < 1e-3
    assert np.allclose(embedded.logvar, posterior.logvar.numpy(), atol=1e-4)


def test_the_card_names_the_weights_that_were_not_trained_here(bundle: Bundle):
    assert "EfficientNet-lite0" in (bundle.path / "card.md").read_text()
