"""The thesis on log ends (document 002), with garments and tops in the place of logs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from stylefacet_training.augmentation import altered
from stylefacet_training.evaluation.imagenet import HEIGHT_PX, WIDTH_PX, imagenet_features
from stylefacet_training.lab.bench import DATA, Bench, Trained, codes_of
from stylefacet_training.lab.experiment import Arm, Experiment, Reading
from stylefacet_training.lab.thesis import TOPS
from stylefacet_training.models.deep import SIDE_PX, DeepVae, PosteriorSubnetworks
from stylefacet_training.plots import reconstructions, sheet
from stylefacet_training.recognition import (
    FEATURE_DIMS,
    Recogniser,
    Recognition,
    recognised,
    train_recogniser,
)
from stylefacet_training.sampling import TripletPlan, triplet_codes
from stylefacet_training.traversals import decode_codes

TOPS_SOURCE = f"{DATA}/hm_tops"
# The VAE whose latent space triplets are drawn in.
SAMPLER = "d9-beta1"
# Pictures whose prediction is timed, and the latent size of the document's timing.
TIMED_COUNT, TIMED_BATCH, TIMED_DIMS = 24, 8, 1024
# Products with several colourways: trained on, validated, tested, as 70/15/15%.
PRODUCTS, QUICK_PRODUCTS = 600, 160
COPIES, QUICK_COPIES = 4, 2
EPOCHS = 33


def perform_deep(bench: Bench) -> None:
    """Trains the vanilla VAE and the variant, and times both."""
    for arm in bench.arms:
        trained = bench.train(arm)
        s = trained.summary
        bench.note_arm(
            trained,
            {
                "train_elbo": s.train_generation + s.train_latent,
                "train_reconstruction": s.train_generation,
                "train_kl": s.train_latent,
                "validation_elbo": s.validation_generation + s.validation_latent,
                "validation_reconstruction": s.validation_generation,
                "validation_kl": s.validation_latent,
            },
        )
        examples = trained.population.examples
        bench.picture(
            f"{arm.name}-reconstructions", reconstructions(trained.model, examples, arm.name)
        )
    bench.note("prediction", prediction_times(bench))


@torch.no_grad()
def prediction_times(bench: Bench) -> dict[str, float]:
    """Returns seconds for 10,000 pictures of both networks, weights being of no matter.

    The variant is also timed with its sub-networks run one by one.
    """
    generator = np.random.default_rng(0)
    shape = (TIMED_COUNT, SIDE_PX, SIDE_PX, 3)
    pixels = torch.from_numpy(generator.integers(0, 256, shape, dtype=np.uint8))
    parts = torch.split(pixels, TIMED_BATCH)
    figures = {}
    for name, subnetworks in (("vanilla", False), ("variant", True)):
        model = DeepVae(TIMED_DIMS, subnetworks=subnetworks).eval()
        _predict(model, parts[:1])  # the first call of a network is slower
        took = bench.timed(partial(_predict, model, parts))
        figures[f"{name}_s_per_10000"] = took / TIMED_COUNT * 10_000
        if isinstance(model.posterior, PosteriorSubnetworks):
            code = torch.randn(TIMED_BATCH, TIMED_DIMS)
            together = bench.timed(partial(model.posterior, code))
            apart = bench.timed(partial(model.posterior.one_by_one, code))
            figures["subnetworks_apart_by_together"] = apart / together
    figures["variant_by_vanilla"] = figures["variant_s_per_10000"] / figures["vanilla_s_per_10000"]
    return figures


def _predict(model: DeepVae, parts: Sequence[torch.Tensor]) -> None:
    for pixels in parts:
        model.decode(model.encode(pixels).mean)


@dataclass(frozen=True, slots=True)
class DrawnTriplets:
    """Pictures ``(n, h, w, 3)`` of anchors, positives and negatives."""

    anchor: npt.NDArray[np.uint8]
    positive: npt.NDArray[np.uint8]
    negative: npt.NDArray[np.uint8]


def draw_triplets(
    sampler: Trained, anchors: npt.NDArray[np.uint8], plan: TripletPlan, seed: int = 0
) -> DrawnTriplets:
    """Returns a triplet for every anchor photo ``(n, h, w, 3)``, decoded by the VAE."""
    mean, logvar = codes_of(sampler.model, anchors)
    middle = sampler.population.mean.mean(axis=0)
    codes = triplet_codes(mean, logvar, middle, plan, np.random.default_rng(seed))
    return DrawnTriplets(
        *(decode_codes(sampler.model, z) for z in (codes.anchor, codes.positive, codes.negative))
    )


def perform_triplets(bench: Bench) -> None:
    """Draws triplets as the document does, at random directions, and at random distances."""
    sampler = _sampler(bench)
    anchors = sampler.population.examples[:6]
    plans = {
        "document": TripletPlan(),
        "random-direction": TripletPlan(positive_toward_mean=0.5, negative_toward_mean=0.5),
        "random-distance": TripletPlan(random_distance=True),
    }
    for name, plan in plans.items():
        drawn = [draw_triplets(sampler, anchors, plan, seed) for seed in range(2)]
        rows = [
            [photo, *(part[i] for d in drawn for part in (d.anchor, d.positive, d.negative))]
            for i, photo in enumerate(anchors)
        ]
        columns = ["photo", *["anchor", "positive", "negative"] * 2]
        title = f"Triplets by algorithm 3, {name}, two draws"
        bench.picture(name, sheet(title, rows, [""] * len(rows), columns))
        first, second = drawn
        bench.arrays(name, anchor=first.anchor, positive=first.positive, negative=first.negative)
        bench.note(
            name,
            {
                "anchor_to_positive": _apart(first.anchor, first.positive),
                "anchor_to_negative": _apart(first.anchor, first.negative),
                "between_two_draws": _apart(first.positive, second.positive),
            },
        )


def _apart(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Returns the mean difference of pixels, of 255."""
    return float(np.abs(one.astype(np.float64) - other).mean())


def _sampler(bench: Bench) -> Trained:
    # Always the full run: triplets of a VAE that was hardly trained say nothing.
    return bench.at(TOPS, quick=False).train(TOPS.arm(SAMPLER))


def perform_recognition(bench: Bench) -> None:
    """Trains on real triplets and on sampled ones; judges both on real ones."""
    count = QUICK_PRODUCTS if bench.quick else PRODUCTS
    copies = QUICK_COPIES if bench.quick else COPIES
    pairs, pixels = _pairs(bench, count)
    share = np.cumsum([round(0.7 * len(pairs)), round(0.15 * len(pairs))])
    parts = dict(zip(("training", "validation", "test"), np.split(pairs, share), strict=True))
    plain = _features(bench, pixels, 0)[:, 0]

    def judged(model: Recogniser) -> dict[str, float]:
        figures: dict[str, float] = {}
        for name, rows in parts.items():
            found = recognised(model, plain[rows[:, 0]], plain[rows[:, 1]])
            figures |= _told(name, found)
        return figures

    torch.manual_seed(0)
    bench.note("untrained", judged(Recogniser()))
    features = _features(bench, pixels, copies)
    labels = np.zeros(len(pixels), np.int64)
    labels[pairs] = np.arange(len(pairs))[:, None]
    model = train_recogniser(features, labels, parts["training"], epochs=EPOCHS)
    bench.note("real", judged(model))

    drawn = _sampled(bench, pixels[parts["training"][:, 0]])
    together = np.concatenate([drawn.anchor, drawn.positive, drawn.negative])
    features = _features(bench, together, copies)
    m = len(drawn.anchor)
    members = np.arange(3 * m).reshape(3, m).T  # (m, 3): anchor, positive, negative
    labels = np.concatenate([np.arange(m), np.arange(m), np.arange(m, 2 * m)])
    model = train_recogniser(features, labels, members, epochs=EPOCHS)
    own = recognised(model, features[:m, 0], features[m : 2 * m, 0])
    bench.note("sampled", judged(model) | _told("sampled", own))


def _told(name: str, found: Recognition) -> dict[str, float]:
    return {
        f"{name}_first": 100 * found.first,
        f"{name}_triplet": 100 * found.triplet,
        f"{name}_chance": 100 * found.chance,
    }


def _pairs(bench: Bench, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Returns pairs ``(m, 2)`` of colourways of one product and the photos they point into."""
    pictures = bench.read(TOPS_SOURCE, HEIGHT_PX, WIDTH_PX, pairs_column="product_code")
    groups: dict[str, list[int]] = {}
    for i, group in enumerate(pictures.groups):
        groups.setdefault(group, []).append(i)
    several = sorted(group for group, rows in groups.items() if len(rows) >= 2)
    order = np.random.default_rng(0).permutation(len(several))[:count]
    pairs = np.array([groups[several[i]][:2] for i in order])
    rows, place = np.unique(pairs, return_inverse=True)
    return place.reshape(pairs.shape), pictures.pixels[rows]


def _sampled(bench: Bench, photos: npt.NDArray[np.uint8]) -> DrawnTriplets:
    """Returns a triplet for every photo ``(n, h, w, 3)``, in the photos' size."""
    sampler = _sampler(bench)
    anchors = _resized(photos, sampler.config.height_px, sampler.config.width_px)
    drawn = draw_triplets(sampler, anchors, TripletPlan())
    height_px, width_px = photos.shape[1:3]
    return DrawnTriplets(
        *(
            _resized(part, height_px, width_px)
            for part in (drawn.anchor, drawn.positive, drawn.negative)
        )
    )


def _resized(pixels: npt.NDArray[np.uint8], height_px: int, width_px: int) -> npt.NDArray[np.uint8]:
    images = (
        Image.fromarray(picture).resize((width_px, height_px), Image.Resampling.BICUBIC)
        for picture in pixels
    )
    return np.stack([np.asarray(image) for image in images])


def _features(bench: Bench, pixels: npt.NDArray[np.uint8], copies: int) -> npt.NDArray[np.float32]:
    """Returns the maximum over space of the last maps, ``(n, 1 + copies, 1280)``."""
    rng = np.random.default_rng(0)
    versions: Sequence[npt.NDArray[np.uint8]] = [
        pixels,
        *(altered(pixels, rng) for _ in range(copies)),
    ]
    found = []
    for version in versions:
        with bench.terminal.bar("looking at photos") as advance:
            features = imagenet_features(version, bench.folder / "cache", advance)
        found.append(features[:, FEATURE_DIMS:])
    return np.stack(found, axis=1)


_DEEP: Mapping[str, Any] = {
    "data": ("garments:1000,seed=9",),
    "height_px": SIDE_PX,
    "width_px": SIDE_PX,
    "generation_loss": "squared_error",
    "beta": 1.0,
    "validation_share": 0.1,
    "batch_size": 16,
    "epochs": 500,
}


def _deep(name: str, latent_dims: int, model: str) -> Arm:
    return Arm(name, {**_DEEP, "latent_dims": latent_dims, "model": model})


def _losses(
    part: str, table: str, phase: str, figures: tuple[float, float, float]
) -> list[Reading]:
    why = "Rendered garments for photos of logs: plain cloth has no rings"
    return [
        Reading(part, f"{phase}_{name}", f"table {table}", f"{part}, {phase} {name}", theirs, why)
        for name, theirs in zip(("elbo", "reconstruction", "kl"), figures, strict=True)
    ]


_TIMED = "One CPU thread for a GPU; all sub-networks run at once as grouped layers"
DEEP = Experiment(
    name="logs-networks",
    source="002",
    title="Log ends: vanilla VAE and variant with a sub-network a dimension, 256x256 (1K set)",
    arms=(
        _deep("vanilla-256", 256, "vanilla"),
        _deep("variant-256", 256, "subnetworks"),
        _deep("vanilla-512", 512, "vanilla"),
        _deep("variant-512", 512, "subnetworks"),
    ),
    perform=perform_deep,
    # Hours of a GPU, days of a CPU: the quick form shows that both train, no more.
    quick={"data": ("garments:44,seed=9",), "epochs": 3, "batch_size": 4},
    quick_arms=("vanilla-256", "variant-256"),
    further=("prediction",),
    minutes=4 * 6000,
    quick_minutes=10,
    readings=(
        *_losses("vanilla-256", "6.6", "train", (9102.97, 8439.91, 741.06)),
        *_losses("vanilla-512", "6.6", "train", (6632.79, 5938.78, 694.00)),
        *_losses("variant-512", "6.6", "train", (5922.91, 5270.83, 652.08)),
        *_losses("vanilla-256", "6.7", "validation", (22903.19, 22170.41, 732.77)),
        *_losses("vanilla-512", "6.7", "validation", (20533.95, 19792.96, 740.95)),
        *_losses("variant-512", "6.7", "validation", (22820.96, 22189.00, 631.95)),
        Reading("prediction", "vanilla_s_per_10000", "6.1.3", "vanilla, 10,000", 38.591, _TIMED),
        Reading("prediction", "variant_s_per_10000", "6.1.3", "variant, 10,000", 1108.081, _TIMED),
        Reading("prediction", "variant_by_vanilla", "6.1.3", "variant by vanilla", 28.71, _TIMED),
    ),
)
TRIPLETS = Experiment(
    name="logs-triplets",
    source="002",
    title=f"Log ends: triplet sampling in the latent space of tops/{SAMPLER}",
    arms=(),
    further=("document", "random-direction", "random-distance"),
    perform=perform_triplets,
    quick={},
    minutes=1,
    quick_minutes=1,
)
_REAL = (
    "Colourways of a product for the same log at two stations; read as: of all positives the "
    "anchor's own is nearest"
)
_SAMPLED = _REAL + ", so that theirs is one in 147: chance"
RECOGNITION = Experiment(
    name="logs-recognition",
    source="002",
    title="Log ends: recognition model of real and of sampled triplets",
    arms=(),
    further=("untrained", "real", "sampled"),
    perform=perform_recognition,
    quick={},
    minutes=25,
    quick_minutes=5,
    readings=(
        Reading("real", "training_first", "table 6.13", "real, training", 94.07, _REAL),
        Reading("real", "validation_first", "table 6.13", "real, validation", 89.09, _REAL),
        Reading("real", "test_first", "table 6.13", "real, test", 85.45, _REAL),
        Reading("sampled", "sampled_first", "table 6.14", "sampled, training", 76.19, _SAMPLED),
        Reading("sampled", "test_first", "table 6.14", "sampled, real test", 0.68, _SAMPLED),
    ),
)
EXPERIMENTS = (DEEP, TRIPLETS, RECOGNITION)
