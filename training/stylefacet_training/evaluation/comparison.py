"""Compares a bundle with what anyone has without it, on labelled photos, in one run."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylefacet.bundle import Bundle
from stylefacet.errors import InvalidField
from stylefacet.inference import Encoder
from stylefacet_training.evaluation.attributes import (
    AttributeFacts,
    Figure,
    Labels,
    Row,
    attribute_facts,
    judge,
    judge_blocks,
)
from stylefacet_training.evaluation.labelled import LabelledFolder, read_labelled
from stylefacet_training.evaluation.representations import (
    PCA_HEIGHT_PX,
    PCA_WIDTH_PX,
    Codes,
    Embedded,
    Pixels,
    Representation,
    embed_all,
    pixel_pca,
    random_codes,
)
from stylefacet_training.terminal import Terminal

# The size of the thesis' latent vector, the one that published figures have.
SMALL_PCA = 20
EVERY_BLOCK = "every block once"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared on what. ``cache`` keeps the ImageNet network's features."""

    data: Path
    fit_data: Path
    attributes: Sequence[str]
    seed: int = 0
    draw_count: int = 5
    with_imagenet: bool = True
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures of all representations, the bundle's last, with what they rest on.

    ``blocks`` are searches by one bundled feature alone, and by every block once, which is what
    a search without weights does. ``seconds`` says where the time went.
    """

    bundle_id: str
    bundle_name: str
    data: str
    fit_data: str
    photo_count: int
    fit_photo_count: int
    seed: int
    draw_count: int
    facts: Mapping[str, AttributeFacts]
    rows: Sequence[Row]
    blocks: Mapping[str, Mapping[str, Figure]]
    embed_ms: float
    seconds: Mapping[str, float]


def compare(bundle: Bundle, plan: Plan, terminal: Terminal) -> Comparison:
    """Returns the figures of a bundle beside random codes, pixel PCA and the ImageNet network.

    Raises:
        ResourceMissing: when a folder or its table does not exist.
        InvalidField: when a photo is in both folders or unreadable, or an attribute is unusable.
    """
    started = time.perf_counter()
    fit, judged = (read_labelled(path, plan.attributes) for path in (plan.fit_data, plan.data))
    _refuse_overlap(fit, judged)
    labels = Labels(fit.values, judged.values)
    clock = _Clock()

    with clock("embedding"):
        encoder = Encoder(bundle)
        ours, embedded = _bundle_codes(encoder, fit, judged, terminal)
    representations = [
        random_codes(len(fit), len(judged), ours.dimension_count, plan.seed),
    ]
    with clock("pixel PCA"):
        representations += _pixel_codes(fit, judged, ours.dimension_count, plan.seed, terminal)
    if plan.with_imagenet:
        with clock("ImageNet network"):
            representations.append(_imagenet_codes(fit, judged, plan.cache, terminal))
    representations.append(ours)

    rows = []
    for representation in representations:
        with clock(f"judging {representation.name}"), terminal.bar(representation.name) as advance:
            rows.append(
                judge(
                    representation,
                    labels,
                    seed=plan.seed,
                    draw_count=plan.draw_count,
                    advance=advance,
                )
            )
    with clock("judging blocks"):
        blocks = judge_blocks(bundled_coordinates(bundle, embedded.mean), labels)
    return Comparison(
        bundle_id=bundle.id,
        bundle_name=bundle.manifest.name,
        data=plan.data.name,
        fit_data=plan.fit_data.name,
        photo_count=len(judged),
        fit_photo_count=len(fit),
        seed=plan.seed,
        draw_count=plan.draw_count,
        facts=attribute_facts(labels),
        rows=rows,
        blocks=blocks,
        embed_ms=embedded.embed_ms,
        seconds=clock.seconds | {"all": round(time.perf_counter() - started, 2)},
    )


def bundled_coordinates(bundle: Bundle, mean: Codes) -> Mapping[str, Codes]:
    """Returns coordinates ``(n, k)`` of latent means ``(n, d)`` in each bundled feature.

    The last entry joins the latent blocks at their scales, where there are several: the distance
    of a search that names no weight.
    """
    coordinates = {
        feature.name: np.asarray(
            mean @ (feature.scale * np.array(feature.matrix, dtype=np.float32)).T, dtype=np.float32
        )
        for feature in bundle.manifest.features
    }
    blocks = [block.name for block in bundle.manifest.blocks if block.name in coordinates]
    if len(blocks) > 1:
        coordinates[EVERY_BLOCK] = np.concatenate([coordinates[name] for name in blocks], axis=1)
    return coordinates


class _Clock:
    """Adds up seconds by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - started, 2)


def _refuse_overlap(fit: LabelledFolder, judged: LabelledFolder) -> None:
    shared = set(fit.names) & set(judged.names)
    if shared:
        raise InvalidField(
            "fit-data",
            f"{len(shared)} photos are in both folders, {min(shared)!r} for one; a feature judged "
            "on its own examples says nothing",
        )


def _bundle_codes(
    encoder: Encoder, fit: LabelledFolder, judged: LabelledFolder, terminal: Terminal
) -> tuple[Representation, Embedded]:
    size = encoder.manifest.input_height_px, encoder.manifest.input_width_px
    embedded = []
    for folder in (fit, judged):
        pixels = _read(folder, *size, terminal)
        with terminal.bar("embedding") as advance:
            embedded.append(embed_all(encoder, pixels, advance))
    name = f"{encoder.manifest.name} ({encoder.id[:8]})"
    return Representation(name, embedded[0].mean, embedded[1].mean), embedded[1]


def _pixel_codes(
    fit: LabelledFolder, judged: LabelledFolder, dimension_count: int, seed: int, terminal: Terminal
) -> Sequence[Representation]:
    parts = [_read(folder, PCA_HEIGHT_PX, PCA_WIDTH_PX, terminal) for folder in (fit, judged)]
    return [
        pixel_pca(parts[0], parts[1], count, seed) for count in sorted({SMALL_PCA, dimension_count})
    ]


def _imagenet_codes(
    fit: LabelledFolder, judged: LabelledFolder, cache: Path | None, terminal: Terminal
) -> Representation:
    from stylefacet_training.evaluation import imagenet

    features = []
    for folder in (fit, judged):
        pixels = _read(folder, imagenet.HEIGHT_PX, imagenet.WIDTH_PX, terminal)
        with terminal.bar(imagenet.NAME) as advance:
            features.append(imagenet.imagenet_features(pixels, cache, advance))
    return Representation(imagenet.NAME, features[0], features[1])


def _read(folder: LabelledFolder, height_px: int, width_px: int, terminal: Terminal) -> Pixels:
    with terminal.bar(f"reading {folder.path.name}") as advance:
        return folder.letterboxes(height_px, width_px, advance)
