"""Which network and objective belong to which name in a run's settings; trains nothing itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stylefacet.errors import SettingInvalid
from stylefacet_training.catalogue_fit import build_objective as build_catalogue_objective
from stylefacet_training.config import TrainConfig
from stylefacet_training.data.pictures import PictureSet
from stylefacet_training.losses import Objective
from stylefacet_training.models.base import PixelModel, VariationalModel
from stylefacet_training.models.catalogue import CatalogueVae
from stylefacet_training.models.deep import DeepVae
from stylefacet_training.models.digits import DigitsVae
from stylefacet_training.models.thesis import ThesisVae
from stylefacet_training.models.trunk import IMAGENET_WEIGHTS
from stylefacet_training.pixel_objectives import around, given_dims, pixel_objective
from stylefacet_training.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an objective may use beside its model: the pictures, the device and a cache folder.

    Targets that cost much (features of a frozen network) are computed once from ``pictures``, a
    row a picture, and looked up by ``Batch.index``; ``cache`` survives a resume. Computing them is
    told on the ``terminal``.
    """

    pictures: PictureSet
    device: torch.device
    cache: Path
    terminal: Terminal


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind of encoder is built from a run's settings and what it minimises."""

    build_model: Callable[[TrainConfig], VariationalModel]
    build_objective: Callable[[TrainConfig, VariationalModel, Surroundings], Objective]


def recipe_of(config: TrainConfig) -> Recipe:
    """Returns the recipe a run asks for.

    Raises:
        SettingInvalid: when there is no such model.
    """
    if config.model not in RECIPES:
        raise SettingInvalid("model", f"{config.model!r} is none of {', '.join(RECIPES)}")
    return RECIPES[config.model]


def load_model(config: TrainConfig, weights: Mapping[str, Any]) -> VariationalModel:
    """Returns the network of a checkpoint on the CPU, ready to encode and decode."""
    model = recipe_of(config).build_model(config)
    model.load_state_dict(weights)
    return model.eval()


def _thesis_model(config: TrainConfig) -> PixelModel:
    return ThesisVae(
        config.latent_dims,
        config.height_px,
        config.width_px,
        given_dims=given_dims(config),
        batch_norm=config.batch_norm,
    )


def _digits_model(config: TrainConfig) -> PixelModel:
    return DigitsVae(
        config.network,
        config.latent_dims,
        dropout=config.dropout,
        given_dims=given_dims(config),
        batch_norm=config.batch_norm,
    )


def _pixel_recipe(build: Callable[[TrainConfig], PixelModel]) -> Recipe:
    """Returns a recipe with any of the objectives for models that decode to pixels."""

    def build_model(config: TrainConfig) -> PixelModel:
        return around(build(config), config)

    def build_objective(
        config: TrainConfig, model: VariationalModel, surroundings: Surroundings
    ) -> Objective:
        assert isinstance(model, PixelModel)
        return pixel_objective(config, model, surroundings.pictures, surroundings.device)

    return Recipe(build_model, build_objective)


def _catalogue_model(config: TrainConfig) -> VariationalModel:
    model = CatalogueVae(config.latent_dims, cropped=config.cropped)
    if config.imagenet or config.perceptual:
        model.foreign_weights = IMAGENET_WEIGHTS
    return model


def _catalogue_objective(
    config: TrainConfig, model: VariationalModel, surroundings: Surroundings
) -> Objective:
    assert isinstance(model, CatalogueVae)
    return build_catalogue_objective(
        config,
        model,
        surroundings.pictures,
        surroundings.device,
        surroundings.cache,
        surroundings.terminal,
    )


RECIPES: Mapping[str, Recipe] = {
    "thesis": _pixel_recipe(_thesis_model),
    "catalogue": Recipe(_catalogue_model, _catalogue_objective),
    "digits": _pixel_recipe(_digits_model),
    "vanilla": _pixel_recipe(lambda c: DeepVae(c.latent_dims, subnetworks=False)),
    "subnetworks": _pixel_recipe(lambda c: DeepVae(c.latent_dims, subnetworks=True)),
}
