"""Judges a bundle on rendered garments, whose factors are known; knows no labelled photo."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import Bundle
from stylefacet.inference import Encoder
from stylefacet_training.data.factor import FactorKind, FactorSpec
from stylefacet_training.data.garments import FACTORS, PATTERNS, GarmentFactors
from stylefacet_training.data.garments.catalogue import style_factors
from stylefacet_training.data.rendered import RenderedSource, render_pictures
from stylefacet_training.evaluation.named import Population, draw_examples
from stylefacet_training.evaluation.representations import Codes, embed_all
from stylefacet_training.metrics.active_units import active_units
from stylefacet_training.metrics.dci import dci
from stylefacet_training.metrics.factor_retrieval import named_retrieval, whole_retrieval
from stylefacet_training.metrics.factor_vae import factor_vae_score_of_codes
from stylefacet_training.metrics.mig import block_mig, mig
from stylefacet_training.metrics.sap import sap
from stylefacet_training.terminal import Terminal

# The factors that an encoder promises to carry; the renderer draws others beside them.
JUDGED = (
    "sleeve_length",
    "collar",
    "body_length",
    "body_width",
    "hue",
    "value",
    "pattern",
    "pattern_scale",
)
# Added to the seed, so that the garments judged are not those of a training run.
SEED_OFFSET = 1_000_003
# Equally frequent ranges that numbers and hues are named by for a fit, as a shop would name them.
RANGE_COUNT = 10
EXAMPLE_COUNT = 20
# Saturation times value below which a cloth is grey and its hue cannot be seen.
GREY_CHROMA = 0.1

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Separation:
    """How well units, which are dimensions or blocks, keep factors apart; all in 0..1."""

    mig: float
    disentanglement: float
    completeness: float
    informativeness: float
    sap: float
    factor_vae: float
    disentanglement_by_unit: Mapping[str, float]
    completeness_by_factor: Mapping[str, float]
    informativeness_by_factor: Mapping[str, float]
    mig_by_factor: Mapping[str, float]
    sap_by_factor: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class FactorFigure:
    """Retrieval of one factor among ``item_count`` garments that show it (see ``visible``).

    Categories: share of the 10 nearest that are alike. Numbers and hues: 1 - mean distance of the
    10 nearest in the factor / that of random pairs.
    """

    whole: float
    named_20: float
    named_20_spread: float
    named_all: float
    chance: float
    item_count: int


@dataclass(frozen=True, slots=True)
class KnownFactors:
    """Figures on rendered garments; ``by_block`` is None where the encoder has a single block."""

    garment_count: int
    fit_count: int
    seed: int
    active_count: int
    active_by_block: Mapping[str, int]
    by_dimension: Separation
    by_block: Separation | None
    retrieval: Mapping[str, FactorFigure]
    seconds: Mapping[str, float]


def judge_known_factors(
    bundle: Bundle, count: int, *, seed: int, draw_count: int, terminal: Terminal
) -> KnownFactors:
    """Renders garments, embeds them with the shipped encoder and measures all of it.

    The first half is what named features are fitted on, the second what they are judged on; the
    metrics of separation take all.
    """
    started = time.perf_counter()
    source = RenderedSource(count, SEED_OFFSET + seed)
    manifest = bundle.manifest
    with terminal.bar("rendering") as advance:
        pixels = render_pictures(
            source, manifest.input_height_px, manifest.input_width_px, advance
        ).pixels
    # The same draw as the pictures'.
    factors = style_factors(count, source.colourways, np.random.default_rng(source.seed))
    rendered = time.perf_counter()
    with terminal.bar("embedding") as advance:
        mean = embed_all(Encoder(bundle), pixels, advance).mean
    embedded = time.perf_counter()

    specs = tuple(spec for spec in FACTORS if spec.name in JUDGED)
    truth = np.stack([getattr(factors, spec.name) for spec in specs], axis=1).astype(np.float64)
    blocks = {block.name: (block.start, block.end) for block in manifest.blocks}
    units = active_units(mean)
    with terminal.bar("judging factors") as advance:
        by_dimension = _separation(mean, truth, specs, None, seed)
        advance(1, 3)
        by_block = _separation(mean, truth, specs, blocks, seed) if len(blocks) > 1 else None
        advance(2, 3)
        separated = time.perf_counter()
        retrieval = {spec.name: _retrieval(mean, factors, spec, seed, draw_count) for spec in specs}
        advance(3, 3)
    ended = time.perf_counter()
    return KnownFactors(
        garment_count=count,
        fit_count=count // 2,
        seed=seed,
        active_count=units.count,
        active_by_block=units.by_block(blocks),
        by_dimension=by_dimension,
        by_block=by_block,
        retrieval=retrieval,
        seconds={
            "rendering": round(rendered - started, 2),
            "embedding": round(embedded - rendered, 2),
            "separation": round(separated - embedded, 2),
            "retrieval": round(ended - separated, 2),
            "all": round(ended - started, 2),
        },
    )


def visible(name: str, factors: GarmentFactors) -> Mask:
    """Returns which garments show a factor at all, ``(n,)``.

    A plain cloth has no pattern scale and a grey one no hue, whatever was drawn for it.
    """
    if name == "pattern_scale":
        return np.asarray(factors.pattern != PATTERNS.index("plain"))
    if name == "hue":
        return np.asarray(factors.saturation * factors.value >= GREY_CHROMA)
    return np.ones(len(factors), dtype=np.bool_)


def factor_names(values: npt.NDArray[np.float64], spec: FactorSpec) -> npt.NDArray[np.str_]:
    """Returns a name for each value ``(n,)``: its category, or its equally frequent range."""
    if spec.kind is FactorKind.CATEGORICAL:
        return np.array(spec.values, dtype=np.str_)[values.astype(np.int64)]
    shares = np.arange(1, RANGE_COUNT) / RANGE_COUNT
    ranges = np.searchsorted(np.quantile(values, shares), values, side="right")
    return np.array([f"{number:02}" for number in range(RANGE_COUNT)], dtype=np.str_)[ranges]


def _separation(
    mean: Codes,
    truth: npt.NDArray[np.float64],
    specs: Sequence[FactorSpec],
    blocks: Mapping[str, tuple[int, int]] | None,
    seed: int,
) -> Separation:
    gap = mig(mean, truth, specs) if blocks is None else block_mig(mean, truth, specs, blocks)
    forests = dci(mean, truth, specs, blocks, seed=seed)
    predictable = sap(mean, truth, specs, blocks, seed=seed)
    votes = factor_vae_score_of_codes(mean, truth, specs, np.random.default_rng(seed), blocks)
    return Separation(
        mig=gap.score,
        disentanglement=forests.disentanglement,
        completeness=forests.completeness,
        informativeness=forests.informativeness,
        sap=predictable.score,
        factor_vae=votes.score,
        disentanglement_by_unit=forests.disentanglement_by_unit,
        completeness_by_factor=forests.completeness_by_factor,
        informativeness_by_factor=forests.informativeness_by_factor,
        mig_by_factor=gap.by_factor,
        sap_by_factor=predictable.by_factor,
    )


def _retrieval(
    mean: Codes, factors: GarmentFactors, spec: FactorSpec, seed: int, draw_count: int
) -> FactorFigure:
    seen = np.flatnonzero(visible(spec.name, factors))
    values = getattr(factors, spec.name).astype(np.float64)
    half = len(factors) // 2
    fit, judged = seen[seen < half], seen[seen >= half]
    truth = values[judged, None]
    names = factor_names(values[fit], spec)
    # All garments of the first half are the population, as all of a catalogue would be.
    population = Population(mean[:half])

    def score(example_count: int | None, draw: int) -> float:
        examples = draw_examples(names, example_count, seed, draw)
        # Positions among those that show the factor, to positions among all.
        fitted = population.fit(examples.of(fit), mean[judged], seed)
        return named_retrieval({spec.name: fitted.coordinates}, truth, (spec,))[spec.name].score

    draws = [score(EXAMPLE_COUNT, draw) for draw in range(draw_count)]
    whole = whole_retrieval(mean[judged], truth, (spec,))[spec.name]
    return FactorFigure(
        whole=whole.score,
        named_20=float(np.mean(draws)),
        named_20_spread=float(np.std(draws, ddof=1)) if draw_count > 1 else 0.0,
        named_all=score(None, 0),
        chance=whole.chance,
        item_count=len(judged),
    )
