"""What the documents name as future work and what their field has done since.

Every regularizer and both adversarial models on data of known factors, judged by the same metrics.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from stylefacet_training.data.circles import (
    HEIGHT_PX,
    WIDTH_PX,
    CircleSource,
    circle_factors,
    circles,
)
from stylefacet_training.data.factor import FactorSpec
from stylefacet_training.data.garments import FACTORS
from stylefacet_training.data.garments.catalogue import style_factors
from stylefacet_training.data.rendered import RenderedSource, render_pictures
from stylefacet_training.lab.bench import Bench, codes_of
from stylefacet_training.lab.experiment import Arm, Experiment
from stylefacet_training.lab.thesis import JUDGED_COUNT, JUDGED_SEED, draw
from stylefacet_training.metrics.dci import dci
from stylefacet_training.metrics.factor_vae import factor_vae_score_of_codes
from stylefacet_training.metrics.mig import mig
from stylefacet_training.metrics.sap import sap

GARMENT_COUNT = 6000
JUDGED_GARMENTS = ("sleeve_length", "body_length", "body_width", "hue", "value", "pattern_scale")

# One strength each, near what its paper used; none was tuned here.
REGULARIZERS: Mapping[str, Mapping[str, Any]] = {
    "vae": {"beta": 1.0},
    "beta-vae": {"beta": 4.0},
    "beta-tcvae": {"regularizer": "beta_tcvae", "beta": 6.0},
    "factor-vae": {"regularizer": "factor_vae", "beta": 10.0},
    "dip-vae": {"regularizer": "dip_vae", "beta": 10.0},
    "annealed-vae": {"regularizer": "annealed_vae", "beta": 100.0, "capacity_nats": 25.0},
}
# An adversary's mean cross-entropy is small beside a reconstruction summed over pixels.
ADVERSARIES: Mapping[str, Mapping[str, Any]] = {
    "adversarial-autoencoder": {
        "objective": "adversarial_autoencoder",
        "companion_weight": 100.0,
        "companion_learning_rate": 1e-3,
    },
    "infogan": {
        "objective": "info_gan",
        "beta": 1.0,
        "batch_norm": True,
        "adam_beta1": 0.5,
        "companion_learning_rate": 2e-4,
        "learning_rate": 1e-3,
    },
}


def separation(
    mean: npt.NDArray[np.float32],
    factors: npt.NDArray[np.float64],
    specs: Sequence[FactorSpec],
) -> dict[str, float]:
    """Returns the disentanglement metrics of codes ``(n, d)`` of known factors ``(n, f)``."""
    forests = dci(mean, factors, specs)
    votes = factor_vae_score_of_codes(mean, factors, specs, np.random.default_rng(0))
    return {
        "mig": mig(mean, factors, specs).score,
        "disentanglement": forests.disentanglement,
        "completeness": forests.completeness,
        "informativeness": forests.informativeness,
        "sap": sap(mean, factors, specs).score,
        "factor_vae_score": votes.score,
        "code_mean_square": float(np.square(mean.mean(axis=0)).mean()),
        "code_variance": float(mean.var(axis=0).mean()),
    }


def perform_circles(bench: Bench, number: int) -> None:
    """Judges every model on circles it was not trained on."""
    source = CircleSource(number, JUDGED_COUNT, JUDGED_SEED)
    factors = circle_factors(source)
    _judge(bench, circles(factors), factors, source.specs, f"Circles {number}", number == 2)


def perform_garments(bench: Bench) -> None:
    """Judges every model on rendered garments it was not trained on."""
    source = RenderedSource(1500, seed=1_000_003)
    with bench.terminal.bar("rendering") as advance:
        pixels = render_pictures(source, HEIGHT_PX, WIDTH_PX, advance).pixels
    drawn = style_factors(source.count, source.colourways, np.random.default_rng(source.seed))
    specs = tuple(spec for spec in FACTORS if spec.name in JUDGED_GARMENTS)
    factors = np.stack([getattr(drawn, spec.name) for spec in specs], 1).astype(np.float64)
    _judge(bench, pixels, factors, specs, "Rendered garments", by_channel=False)


def _judge(
    bench: Bench,
    pixels: npt.NDArray[np.uint8],
    factors: npt.NDArray[np.float64],
    specs: Sequence[FactorSpec],
    title: str,
    by_channel: bool,
) -> None:
    for arm in bench.arms:
        trained = bench.train(arm)
        mean, _ = codes_of(trained.model, pixels)
        bench.note_arm(trained, separation(mean, factors, specs))
        on_circles = title.startswith("Circles")
        draw(bench, trained, title, by_channel=by_channel, circles=on_circles)


def _arms(settings: Mapping[str, Any], kinds: Mapping[str, Mapping[str, Any]]) -> tuple[Arm, ...]:
    return tuple(Arm(name, {**settings, **kind}) for name, kind in kinds.items())


def _circles(number: int, latent_dims: int) -> Mapping[str, Any]:
    size = {"height_px": HEIGHT_PX, "width_px": WIDTH_PX}
    return {"data": (f"circles:{number}",), "latent_dims": latent_dims, **size}


def _experiment(
    name: str,
    title: str,
    perform: Callable[[Bench], None],
    arms: tuple[Arm, ...],
    quick: Mapping[str, Any],
) -> Experiment:
    return Experiment(
        name=name,
        source="000",
        title=title,
        arms=arms,
        perform=perform,
        quick=quick,
        minutes=16 * len(arms),
        quick_minutes=1.5 * len(arms),
    )


_ALL = {**REGULARIZERS, **ADVERSARIES}
EXPERIMENTS = (
    _experiment(
        "separation-circles-1",
        "Future work: disentanglement metrics, regularizers and adversarial models on data set 1",
        partial(perform_circles, number=1),
        _arms(_circles(1, 10), _ALL),
        {"data": ("circles:1,count=2500",), "epochs": 12, "capacity_epochs": 6.0},
    ),
    _experiment(
        "separation-circles-2",
        "The same on data set 2",
        partial(perform_circles, number=2),
        _arms(_circles(2, 20), _ALL),
        {"data": ("circles:2,count=2500",), "epochs": 12, "capacity_epochs": 6.0},
    ),
    _experiment(
        "separation-garments",
        "The same on rendered garments",
        perform_garments,
        _arms({"data": (f"garments:{GARMENT_COUNT},seed=5",), "latent_dims": 20}, _ALL),
        {"data": ("garments:1200,seed=5",), "epochs": 20, "capacity_epochs": 10.0},
    ),
)
