"""Fashion-MNIST: the tutorial (document 001) and the lab exercise (document 004)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from stylefacet_training.classifying import accuracy, train_classifier
from stylefacet_training.data.idx import IdxSource, read_idx_classes
from stylefacet_training.lab import pictures
from stylefacet_training.lab.bench import DATA, Bench, Trained, codes_of, squared_errors
from stylefacet_training.lab.experiment import Arm, Experiment
from stylefacet_training.lab.measures import neighbour_accuracy
from stylefacet_training.models.conditional import ConditionalVae
from stylefacet_training.plots import reconstructions, sheet

SOURCE = f"idx:{DATA}/fashion_mnist"
NAMES = (
    *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
# Points of a map, of a t-SNE in particular, whose time grows faster than they.
MAP_COUNT = 2500
# The tutorial scales pixels to -1..1, where squared error is four times that of 0..1; beta of a
# quarter is the same objective.
SCALED_BETA = 0.25

COMMON: Mapping[str, Any] = {
    "data": (SOURCE,),
    "model": "digits",
    "network": 1,
    "height_px": 28,
    "width_px": 28,
    "channels": 1,
    "batch_size": 128,
    "epochs": 10,
}
_TUTORIAL = {**COMMON, "generation_loss": "squared_error", "beta": SCALED_BETA}


def test_part(bench: Bench, count: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Returns the first pictures of the test file and their classes."""
    options = f",part=t10k,count={count}"
    classes = read_idx_classes(IdxSource(bench.data / "fashion_mnist", "t10k", count))
    return bench.read(SOURCE + options, 28, 28).pixels, classes


def perform_tutorial(bench: Bench) -> None:
    """Trains several latent sizes; maps, interpolations, samples and k-NN accuracy of each."""
    pixels, classes = test_part(bench, 5000)
    for arm in bench.arms:
        trained = bench.train(arm)
        mean, _ = codes_of(trained.model, pixels)
        bench.note_arm(trained, neighbourhood(trained, mean, pixels, classes))
        _draw_maps(bench, arm.name, mean[:MAP_COUNT], classes[:MAP_COUNT])
        ways = [(mean[i], mean[j]) for i, j in _different(classes, 5)]
        title = f"{arm.name}: from one test picture's code to another's"
        bench.picture(f"{arm.name}-ways", pictures.interpolations(trained.model, ways, title))
        bench.picture(f"{arm.name}-samples", pictures.random_samples(trained.model, arm.name))
        bench.picture(
            f"{arm.name}-reconstructions", reconstructions(trained.model, pixels[:8], arm.name)
        )


def neighbourhood(
    trained: Trained,
    mean: npt.NDArray[np.float32],
    pixels: npt.NDArray[np.uint8],
    classes: npt.NDArray[np.int64],
) -> dict[str, float]:
    """Returns how good clusters are, and the error of reconstructions from the mean."""
    return {
        "neighbour_accuracy": 100 * neighbour_accuracy(mean, classes),
        "squared_error_of_mean": float(squared_errors(trained.model, pixels).mean()),
    }


def _draw_maps(
    bench: Bench, name: str, mean: npt.NDArray[np.float32], classes: npt.NDArray[np.int64]
) -> None:
    if mean.shape[1] == 2:
        bench.picture(f"{name}-plane", pictures.scatter(mean, classes, NAMES, f"{name}: codes"))
        return
    flat = PCA(2, random_state=0).fit_transform(mean)
    bench.picture(f"{name}-pca", pictures.scatter(flat, classes, NAMES, f"{name}: PCA"))
    near = TSNE(2, random_state=0, init="pca").fit_transform(mean)
    bench.picture(f"{name}-tsne", pictures.scatter(near, classes, NAMES, f"{name}: t-SNE"))


def _different(classes: npt.NDArray[np.int64], count: int) -> list[tuple[int, int]]:
    """Returns positions of the first picture of a class and of the one five classes on."""
    first = [int(np.flatnonzero(classes == number)[0]) for number in range(len(NAMES))]
    return [(first[i], first[i + 5]) for i in range(count)]


def perform_conditional(bench: Bench) -> None:
    """Trains a conditional VAE, draws every class, and lets a classifier say what was drawn."""
    pixels, classes = test_part(bench, 5000)
    train_count = 10_000
    options = f",count={train_count}"
    judge = train_classifier(
        bench.read(SOURCE + options, 28, 28).pixels,
        read_idx_classes(IdxSource(bench.data / "fashion_mnist", "train", train_count)),
        len(NAMES),
        epochs=3,
    )
    for arm in bench.arms:
        trained = bench.train(arm)
        model = trained.model
        assert isinstance(model, ConditionalVae)
        torch.manual_seed(0)
        asked = np.repeat(np.arange(len(NAMES)), 50)
        drawn = decoded_given(model, torch.randn(len(asked), model.latent_dims), asked)
        mean, _ = codes_of(model, pixels)
        figures = {
            "drawn_as_told": 100 * accuracy(judge, drawn, asked),
            "judge_on_test": 100 * accuracy(judge, pixels, classes),
            # The code need not hold the class, so it should tell it worse than a VAE's does.
            "neighbour_accuracy": 100 * neighbour_accuracy(mean, classes),
        }
        bench.note_arm(trained, figures)
        z = torch.randn(9, model.latent_dims)
        rows = [
            list(np.repeat(decoded_given(model, z, np.full(9, number)), 3, axis=3))
            for number in range(len(NAMES))
        ]
        title = f"{arm.name}: a row a class that was told, a column a code"
        bench.picture(f"{arm.name}-classes", sheet(title, rows, NAMES, []))


@torch.no_grad()
def decoded_given(
    model: ConditionalVae, z: torch.Tensor, classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """Returns pictures ``(n, h, w, c)`` uint8 of codes and classes."""
    unit = torch.sigmoid(model.decode_logits_given(z, torch.from_numpy(classes)))
    return (unit * 255).round().to(torch.uint8).numpy()


def perform_plane(bench: Bench) -> None:
    """Samples the latent plane systematically, of a VAE and of an autoencoder."""
    pixels, classes = test_part(bench, 5000)
    for arm in bench.arms:
        trained = bench.train(arm)
        mean, _ = codes_of(trained.model, pixels)
        low, high = (-3.0, -3.0), (3.0, 3.0)
        if trained.config.beta == 0:
            # An autoencoder's codes may lie anywhere: over the middle 96% of them.
            low, high = (tuple(edge.tolist()) for edge in np.quantile(mean, (0.02, 0.98), axis=0))
        bench.picture(f"{arm.name}-plane", pictures.plane(trained.model, low, high, arm.name))
        bench.picture(
            f"{arm.name}-codes", pictures.scatter(mean, classes, NAMES, f"{arm.name}: test codes")
        )
        spread = {
            "code_sd_1": float(mean[:, 0].std()),
            "code_sd_2": float(mean[:, 1].std()),
        }
        bench.note_arm(trained, neighbourhood(trained, mean, pixels, classes) | spread)


EXPERIMENTS = (
    Experiment(
        name="fashion-vae",
        source="001",
        title="Tutorial: VAE on Fashion-MNIST in several latent sizes; maps, ways, samples",
        arms=tuple(Arm(f"d{d}", {**_TUTORIAL, "latent_dims": d}) for d in (2, 10, 32)),
        perform=perform_tutorial,
        quick={"data": (f"{SOURCE},count=10000",), "epochs": 5},
        minutes=40,
        quick_minutes=5,
    ),
    Experiment(
        name="fashion-conditional",
        source="001",
        title="Tutorial's enhancement: a conditional VAE that draws the class it is told",
        arms=(
            Arm("d10", {**_TUTORIAL, "latent_dims": 10, "objective": "conditional"}),
            # A code that costs more leaves to the class what the class can tell.
            Arm(
                "d10-beta2",
                {**_TUTORIAL, "latent_dims": 10, "objective": "conditional", "beta": 2.0},
            ),
        ),
        perform=perform_conditional,
        quick={"data": (f"{SOURCE},count=10000",), "epochs": 5},
        minutes=28,
        quick_minutes=3,
    ),
    Experiment(
        name="fashion-plane",
        source="004",
        title="Lab exercise: the latent plane systematically, VAE beside autoencoder",
        arms=(
            Arm("vae", {**COMMON, "latent_dims": 2, "beta": 1.0}),
            Arm("ae", {**COMMON, "latent_dims": 2, "beta": 0.0}),
        ),
        perform=perform_plane,
        quick={"data": (f"{SOURCE},count=10000",), "epochs": 6},
        minutes=27,
        quick_minutes=5,
    ),
)
