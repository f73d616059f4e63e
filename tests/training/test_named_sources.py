"""Circles and idx files: what is drawn and read, and what is refused."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stylefacet.errors import InvalidField, ResourceMissing, SettingInvalid
from stylefacet_training.config import ObjectiveName, TrainConfig
from stylefacet_training.data.circles import CircleSource, circle_factors, circles
from stylefacet_training.data.classes import read_classes
from stylefacet_training.data.sources import read_pictures
from stylefacet_training.models.conditional import ConditionalVae
from stylefacet_training.recipes import load_model
from stylefacet_training.runs import RunFolder, load_checkpoint
from stylefacet_training.terminal import Terminal
from stylefacet_training.train import train

COUNT = 40


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Forty stripes of two classes, upright and lying, as idx files; the pictures are packed."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, COUNT).astype(np.uint8)
    images = np.zeros((COUNT, 28, 28), np.uint8)
    for image, upright, at in zip(images, classes, rng.integers(4, 20, COUNT), strict=True):
        image[(slice(None), slice(at, at + 4)) if upright else slice(at, at + 4)] = 255
    head = bytes((0, 0, 8, 3)) + np.array(images.shape, ">i4").tobytes()
    packed = gzip.compress(head + images.tobytes())
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed)
    head = bytes((0, 0, 8, 1)) + np.array(COUNT, ">i4").tobytes()
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(head + classes.tobytes())
    return tmp_path


def test_a_circle_is_as_large_and_where_its_factors_say():
    picture = circles(np.array([[10.0, 24.0, 40.0]]))[0]

    rows, columns = np.nonzero(picture[..., 0])
    assert (picture[..., 0] == picture[..., 2]).all()
    assert len(rows) == pytest.approx(np.pi * 10**2, rel=0.02)
    assert (columns.mean(), rows.mean()) == pytest.approx((24.0, 40.0), abs=0.1)


def test_set_2_draws_every_channel_by_itself():
    source = CircleSource(2, count=500)
    factors = circle_factors(source)

    assert factors.shape == (500, 9)
    assert [spec.name for spec in source.specs][3:5] == ["green scale", "green horizontal"]
    assert np.abs(np.corrcoef(factors.T) - np.eye(9)).max() < 0.2
    assert factors[:, 0::3].min() >= 1
    assert factors[:, 0::3].max() <= 20
    assert factors[:, 1::3].min() >= 20
    assert factors[:, 1::3].max() <= 44


def test_pictures_of_circles_belong_to_their_factors():
    source = CircleSource(1, count=20, seed=4)

    pictures = read_pictures(["circles:1,count=20,seed=4"], 96, 64)

    assert (pictures.pixels == circles(circle_factors(source))).all()


@pytest.mark.parametrize(
    "text",
    ["circles:3", "circles:1,count=1", "circles:1,colour=red", "idx:,part=train", "idx:x,y=1"],
)
def test_a_malformed_source_is_refused(text):
    with pytest.raises(InvalidField, match="data"):
        read_pictures([text], 96, 64)


def test_circles_have_one_size():
    with pytest.raises(InvalidField, match="96x64"):
        read_pictures(["circles:1"], 64, 64)


def test_idx_files_are_read_packed_and_plain(digits):
    pictures = read_pictures([f"idx:{digits},first=5,count=10"], 28, 28)
    classes, names = read_classes([f"idx:{digits},first=5,count=10"], pictures)

    upright = pictures.pixels[:, 0, :, 0].any(axis=1)
    assert pictures.pixels.shape == (10, 28, 28, 1)
    assert (classes == upright).all()
    assert names == ("0", "1")


def test_a_missing_idx_file_is_named(digits):
    with pytest.raises(ResourceMissing, match="t10k-images-idx3-ubyte"):
        read_pictures([f"idx:{digits},part=t10k"], 28, 28)


@pytest.mark.parametrize("damage", [lambda c: c[:200], lambda c: c[:-40], lambda c: c[::-1]])
def test_a_damaged_idx_file_is_refused(digits, damage):
    path = digits / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(InvalidField, match="train-images"):
        read_pictures([f"idx:{digits}"], 28, 28)


def test_grey_pictures_in_a_model_of_colours_are_refused(digits, tmp_path):
    config = TrainConfig(data=(f"idx:{digits}",), height_px=28, width_px=28, model="digits")

    with pytest.raises(SettingInvalid, match="channels: is 3"):
        train(config, RunFolder(tmp_path / "run"), Terminal(), resume=False)


@pytest.fixture
def digits_config(digits: Path) -> TrainConfig:
    return TrainConfig(
        data=(f"idx:{digits}",),
        model="digits",
        height_px=28,
        width_px=28,
        channels=1,
        latent_dims=2,
        class_count=2,
        beta=1.0,
        epochs=30,
        batch_size=10,
        learning_rate=0.005,
    )


def test_a_conditional_model_draws_the_class_it_is_told(digits_config, tmp_path):
    config = replace(digits_config, objective=ObjectiveName.CONDITIONAL)
    run = RunFolder(tmp_path / "run")
    train(config, run, Terminal(), resume=False)
    checkpoint = load_checkpoint(run)
    model = load_model(config, checkpoint.model)
    assert isinstance(model, ConditionalVae)

    with torch.no_grad():
        logits = model.decode_logits_given(torch.zeros(2, 2), torch.tensor([0, 1]))
    lying, upright = torch.sigmoid(logits)[..., 0]

    # A lying stripe differs from row to row, an upright one from column to column.
    assert lying.mean(1).std() > 2 * lying.mean(0).std()
    assert upright.mean(0).std() > 2 * upright.mean(1).std()


def test_a_task_makes_reconstructions_that_a_classifier_can_read(digits_config, tmp_path):
    config = replace(
        digits_config, objective=ObjectiveName.TASK, companion_learning_rate=1e-3, epochs=20
    )

    train(config, RunFolder(tmp_path / "run"), Terminal(), resume=False)

    rows = RunFolder(tmp_path / "run").metrics.read_text().splitlines()
    import json

    first, last = json.loads(rows[0]), json.loads(rows[-1])
    assert last["train_task"] < 0.5 * first["train_task"]


def test_a_task_of_the_wrong_number_of_classes_is_refused(digits_config, tmp_path):
    config = replace(digits_config, objective=ObjectiveName.TASK, class_count=7)

    with pytest.raises(SettingInvalid, match="class_count: is 7"):
        train(config, RunFolder(tmp_path / "run"), Terminal(), resume=False)
