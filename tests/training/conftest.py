"""Drawn photos, and a run and a bundle made from them once for all training tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefacet.bundle import Bundle
from stylefacet_training.config import TrainConfig
from stylefacet_training.export import export
from stylefacet_training.runs import RunFolder
from stylefacet_training.terminal import Terminal
from stylefacet_training.train import train

PHOTO_COUNT = 64


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 64 boxes of many sizes and colours on white, as small JPEG files."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(5)
    for i in range(PHOTO_COUNT):
        pixels = np.full((48, 32, 3), 245, np.uint8)
        top, left = rng.integers(2, 16), rng.integers(2, 10)
        pixels[top:-top, left:-left] = rng.integers(0, 200, 3)
        Image.fromarray(pixels).save(folder / f"{i:03}.jpg", quality=95)
    return folder


@pytest.fixture(scope="session")
def tiny_config(photos: Path) -> TrainConfig:
    return TrainConfig(
        data=(str(photos),),
        height_px=32,
        width_px=32,
        latent_dims=4,
        epochs=2,
        batch_size=8,
        # No weight on the latent loss: in so few steps it would leave nothing to export.
        beta=0.0,
        checkpoint_every_s=0.0,
    )


@pytest.fixture(scope="session")
def tiny_run(tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = RunFolder(tmp_path_factory.mktemp("run"))
    train(tiny_config, run, Terminal(), resume=False)
    return run


@pytest.fixture(scope="session")
def tiny_trained_bundle(tiny_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export(tiny_run, tmp_path_factory.mktemp("bundle") / "tiny", name="tiny")
