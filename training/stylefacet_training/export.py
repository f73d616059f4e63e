"""Turns a finished run into an encoder bundle; shows no photo in it unless told that it may."""

import io
import logging
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from stylefacet.bundle import (
    Bundle,
    BundledFeature,
    FeatureKind,
    GoldenSample,
    LatentBlock,
    Manifest,
    write_bundle,
)
from stylefacet.errors import FeatureNotCarried, InvalidField, ResourceMissing
from stylefacet.imaging import read_letterbox
from stylefacet.inference import Encoder
from stylefacet_training.card import write_card
from stylefacet_training.config import TrainConfig
from stylefacet_training.data.garments import render, sample_factors
from stylefacet_training.data.rendered import PREFIX, RenderedSource, render_pictures
from stylefacet_training.models.base import VariationalModel
from stylefacet_training.novelty import PERCENTILE, MahalanobisNovelty
from stylefacet_training.plots import draw_plots, encounters, reconstructions
from stylefacet_training.recipes import load_model
from stylefacet_training.runs import RunFolder, load_checkpoint, load_population
from stylefacet_training.summary import RunSummary

GOLDEN_COUNT = 4
# Garments among which the card looks for those that lie on a block's way.
MET_COUNT = 600
GOLDEN_HEIGHT_PX, GOLDEN_WIDTH_PX = 1024, 768
# Mean squared distance of two training photos under which a feature is nothing but noise.
SPREAD_FLOOR = 1e-4


@dataclass(frozen=True, slots=True)
class DimensionsFeature:
    """A feature a person named: the latent dimensions that carry it."""

    name: str
    display_name: str
    dimensions: tuple[int, ...]


class EncoderGraph(nn.Module):
    """The graph of encoder.onnx: ``pixels`` to ``mean``, ``logvar`` and ``novelty``."""

    def __init__(self, model: VariationalModel, novelty: MahalanobisNovelty | None) -> None:
        super().__init__()
        self.model = model
        self.latent_novelty = novelty

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Takes ``(n, h, w, 3)`` uint8; returns ``(n, d)``, ``(n, d)`` and ``(n,)`` float32."""
        posterior = self.model.encode(pixels)
        if self.latent_novelty is not None:
            return posterior.mean, posterior.logvar, self.latent_novelty(posterior.mean)
        novelty = self.model.novelty(pixels, posterior)
        assert novelty is not None
        return posterior.mean, posterior.logvar, novelty


class DecoderGraph(nn.Module):
    """The graph of decoder.onnx: ``latent`` to ``pixels``."""

    def __init__(self, model: VariationalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor) -> Tensor:
        """Takes ``(n, d)`` float32; returns ``(n, h, w, 3)`` uint8."""
        return (self.model.decode(latent) * 255.0).round().clamp(0, 255).to(torch.uint8)


def export(
    run: RunFolder,
    out: Path,
    *,
    name: str,
    training_data: str | None = None,
    licence: str = "not stated",
    features: Sequence[DimensionsFeature] = (),
    show_photos: bool = False,
) -> Bundle:
    """Writes the bundle of a finished run and returns it, loaded and replayed once.

    Every latent block becomes a feature of its own name; ``features`` are further ones. The card
    shows reconstructions of rendered garments, or with ``show_photos`` of held-out photos.

    Raises:
        ResourceMissing: when the run is none or has not ended.
        FeatureNotCarried: when a block or a named feature does not vary over the training photos.
        InvalidField: when a named feature asks for dimensions that are not there.
    """
    checkpoint = load_checkpoint(run)
    population = load_population(run)
    config = checkpoint.config
    summary = RunSummary.from_json(run.summary.read_text(encoding="utf-8"))
    model = load_model(config, checkpoint.model)

    own = population.novelty
    graph = EncoderGraph(model, None if own is not None else MahalanobisNovelty(population.mean))
    size = (model.height_px, model.width_px)
    encoder = to_onnx(
        graph.eval(),
        torch.zeros((2, *size, 3), dtype=torch.uint8),
        input_name="pixels",
        output_names=("mean", "logvar", "novelty"),
    )
    decoder = to_onnx(
        DecoderGraph(model).eval(),
        torch.zeros((2, model.latent_dims)),
        input_name="latent",
        output_names=("pixels",),
    )
    carried = block_features(model.blocks, population.mean)
    manifest = Manifest(
        name=name,
        input_height_px=model.height_px,
        input_width_px=model.width_px,
        latent_dimension_count=model.latent_dims,
        blocks=model.blocks,
        features=(
            *carried,
            *(dimensions_feature(feature, population.mean) for feature in features),
        ),
        training_data=training_data or f"{summary.data_title}, {summary.picture_count:,} pictures",
        licence=licence,
        commit=checkpoint.commit,
        train_time=datetime.now(UTC).isoformat(timespec="seconds"),
        config=_told_settings(config),
        quality=summary.quality(),
        latent_variances=tuple(float(v) for v in population.mean.var(axis=0)),
        novelty_p99=float(np.percentile(own, PERCENTILE)) if own is not None else 1.0,
    )
    golden = tuple(_golden(graph, content, size) for content in golden_photos(config.seed))
    pictures = dict(draw_plots(model, population.mean, seed=config.seed))
    shown = population.examples if show_photos else np.stack([g.pixels for g in golden])
    title = "Held-out photos" if show_photos else "Rendered garments"
    if len(shown) >= 2:
        pictures["reconstructions.png"] = reconstructions(model, shown, title)
    if len(model.blocks) > 1 and any(source.startswith(PREFIX) for source in config.data):
        # What such an encoder knows, and nobody's photo.
        garments = render_pictures(RenderedSource(MET_COUNT, config.seed + 1), *size).pixels
        pictures["encounters.png"] = encounters(model, population.mean, garments)
    card = write_card(manifest, summary, tuple(pictures), foreign_weights=model.foreign_weights)
    bundle = write_bundle(out, manifest, encoder, decoder, golden, card, pictures)
    Encoder(bundle)  # replays the golden samples in the runtime that will serve them
    return bundle


def _told_settings(config: TrainConfig) -> dict[str, Any]:
    """Returns the settings for others to read: folders by name, not by their place here."""
    sources = tuple(
        source if source.startswith(PREFIX) else Path(source).resolve().name
        for source in config.data
    )
    return asdict(replace(config, data=sources))


def to_onnx(
    graph: nn.Module, example: Tensor, *, input_name: str, output_names: Sequence[str]
) -> bytes:
    """Returns a graph of one input as serialised ONNX, its first axis of any length."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    # The exporter tells of an optional package that no graph here needs.
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # PyTorch's exporter trips over deprecations of its own.
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                graph,
                (example,),
                dynamo=True,
                input_names=[input_name],
                dynamic_shapes=({0: torch.export.Dim("n")},),
                verbose=False,
            )
    finally:
        log.setLevel(level)
    assert program is not None
    _name_outputs(program, output_names)
    _forget_sources(program)
    content: bytes = program.model_proto.SerializeToString()
    return content


def _forget_sources(program: torch.onnx.ONNXProgram) -> None:
    """Takes out which line of which file made each node: places on this machine, a third of it."""
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None


def _name_outputs(program: torch.onnx.ONNXProgram, names: Sequence[str]) -> None:
    """Gives the outputs their names, after moving inner values of these names out of the way.

    The exporter calls values after operators and does not look whether an output is called so.
    """
    graph = program.model.graph
    for node in graph.all_nodes():
        for value in node.outputs:
            if value.name in names:
                value.name = f"inner_{value.name}"
    for value, name in zip(graph.outputs, names, strict=True):
        value.name = name


def block_features(
    blocks: Sequence[LatentBlock], mean: npt.NDArray[np.float32]
) -> tuple[BundledFeature, ...]:
    """Returns a feature of its name for each block, scaled over the training photos, ``(n, d)``.

    Raises:
        FeatureNotCarried: when a block has collapsed: a search over all blocks would miss it.
    """
    features = []
    for block in blocks:
        dimensions = tuple(range(block.start, block.end))
        name = block.name.replace("_", " ").capitalize()
        wanted = DimensionsFeature(block.name, name, dimensions)
        try:
            features.append(dimensions_feature(wanted, mean))
        except FeatureNotCarried as error:
            raise FeatureNotCarried(
                block.name,
                "its latent block has collapsed; train on more photos, or with a smaller beta",
            ) from error
    return tuple(features)


def dimensions_feature(feature: DimensionsFeature, mean: npt.NDArray[np.float32]) -> BundledFeature:
    """Returns a feature that picks latent dimensions, scaled over the training photos ``(n, d)``.

    With the scale, the mean squared distance of two photos is 1: twice the summed variance of the
    dimensions is the mean squared distance without it.

    Raises:
        InvalidField: for a dimension that is not there, or none at all.
        FeatureNotCarried: when the dimensions hardly vary.
    """
    d = mean.shape[1]
    if not feature.dimensions or not all(0 <= i < d for i in feature.dimensions):
        raise InvalidField(
            f"features.{feature.name}.dimensions", f"must be one or more of 0 to {d - 1}"
        )
    if len(set(feature.dimensions)) < len(feature.dimensions):
        raise InvalidField(f"features.{feature.name}.dimensions", "names a dimension twice")
    chosen = list(feature.dimensions)
    mean_square = 2.0 * float(mean[:, chosen].astype(np.float64).var(axis=0).sum())
    if mean_square < SPREAD_FLOOR:
        raise FeatureNotCarried(
            feature.name, f"its mean squared distance over the training photos is {mean_square:.1e}"
        )
    return BundledFeature(
        name=feature.name,
        display_name=feature.display_name,
        kind=FeatureKind.DIMENSIONS,
        matrix=tuple(tuple(row) for row in np.eye(d)[chosen].tolist()),
        scale=mean_square**-0.5,
    )


def read_features(path: Path) -> tuple[DimensionsFeature, ...]:
    """Returns the features that a TOML file names.

    A table a feature: ``[sleeve]``, ``display_name = "Sleeve length"``, ``dimensions = [3, 7]``.

    Raises:
        ResourceMissing: when there is no such file.
        InvalidField: when it is no such table.
    """
    try:
        tables: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ResourceMissing("file", str(path)) from error
    except (OSError, ValueError) as error:
        raise InvalidField("features", f"{path} is no TOML ({error})") from error
    features = []
    for name, table in tables.items():
        dimensions = table.get("dimensions") if isinstance(table, dict) else None
        if not isinstance(table, dict) or not isinstance(dimensions, list):
            raise InvalidField(f"features.{name}", "needs dimensions = [a list of whole numbers]")
        if not all(type(i) is int for i in dimensions):
            raise InvalidField(f"features.{name}.dimensions", "must be whole numbers")
        display_name = str(table.get("display_name", name))
        features.append(DimensionsFeature(name, display_name, tuple(dimensions)))
    return tuple(features)


def golden_photos(seed: int) -> tuple[bytes, ...]:
    """Returns a few rendered garments as JPEG: a bundle is passed on, so it shows nobody's photo.

    They have the size of a shop's photo, so that their replay runs through the scaled decode.
    """
    factors = sample_factors(GOLDEN_COUNT, np.random.default_rng(seed))
    photos = []
    for picture in render(factors, GOLDEN_HEIGHT_PX, GOLDEN_WIDTH_PX):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=90)
        photos.append(buffer.getvalue())
    return tuple(photos)


@torch.no_grad()
def _golden(graph: EncoderGraph, content: bytes, size: tuple[int, int]) -> GoldenSample:
    pixels = read_letterbox(content, *size).pixels
    # A copy: the letterbox may be read-only, which torch warns of.
    mean, logvar, novelty = graph(torch.from_numpy(pixels.copy())[None])
    return GoldenSample(content, pixels, mean[0].numpy(), logvar[0].numpy(), float(novelty[0]))
