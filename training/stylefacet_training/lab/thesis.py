"""Experiments 1 to 3 of the thesis on t-shirts and tops (document 000), and its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from stylefacet_training.data.circles import (
    HEIGHT_PX,
    WIDTH_PX,
    CircleSource,
    circle_factors,
    circles,
)
from stylefacet_training.lab import pictures
from stylefacet_training.lab.bench import DATA, Bench, Trained, codes_of
from stylefacet_training.lab.experiment import Arm, Experiment, Reading
from stylefacet_training.lab.looks import association, labels_of
from stylefacet_training.lab.meanings import MINOR, correlations, meaning_figures
from stylefacet_training.metrics.mig import mig
from stylefacet_training.plots import reconstructions

# Circles that latents are compared with factors on, and their seed: none of them was trained on.
JUDGED_COUNT, JUDGED_SEED = 2000, 7
_TOPS_FOLDER = "hm_tops"
_LOSSES = ("train_generation", "validation_generation", "train_latent", "validation_latent")
# What a latent moves through in the figures, by the number of latents.
_WIDE = (-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0)
_NARROW = _WIDE[1:-1]
_WIDEST = (-5.0, *_WIDE, 5.0)

_CIRCLES = "The circles are drawn anew, the optimiser and the weights' start are our reading"
_TOPS = "Other photos, with grey grounds; 2,556 for 12,000 to train on"
_STEPS = ", so a fifth of the steps"


@dataclass(frozen=True, slots=True)
class Row:
    """One run of a table: d, beta and its four losses in the order of the tables."""

    table: str
    d: int
    beta: int
    losses: tuple[float, float, float, float]


# Losses: train generation, validation generation, train latent, validation latent.
_ROWS_1 = (
    Row("5.1", 2, 0, (514, 568, 5060, 2260)),
    Row("5.1", 3, 0, (61.6, 69.6, 139, 148)),
    Row("5.1", 10, 0, (56.3, 68.3, 4550, 4860)),
    Row("5.2", 2, 1, (516, 506, 24.3, 25.2)),
    Row("5.2", 3, 1, (66.0, 66.6, 29.7, 29.6)),
    Row("5.2", 10, 1, (64.5, 72.0, 52.3, 52.7)),
    Row("5.3", 2, 4, (563, 617, 16.6, 16.2)),
    Row("5.3", 3, 4, (79.0, 80.8, 24.0, 24.2)),
    Row("5.3", 10, 4, (89.2, 94.1, 28.0, 27.2)),
    Row("5.4", 3, 2, (65.4, 72.9, 26.2, 26.9)),
    Row("5.4", 3, 8, (102, 99.6, 20.9, 20.9)),
    Row("5.4", 3, 16, (157, 157, 17.6, 17.5)),
    Row("5.4", 3, 32, (245, 256, 13.6, 13.2)),
)
_ROWS_2 = (
    Row("5.7", 3, 0, (1800, 2020, 176, 148)),
    Row("5.7", 9, 0, (161, 246, 653, 635)),
    Row("5.7", 20, 0, (139, 192, 8030, 7980)),
    Row("5.8", 3, 1, (1690, 1810, 22.4, 22.7)),
    Row("5.8", 9, 1, (200, 268, 66.9, 70.0)),
    Row("5.8", 20, 1, (306, 529, 123, 118)),
    Row("5.9", 3, 4, (1920, 2030, 16.6, 15.9)),
    Row("5.9", 9, 4, (285, 375, 50.8, 51.1)),
    Row("5.9", 20, 4, (398, 429, 54.5, 54.1)),
    Row("5.10", 9, 16, (560, 639, 29.9, 30.8)),
    Row("5.10", 9, 32, (933, 1040, 18.8, 19.6)),
    Row("5.11", 20, 16, (589, 647, 30.6, 29.6)),
    Row("5.11", 20, 32, (777, 783, 21.2, 21.6)),
)
_ROWS_3 = (
    Row("5.12", 2, 0, (5590, 5540, 147.3, 135.9)),
    Row("5.12", 3, 0, (5170, 5480, 100, 97.4)),
    Row("5.12", 9, 0, (4930, 5040, 600, 660)),
    Row("5.12", 20, 0, (4890, 5010, 935, 921)),
    Row("5.12", 40, 0, (5060, 5030, 1550, 1610)),
    Row("5.12", 100, 0, (4880, 4880, 2730, 2690)),
    Row("5.12", 200, 0, (5010, 4960, 4850, 4810)),
    Row("5.13", 2, 1, (5500, 5700, 18.1, 16.5)),
    Row("5.13", 3, 1, (5230, 5460, 22.9, 22.8)),
    Row("5.13", 9, 1, (5040, 5400, 46.3, 46.6)),
    Row("5.13", 20, 1, (5110, 5000, 64.1, 63.8)),
    Row("5.13", 40, 1, (5020, 5020, 66.7, 67.0)),
    Row("5.13", 100, 1, (4990, 5190, 78.7, 79.1)),
    Row("5.13", 200, 1, (5220, 5200, 99.6, 102)),
    Row("5.14", 2, 4, (5570, 5620, 13.1, 12.8)),
    Row("5.14", 3, 4, (5280, 5570, 16.6, 17.0)),
    Row("5.14", 9, 4, (5080, 5080, 29.0, 29.8)),
    Row("5.14", 20, 4, (5180, 5250, 36.2, 36.2)),
    Row("5.14", 40, 4, (5040, 5100, 31.5, 31.5)),
    Row("5.14", 100, 4, (5300, 5280, 33.2, 33.5)),
    Row("5.14", 200, 4, (5050, 5410, 31.2, 31.4)),
    Row("5.15", 9, 8, (5160, 5150, 22.3, 21.0)),
    Row("5.15", 9, 16, (5270, 5220, 15.5, 14.6)),
    Row("5.15", 9, 32, (5260, 5352, 9.40, 9.88)),
    Row("5.16", 20, 8, (5220, 5050, 20.9, 21.9)),
    Row("5.16", 20, 16, (5310, 5440, 14.5, 14.9)),
    Row("5.16", 20, 32, (5550, 5270, 9.82, 9.89)),
    Row("5.17", 40, 8, (5030, 5360, 21.7, 22.5)),
    Row("5.17", 40, 16, (5340, 5260, 14.4, 14.3)),
    Row("5.17", 40, 32, (5390, 5380, 9.49, 10.0)),
    Row("5.18", 100, 8, (5320, 5320, 22.7, 24.9)),
    Row("5.18", 100, 16, (5400, 5450, 14.8, 14.9)),
    Row("5.18", 100, 32, (5570, 5390, 9.31, 9.16)),
)


def _name(d: int, beta: int) -> str:
    return f"d{d}-beta{beta}"


def _arm(d: int, beta: int, common: Mapping[str, Any]) -> Arm:
    return Arm(_name(d, beta), {"latent_dims": d, "beta": float(beta), **common})


def _readings(rows: Sequence[Row], why: str) -> tuple[Reading, ...]:
    return tuple(
        Reading(
            _name(row.d, row.beta),
            figure,
            f"table {row.table}",
            f"{figure.replace('_', ' ')}, d = {row.d}, beta = {row.beta}",
            theirs,
            why,
        )
        for row in rows
        for figure, theirs in zip(_LOSSES, row.losses, strict=True)
    )


def grid_values(latent_dims: int, *, circles: bool) -> Sequence[float]:
    """Returns the values that the thesis moves a latent through in its figures."""
    if circles and latent_dims <= 10:
        return _NARROW
    return _WIDE if latent_dims <= 10 else _WIDEST


def draw(bench: Bench, trained: Trained, title: str, *, by_channel: bool, circles: bool) -> None:
    """Keeps the three kinds of pictures that the thesis shows of a run."""
    name, model = trained.arm.name, trained.model
    label = f"{title}, {name}"
    bench.picture(f"{name}-samples", pictures.random_samples(model, f"{label}: N(0, I)"))
    bench.picture(
        f"{name}-reconstructions", reconstructions(model, trained.population.examples, label)
    )
    if model.latent_dims <= 20:
        values = grid_values(model.latent_dims, circles=circles)
        heading = f"{label}: one latent moved, the others at nought"
        bench.picture(f"{name}-grid", pictures.grid(model, values, heading, by_channel=by_channel))


def perform_circles(bench: Bench, number: int) -> None:
    """Trains on circles and says by measurement which latent means what."""
    source = CircleSource(number, JUDGED_COUNT, JUDGED_SEED)
    factors = circle_factors(source)
    pixels = circles(factors)
    for arm in bench.arms:
        trained = bench.train(arm)
        mean, _ = codes_of(trained.model, pixels)
        table = correlations(mean, factors)
        gap = mig(mean, factors, source.specs)
        names = [spec.name for spec in source.specs]
        bench.note_arm(
            trained,
            {
                "mig": gap.score,
                # Latents that tell of one factor alone: what full separation would be.
                "single_factor_latents": float(((table >= MINOR).sum(axis=1) == 1).sum()),
            }
            | meaning_figures(table, names),
        )
        draw(bench, trained, f"Circles {number}", by_channel=number == 2, circles=True)


def perform_tops(bench: Bench) -> None:
    """Trains on product photos and says by measurement which latent goes with which look."""
    photos = bench.read(f"{DATA}/{_TOPS_FOLDER}", HEIGHT_PX, WIDTH_PX)
    labels = labels_of(bench.data / _TOPS_FOLDER, photos.names)
    for arm in bench.arms:
        trained = bench.train(arm)
        mean, _ = codes_of(trained.model, photos.pixels)
        table, looks = association(mean, photos.pixels, labels)
        ranked = np.sort(table, axis=0)[::-1]
        # How much better a look's best latent tells it than the next one: nought when entangled.
        gaps = ranked[0] - ranked[1] if len(ranked) > 1 else ranked[0]
        apart = {f"gap_{look}": float(gap) for look, gap in zip(looks, gaps, strict=True)}
        bench.note_arm(trained, apart | {"gap": float(gaps.mean())} | meaning_figures(table, looks))
        draw(bench, trained, "Tops", by_channel=False, circles=False)


_TOPS_SETTINGS = {"data": (f"{DATA}/{_TOPS_FOLDER}",), "pairs_column": "product_code"}


def _circle_settings(number: int) -> Mapping[str, Any]:
    return {"data": (f"circles:{number}",), "height_px": HEIGHT_PX, "width_px": WIDTH_PX}


CIRCLES_1 = Experiment(
    name="circles-1",
    source="000",
    title="Thesis, experiment 1: data set 1, a white circle (tables 5.1 to 5.6)",
    arms=(
        *(_arm(row.d, row.beta, _circle_settings(1)) for row in _ROWS_1),
        _arm(10, 16, _circle_settings(1)),
    ),
    perform=partial(perform_circles, number=1),
    quick={"data": ("circles:1,count=3000",), "epochs": 10},
    minutes=14 * 15,
    quick_minutes=14,
    readings=_readings(_ROWS_1, _CIRCLES),
)
CIRCLES_2 = Experiment(
    name="circles-2",
    source="000",
    title="Thesis, experiment 2: data set 2, a circle a colour channel (tables 5.7 to 5.11)",
    arms=(
        *(_arm(row.d, row.beta, _circle_settings(2)) for row in _ROWS_2),
        _arm(20, 8, _circle_settings(2)),
    ),
    perform=partial(perform_circles, number=2),
    quick={"data": ("circles:2,count=3000",), "epochs": 10},
    minutes=14 * 15,
    quick_minutes=14,
    readings=_readings(_ROWS_2, _CIRCLES),
)
TOPS = Experiment(
    name="tops",
    source="000",
    title="Thesis, experiment 3: product photos at 96x64 (tables 5.12 to 5.18)",
    arms=(
        *(_arm(row.d, row.beta, _TOPS_SETTINGS) for row in _ROWS_3),
        _arm(200, 32, _TOPS_SETTINGS),
    ),
    perform=perform_tops,
    quick={"epochs": 5},
    minutes=34 * 5,
    quick_minutes=34 * 0.5,
    readings=_readings(_ROWS_3, _TOPS + _STEPS),
)
# 50 epochs of 12,000 photos are as many steps as 235 of 2,556.
TOPS_STEPS = Experiment(
    name="tops-steps",
    source="000",
    title="The same with as many optimiser steps as the thesis took: 235 epochs",
    arms=tuple(_arm(d, beta, _TOPS_SETTINGS | {"epochs": 235}) for d, beta in ((9, 16), (20, 1))),
    perform=perform_tops,
    quick={"epochs": 10},
    minutes=2 * 24,
    quick_minutes=2,
    readings=_readings([row for row in _ROWS_3 if (row.d, row.beta) in ((9, 16), (20, 1))], _TOPS),
)
TOPS_LONG = Experiment(
    name="tops-500",
    source="000",
    title="Its future work: 500 epochs, the step size a tenth after 200 and after 400",
    arms=(_arm(9, 16, _TOPS_SETTINGS | {"epochs": 500, "learning_rate_drop_epochs": 200}),),
    perform=perform_tops,
    quick={"epochs": 12, "learning_rate_drop_epochs": 5},
    minutes=50,
    quick_minutes=1.5,
    readings=_readings([row for row in _ROWS_3 if (row.d, row.beta) == (9, 16)], _TOPS),
)
EXPERIMENTS = (CIRCLES_1, CIRCLES_2, TOPS, TOPS_STEPS, TOPS_LONG)
