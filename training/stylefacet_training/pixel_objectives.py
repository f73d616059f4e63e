"""What a model that decodes to pixels is built around and minimises, by a run's settings."""

import torch
from torch import Tensor

from stylefacet.errors import SettingInvalid
from stylefacet_training.adversarial import (
    AdversarialAutoencoder,
    InfoGanObjective,
    TaskDriven,
    VaeGan,
)
from stylefacet_training.conditioning import ConditionalObjective
from stylefacet_training.config import ObjectiveName, TrainConfig
from stylefacet_training.data.classes import read_classes
from stylefacet_training.data.pictures import PictureSet
from stylefacet_training.losses import Objective, PixelObjective
from stylefacet_training.models.base import PixelModel
from stylefacet_training.models.conditional import ConditionalVae
from stylefacet_training.models.critics import LatentCritic, PictureCritic, PictureDiscriminator
from stylefacet_training.models.infogan import InfoGan
from stylefacet_training.regularizers import build_regularizer


def given_dims(config: TrainConfig) -> int:
    """Returns how many inputs the decoder has beside the latent vector."""
    match config.objective:
        case ObjectiveName.CONDITIONAL:
            return config.class_count + 1
        case ObjectiveName.INFO_GAN:
            return config.noise_dims
        case _:
            return 0


def around(base: PixelModel, config: TrainConfig) -> PixelModel:
    """Returns what the objective wants around a network of :func:`given_dims` given inputs."""
    match config.objective:
        case ObjectiveName.CONDITIONAL:
            return ConditionalVae(base, config.class_count)
        case ObjectiveName.INFO_GAN:
            return InfoGan(base, config.noise_dims)
        case _:
            return base


def pixel_objective(
    config: TrainConfig, model: PixelModel, pictures: PictureSet, device: torch.device
) -> Objective:
    """Returns the objective that a run asks for, its companion still on the CPU."""
    loss = config.generation_loss
    match config.objective:
        case ObjectiveName.PIXELS:
            regularizer = build_regularizer(config)
            return PixelObjective(model, loss, regularizer, config.warm_up_epochs)
        case ObjectiveName.ADVERSARIAL_AUTOENCODER:
            critic = LatentCritic(config.latent_dims)
            return AdversarialAutoencoder(model, critic, loss, config.companion_weight)
        case ObjectiveName.VAE_GAN:
            return VaeGan(model, _discriminator(model), config.beta, config.companion_weight)
        case ObjectiveName.INFO_GAN:
            assert isinstance(model, InfoGan)
            return InfoGanObjective(model, _discriminator(model), config.beta)
        case ObjectiveName.CONDITIONAL:
            assert isinstance(model, ConditionalVae)
            classes = _classes(config, pictures, device)
            return ConditionalObjective(model, classes, loss, config.beta)
        case ObjectiveName.TASK:
            classes = _classes(config, pictures, device)
            size = (model.channels, model.height_px, model.width_px)
            classifier = PictureCritic(*size, config.class_count)
            return TaskDriven(
                model, classifier, classes, loss, config.beta, config.companion_weight
            )


def _discriminator(model: PixelModel) -> PictureDiscriminator:
    return PictureDiscriminator(model.channels, model.height_px, model.width_px)


def _classes(config: TrainConfig, pictures: PictureSet, device: torch.device) -> Tensor:
    classes, names = read_classes(config.data, pictures, config.classes_column)
    if len(names) != config.class_count:
        raise SettingInvalid(
            "class_count", f"is {config.class_count}, but the pictures have {len(names)} classes"
        )
    return torch.from_numpy(classes).to(device)
