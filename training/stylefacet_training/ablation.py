"""Switches the levers of the catalogue encoder on and off and measures what each one buys.

The heads are solved for anew a lever and seed, from features of the photos that are computed once;
no decoder is trained and nothing is exported. The fit of named features and the figures are those
of ``evaluate``. Knows no command line.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stylefacet.errors import FeatureNotCarried, InvalidField
from stylefacet.features.fitting import COMPANION_COUNT
from stylefacet_training.catalogue_fit import (
    PLANS,
    HeadPlan,
    Seen,
    colour_centres,
    look,
    palette_features,
    prepare_trunk,
    solve_head,
)
from stylefacet_training.config import TrainConfig
from stylefacet_training.data.image_folder import read_image_folder
from stylefacet_training.data.pictures import PictureSet
from stylefacet_training.evaluation.attributes import EXAMPLE_COUNT, Figure
from stylefacet_training.evaluation.labelled import LabelledFolder, read_labelled
from stylefacet_training.evaluation.named import Population, draw_examples
from stylefacet_training.evaluation.splitting import parts_by_group
from stylefacet_training.metrics.retrieval import chance, retrieval
from stylefacet_training.models.catalogue import (
    BLOCK_SHARES,
    CatalogueVae,
    blocks_of,
    feature_counts,
)
from stylefacet_training.models.linear_gaussian import Head
from stylefacet_training.runs import write_atomically
from stylefacet_training.terminal import Terminal

TRAINING, JUDGED = "training", "judged"
JUDGED_SHARE = 0.25
PALETTE = "palette"

Codes = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_WHOLE = HeadPlan(("garment",), ("garment", "garment_statistics", "garment_top"))
_POOLED = HeadPlan(
    ("collar", "body", "garment"), ("neck", "garment", "garment_statistics", "garment_top")
)


@dataclass(frozen=True, slots=True)
class Lever:
    """One change to the encoder, or to the fit of named features.

    ``settings`` are those of TrainConfig that differ; ``plans`` the heads, by block, where they are
    not the five of the encoder, and ``shares`` their shares of the latent vector. ``blocks`` names
    those that are searched, if not all; ``companion_count`` is that of the fit.
    """

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)
    plans: Mapping[str, HeadPlan] = field(default_factory=lambda: PLANS)
    blocks: tuple[str, ...] = ()
    shares: Mapping[str, int] = field(default_factory=lambda: BLOCK_SHARES)
    companion_count: int = COMPANION_COUNT

    def sizes(self, latent_dims: int) -> Mapping[str, int]:
        """Returns how many dimensions each block gets; one that the encoder lacks, the rest."""
        known = {name: share for name, share in self.shares.items() if name in self.plans}
        rest = sum(self.shares.values()) - sum(known.values())
        shares = {name: known.get(name, rest) for name in self.plans}
        blocks = blocks_of(latent_dims, shares)
        return {block.name: block.end - block.start for block in blocks}


LEVERS = (
    Lever("as shipped"),
    Lever("the whole photo instead of the garment's box", {"cropped": False}),
    Lever("one block: the garment's maps", plans={"garment": _WHOLE}),
    Lever("one block: the whole photo's maps", {"cropped": False}, {"photo": _WHOLE}),
    Lever("one block: all maps, the neck's among them", plans={"garment": _POOLED}),
    Lever("the same and a palette", plans={"garment": _POOLED, PALETTE: PLANS[PALETTE]}),
    *(Lever(f"block {name} alone", blocks=(name,)) for name in PLANS),
    Lever("without block palette", blocks=tuple(name for name in PLANS if name != PALETTE)),
    Lever(
        "the outline sees the trunk's maps too",
        plans={**PLANS, "outline": replace(PLANS["outline"], seen=("outline", "garment"))},
    ),
    Lever(
        "the outline reconstructs its silhouette alone",
        plans={**PLANS, "outline": replace(PLANS["outline"], taught=("silhouette",))},
    ),
    Lever("no perceptual loss", {"perceptual": False}),
    Lever("no pairs", {"shared": False}),
    Lever("no perceptual loss, no pairs", {"perceptual": False, "shared": False}),
    Lever("pairs in the body too", plans={**PLANS, "body": replace(PLANS["body"], shared=True)}),
    Lever("a random trunk", {"imagenet": False}),
    Lever("no ImageNet at all", {"imagenet": False, "perceptual": False}),
    Lever("beta 0", {"beta": 0.0}),
    Lever("beta 0.5", {"beta": 0.5}),
    Lever("beta 4", {"beta": 4.0}),
    Lever(
        "more of the neck, less of the colours",
        shares={"collar": 20, "sleeve": 12, "body": 28, "outline": 12, PALETTE: 24},
    ),
    Lever("features are discriminants alone", companion_count=0),
    Lever("d 24", {"latent_dims": 24}),
    Lever("d 48", {"latent_dims": 48}),
)


def levers_named(names: Sequence[str]) -> Sequence[Lever]:
    """Returns the encoder as shipped and the levers of these names, or all levers for no name.

    Raises:
        InvalidField: for a name that no lever has.
    """
    known = {lever.name: lever for lever in LEVERS}
    for name in names:
        if name not in known:
            raise InvalidField("lever", f"there is no {name!r}; there are {', '.join(known)}")
    return [LEVERS[0], *(known[n] for n in names if n != LEVERS[0].name)] if names else LEVERS


@dataclass(frozen=True, slots=True)
class AblationPlan:
    """What is ablated on what: ``column`` divides products, ``seeds`` are of splits and fits.

    ``cache`` is a folder that keeps the features of the photos.
    """

    data: Path
    column: str
    attributes: Sequence[str]
    seeds: Sequence[int] = (0, 1, 2)
    draw_count: int = 5
    levers: Sequence[Lever] = LEVERS
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Figures of one lever by attribute, one a seed."""

    lever: str
    dimension_count: int
    whole: Mapping[str, Sequence[Figure]]
    named_20: Mapping[str, Sequence[Figure]]


@dataclass(frozen=True, slots=True)
class Ablation:
    """All levers on one set of photos, a quarter of whose products were judged each time."""

    data: str
    photo_count: int
    column: str
    seeds: Sequence[int]
    draw_count: int
    outcomes: Sequence[Outcome]


def ablate(plan: AblationPlan, config: TrainConfig, terminal: Terminal) -> Ablation:
    """Returns the figures of every lever over every seed.

    Raises:
        ResourceMissing: when there is no table of labels.
        InvalidField: when a column is missing or a photo cannot be read.
    """
    folder = read_labelled(plan.data, (*plan.attributes, plan.column))
    with terminal.bar("reading photos") as advance:
        pictures = read_image_folder(
            plan.data,
            config.height_px,
            config.width_px,
            pairs_column=plan.column,
            advance=advance,
        )
    if pictures.skipped:
        folder.letterboxes(config.height_px, config.width_px)  # raises, naming the photo
    bench = _Bench(pictures, plan.cache, terminal)
    codes = {}
    # By what is looked at, so that only one set of features lies in memory.
    ordered = sorted(plan.levers, key=lambda lever: _view(_config(config, lever, 0)))
    for number, lever in enumerate(ordered, 1):
        terminal.line(f"solving {number}/{len(ordered)}: {lever.name}")
        for seed in plan.seeds:
            training, _ = _split(folder, plan.column, seed)
            codes[lever.name, seed] = bench.encode(lever, _config(config, lever, seed), training)
    outcomes = []
    with terminal.bar("judging") as advance:
        for number, lever in enumerate(plan.levers):
            found = [
                _judge(lever, codes[lever.name, seed], folder, plan, seed) for seed in plan.seeds
            ]
            outcomes.append(
                Outcome(
                    lever.name,
                    codes[lever.name, plan.seeds[0]].shape[1],
                    {a: [whole[a] for whole, _ in found] for a in plan.attributes},
                    {a: [named[a] for _, named in found] for a in plan.attributes},
                )
            )
            advance(number + 1, len(plan.levers))
    return Ablation(plan.data.name, len(folder), plan.column, plan.seeds, plan.draw_count, outcomes)


def _config(config: TrainConfig, lever: Lever, seed: int) -> TrainConfig:
    return replace(config, seed=seed, **lever.settings)  # type: ignore[arg-type]


def _view(config: TrainConfig) -> tuple[bool, bool]:
    """Returns the settings on which features of photos depend; the levers' own stand first."""
    return not config.cropped, not config.imagenet


def _split(folder: LabelledFolder, column: str, seed: int) -> tuple[Rows, Rows]:
    """Returns rows to train and fit on, and rows to judge."""
    values = folder.values[column]
    shares = {TRAINING: 1.0 - JUDGED_SHARE, JUDGED: JUDGED_SHARE}
    part_of = parts_by_group(sorted(set(values.tolist())), shares, seed)
    judged = np.array([part_of[str(value)] == JUDGED for value in values])
    return np.flatnonzero(~judged), np.flatnonzero(judged)


class _Bench:
    """Features of the photos, computed once for all levers that see the same ones."""

    def __init__(self, pictures: PictureSet, cache: Path | None, terminal: Terminal) -> None:
        self._pictures = pictures
        self._cache = cache
        self._terminal = terminal
        self._view: tuple[bool, bool] | None = None
        self._seen: Seen
        self._model: CatalogueVae
        self._heads: dict[tuple[object, ...], Head] = {}
        self._palettes: dict[int, Tensor] = {}

    def encode(self, lever: Lever, config: TrainConfig, training: Rows) -> Codes:
        """Returns latent means ``(n, d)`` of all photos under heads found from ``training``."""
        self._look(config)
        part = self._with_palette(config, training)
        inside = part.of(torch.from_numpy(training))
        means = []
        for block, size in lever.sizes(config.latent_dims).items():
            plan = lever.plans[block]
            if lever.blocks and block not in lever.blocks:
                continue
            key = (plan, size, config.seed, config.beta, config.perceptual, config.shared)
            if key not in self._heads:
                torch.manual_seed(config.seed)  # the randomised decompositions
                self._heads[key] = solve_head(plan, inside, size, config)
            rows = torch.cat([part.features[name][0] for name in plan.seen], dim=1)
            means.append(self._heads[key].mean(rows.float()))
        return torch.cat(means, dim=1).numpy()

    @torch.no_grad()
    def _look(self, config: TrainConfig) -> None:
        if self._view == _view(config):
            return
        everything = replace(config, shared=True, perceptual=True)
        self._model = CatalogueVae(config.latent_dims, cropped=config.cropped).eval()
        prepare_trunk(self._model, everything, self._pictures)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        stored = self._stored(config)
        self._view = _view(config)
        self._heads.clear()
        self._palettes.clear()
        if stored is not None and stored.is_file():
            content = torch.load(stored, map_location="cpu", weights_only=True)
            self._seen = Seen(**content)
            return
        title = f"features, cropped {config.cropped}, ImageNet {config.imagenet}"
        with self._terminal.bar(title) as advance:
            self._seen = look(
                self._model.to(device), self._pictures, everything, device, advance=advance
            )
        self._model.cpu()
        if stored is not None:
            content = {
                "features": dict(self._seen.features),
                "taught": dict(self._seen.taught),
                "groups": self._seen.groups,
            }
            write_atomically(stored, lambda file: torch.save(content, file))

    def _stored(self, config: TrainConfig) -> Path | None:
        """Returns where the features of these very pixels are kept."""
        if self._cache is None:
            return None
        key = f"{_view(config)} {config.seed} {feature_counts()} {self._pictures.groups}"
        digest = hashlib.sha256(key.encode() + self._pictures.pixels.tobytes()).hexdigest()
        return self._cache / f"features-{digest[:24]}.pt"

    @torch.no_grad()
    def _with_palette(self, config: TrainConfig, training: Rows) -> Seen:
        """Returns the features with a palette of the training photos' own colours."""
        if config.seed not in self._palettes:
            generator = torch.Generator().manual_seed(config.seed)
            mine = self._pictures.take(training)
            self._model.colours.copy_(colour_centres(self._model, mine, generator))
            self._palettes[config.seed] = palette_features(self._model, self._pictures)[None]
        features = {**self._seen.features, PALETTE: self._palettes[config.seed]}
        return replace(self._seen, features=features)


def _judge(
    lever: Lever, codes: Codes, folder: LabelledFolder, plan: AblationPlan, seed: int
) -> tuple[Mapping[str, Figure], Mapping[str, Figure]]:
    """Returns whole and named-20 figures by attribute of codes ``(n, d)`` of all photos."""
    training, judged = _split(folder, plan.column, seed)
    population = Population(codes[training])
    whole, named = {}, {}
    for attribute in plan.attributes:
        values = folder.values[attribute]
        whole[attribute] = Figure.of(retrieval(codes[judged], values[judged]))
        examples = [
            draw_examples(values[training], EXAMPLE_COUNT, seed, draw)
            for draw in range(plan.draw_count)
        ]
        try:
            fits = [
                population.fit(draw, codes[judged], seed, lever.companion_count)
                for draw in examples
            ]
        except FeatureNotCarried:
            # The codes are all the same.
            named[attribute] = replace(Figure.of(chance(values[judged])), carried_count=0)
            continue
        found = [retrieval(fit.coordinates, values[judged]) for fit in fits]
        named[attribute] = Figure.over(found, sum(fit.carried for fit in fits))
    return whole, named
