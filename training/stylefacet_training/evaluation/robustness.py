"""How far a change of the photo moves its code, and whether other things look new to it."""

import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from stylefacet.bundle import Bundle
from stylefacet.errors import InvalidField
from stylefacet.inference import Encoder
from stylefacet_training.evaluation.alterations import ALTERATIONS, WORKING_PX
from stylefacet_training.evaluation.representations import Codes, Embedded, embed_all
from stylefacet_training.evaluation.sets import PhotoSample, noise_sample, read_sample
from stylefacet_training.terminal import Terminal

# Pairs whose median distance is the unit of every movement.
PAIR_COUNT = 20_000
WHOLE = "whole"
# A block whose photos are nearer together than this holds nothing that could be moved.
COLLAPSED = 1e-3


@dataclass(frozen=True, slots=True)
class Movement:
    """How far an alteration moves codes: 1 is the median distance of two random photos."""

    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class AlterationFigure:
    """Movement over the whole code and by block; None for a block that has collapsed.

    ``found_share`` of the altered photos still lie nearest to their own original among all
    originals. ``photo_count`` photos could be altered so.
    """

    movement: Mapping[str, Movement | None]
    found_share: float
    photo_count: int


@dataclass(frozen=True, slots=True)
class NoveltyFigure:
    """AUROC of telling a set from the data by novelty: .5 is a guess, 1 tells all apart.

    ``flagged_share`` lies above the bundle's own threshold, which 1 in 100 training photos does.
    """

    auroc: float
    flagged_share: float
    photo_count: int
    available: int


@dataclass(frozen=True, slots=True)
class Robustness:
    """Figures of one bundle on ``photo_count`` of ``available`` photos."""

    bundle_id: str
    bundle_name: str
    data: str
    photo_count: int
    available: int
    seed: int
    # Median distance of two random photos, by block: the units of the movements.
    pair_distance: Mapping[str, float]
    alterations: Mapping[str, AlterationFigure]
    data_flagged_share: float
    novelty: Mapping[str, NoveltyFigure]
    seconds: float


def measure_robustness(
    bundle: Bundle,
    data: str,
    others: Sequence[str],
    *,
    limit: int,
    seed: int,
    terminal: Terminal,
) -> Robustness:
    """Alters photos, embeds what the service would see, and compares; likewise other sets.

    Noise is always among the other sets.

    Raises:
        ResourceMissing: when a set does not exist.
        InvalidField: when one holds no photo, or the data fewer than two.
    """
    started = time.perf_counter()
    encoder = Encoder(bundle)
    sample = read_sample(data, limit, seed)
    if len(sample.contents) < 2:
        raise InvalidField("data", f"{data} needs two photos or more")
    sets = [read_sample(where, limit, seed) for where in others]
    size = encoder.manifest.input_height_px, encoder.manifest.input_width_px
    sets.append(noise_sample(len(sample.contents), *size, seed))

    photos = [_working_copy(content) for content in sample.contents]
    # Distances are from what `unchanged` begins with, so that reducing the photo is no movement.
    original = _embed(encoder, sample, terminal)
    ranges = {WHOLE: (0, original.mean.shape[1])}
    ranges |= {block.name: (block.start, block.end) for block in bundle.manifest.blocks}
    units = {
        name: _pair_distance(original.mean[:, start:end], seed)
        for name, (start, end) in ranges.items()
    }
    alterations = {}
    for name, alter in ALTERATIONS.items():
        altered = {i: content for i, p in enumerate(photos) if (content := alter(p)) is not None}
        if altered:
            sample_of = PhotoSample(name, list(altered.values()), len(photos))
            moved = _embed(encoder, sample_of, terminal).mean
            rows = np.array(list(altered))
            alterations[name] = _alteration_figure(original.mean, moved, rows, ranges, units)
    threshold = bundle.manifest.novelty_p99
    novelty = {}
    for other in sets:
        found = _embed(encoder, other, terminal).novelty
        novelty[other.name] = NoveltyFigure(
            auroc(original.novelty, found),
            float((found > threshold).mean()),
            len(found),
            other.available,
        )
    return Robustness(
        bundle_id=bundle.id,
        bundle_name=bundle.manifest.name,
        data=sample.name,
        photo_count=len(photos),
        available=sample.available,
        seed=seed,
        pair_distance=units,
        alterations=alterations,
        data_flagged_share=float((original.novelty > threshold).mean()),
        novelty=novelty,
        seconds=round(time.perf_counter() - started, 2),
    )


def auroc(known: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Returns the chance that one of ``other`` ``(m,)`` exceeds one of ``known`` ``(n,)``.

    Ties count half (Mann and Whitney's U over the number of pairs).
    """
    ordered = np.sort(known)
    below = np.searchsorted(ordered, other, side="left")
    up_to = np.searchsorted(ordered, other, side="right")
    return float((below + up_to).mean() / (2 * len(known)))


def _working_copy(content: bytes) -> Image.Image:
    photo = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    photo.thumbnail((WORKING_PX, WORKING_PX), Image.Resampling.LANCZOS)
    return photo


def _embed(encoder: Encoder, sample: PhotoSample, terminal: Terminal) -> Embedded:
    pixels = np.stack([encoder.letterbox(content).pixels for content in sample.contents])
    with terminal.bar(sample.name) as advance:
        return embed_all(encoder, pixels, advance)


def _pair_distance(codes: Codes, seed: int) -> float:
    rng = np.random.default_rng(seed)
    first = rng.integers(len(codes), size=PAIR_COUNT)
    # Another than the first, each equally likely.
    second = (first + rng.integers(1, len(codes), size=PAIR_COUNT)) % len(codes)
    return float(np.median(np.linalg.norm(codes[first] - codes[second], axis=1)))


def _alteration_figure(
    original: Codes,
    moved: Codes,
    rows: npt.NDArray[np.int64],
    ranges: Mapping[str, tuple[int, int]],
    units: Mapping[str, float],
) -> AlterationFigure:
    """Compares codes ``(m, d)`` of altered photos with their originals, ``rows`` of ``(n, d)``."""
    movement: dict[str, Movement | None] = {}
    for name, (start, end) in ranges.items():
        if units[name] < COLLAPSED:
            movement[name] = None
            continue
        steps = moved[:, start:end] - original[rows, start:end]
        distances = np.linalg.norm(steps, axis=1) / units[name]
        movement[name] = Movement(float(np.median(distances)), float(np.percentile(distances, 90)))
    wide, others = moved.astype(np.float64), original.astype(np.float64)
    nearest = ((others**2).sum(axis=1) - 2.0 * wide @ others.T).argmin(axis=1)
    return AlterationFigure(movement, float((nearest == rows).mean()), len(rows))
