from pathlib import Path

import numpy as np
import pytest

from stylefacet_training.lab.bench import Bench
from stylefacet_training.lab.experiment import Arm, Experiment, Reading
from stylefacet_training.terminal import Terminal

CIRCLES = {
    "data": ("circles:1,count=60",),
    "latent_dims": 2,
    "epochs": 2,
    "batch_size": 20,
    "beta": 1.0,
}


def perform(bench: Bench) -> None:
    for arm in bench.arms:
        bench.note_arm(bench.train(arm), {"answer": 42.0})
        bench.picture(arm.name, b"\x89PNG")


@pytest.fixture
def experiment() -> Experiment:
    return Experiment(
        name="circles-1",
        source="000",
        title="Two runs on a few circles",
        arms=(Arm("plain", CIRCLES), Arm("other", CIRCLES | {"beta": 2.0})),
        perform=perform,
        quick={"epochs": 1},
        minutes=0.1,
        quick_minutes=0.1,
        readings=(
            Reading("plain", "answer", "table 1", "the answer", 84.0, "Ours is <half>"),
            Reading("absent", "answer", "table 1", "another", 7.0, "None"),
        ),
    )


@pytest.fixture
def bench(experiment: Experiment, tmp_path: Path) -> Bench:
    return Bench(experiment, tmp_path / "lab", tmp_path, Terminal())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a few made-up digits: a square whose place tells its class."""
    folder = tmp_path / "data" / "mnist_10k"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 80), ("t10k", 40)):
        classes = (np.arange(count) % 10).astype(np.uint8)
        images = rng.integers(0, 20, (count, 28, 28), dtype=np.uint8)
        for image, number in zip(images, classes, strict=True):
            image[4 + number : 12 + number, 2 * number : 2 * number + 6] = 250
        for what, values in (("images", images), ("labels", classes)):
            head = bytes((0, 0, 8, values.ndim)) + np.array(values.shape, ">i4").tobytes()
            name = f"{part}-{what}-idx{values.ndim}-ubyte"
            (folder / name).write_bytes(head + values.tobytes())
    return tmp_path / "data"
