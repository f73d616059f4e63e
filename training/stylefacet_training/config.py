"""The settings of a training run with all their defaults and presets; reads nothing by itself."""

import dataclasses
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from stylefacet.errors import SettingInvalid


class GenerationLoss(StrEnum):
    """How far a reconstruction is from its picture, summed over pixels and channels."""

    BINARY_CROSS_ENTROPY = "binary_cross_entropy"
    SQUARED_ERROR = "squared_error"


class RegularizerName(StrEnum):
    """What is added to the generation loss."""

    BETA_VAE = "beta_vae"
    BETA_TCVAE = "beta_tcvae"
    FACTOR_VAE = "factor_vae"
    DIP_VAE = "dip_vae"
    ANNEALED_VAE = "annealed_vae"


class ObjectiveName(StrEnum):
    """What a model that decodes to pixels minimises."""

    PIXELS = "pixels"
    ADVERSARIAL_AUTOENCODER = "adversarial_autoencoder"
    VAE_GAN = "vae_gan"
    TASK = "task"
    INFO_GAN = "info_gan"
    CONDITIONAL = "conditional"


class OptimizerName(StrEnum):
    """How weights follow their gradients."""

    ADAM = "adam"
    SGD_MOMENTUM = "sgd_momentum"


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One training run. Every default stands here and nowhere else."""

    # --- data -----------------------------------------------------------------------------------
    # Folders of photos, or garments:COUNT[,seed=S][,colourways=K][,prints=1] for rendered ones, or
    # circles:SET... and idx:FOLDER... (data/sources.py).
    data: tuple[str, ...] = ()
    # Column of labels.csv that holds classes, for an objective that is told them. idx files bring
    # their own.
    classes_column: str | None = None
    # Column of labels.csv whose equal values mark pictures of one product; None: there is none.
    pairs_column: str | None = None
    # Share of the pictures held out, by product. The thesis splits "roughly 10-to-1".
    validation_share: float = 1 / 11

    # --- model ----------------------------------------------------------------------------------
    # A key of recipes.RECIPES.
    model: str = "thesis"
    # Input size in pixels. Each of the thesis network's five layers halves it.
    height_px: int = 96
    width_px: int = 64
    # Size of the latent vector. Tops need about ten (thesis, experiment 3); beta frees the rest.
    latent_dims: int = 20

    # Values a picture's point has: 3 for colours, 1 for the grey digits of an idx file.
    channels: int = 3
    # Which of the four networks the model "digits" is.
    network: int = 4
    # Classes that a conditional model or a task is told.
    class_count: int = 10
    # Random values an InfoGAN's generator gets beside its latent vector.
    noise_dims: int = 16
    # Share of the activations that a network with dropout drops in training.
    dropout: float = 0.2
    # Whether the decoder is normalised over the batch, as one that a discriminator teaches must be
    # (Radford et al. 2016). The documents' networks are not; "thesis" and "digits" can be.
    batch_norm: bool = False

    # Whether regions are cut out of the garment's own box; if not, out of the whole photo. Only the
    # catalogue model has regions.
    cropped: bool = True

    # --- objective ------------------------------------------------------------------------------
    # The thesis states no form; a loss of 4,930 on 96x64x3 values exceeds what squared error can
    # give, so it is read as cross-entropy, summed.
    generation_loss: GenerationLoss = GenerationLoss.BINARY_CROSS_ENTROPY
    objective: ObjectiveName = ObjectiveName.PIXELS
    regularizer: RegularizerName = RegularizerName.BETA_VAE
    # Weight of the latent loss. 0 gives an autoencoder that still samples; 1 the plain VAE. The
    # other regularizers keep the latent loss at weight 1 and give this weight to their own term.
    beta: float = 4.0
    # Nats that an annealed VAE's latent loss may reach, and the epochs in which it gets there.
    capacity_nats: float = 25.0
    capacity_epochs: float = 25.0
    # Weight of what a companion says of the model: the discriminator of a GAN, the classifier of a
    # task.
    companion_weight: float = 1.0
    # Epochs over which the weight of the regularizer rises from 0, against early collapse.
    warm_up_epochs: float = 0.0

    # Whether the catalogue model's trunk has the weights of ImageNet; if not, random ones.
    imagenet: bool = True
    # Whether the catalogue model's heads reconstruct what a larger ImageNet network sees in a
    # region (a perceptual loss); if not, what they see themselves.
    perceptual: bool = True
    # Whether collar, sleeve and outline keep only what pictures of one product, and recoloured
    # copies, have in common.
    shared: bool = True

    # --- optimiser ------------------------------------------------------------------------------
    epochs: int = 50
    # Pictures a step (thesis, section 5.1). On a CPU larger steps train hardly more pictures a
    # second, and a few thousand photos give too few of them.
    batch_size: int = 50
    # Adam's step size (thesis, section 5.1). The thesis does not name its optimiser.
    learning_rate: float = 1e-3
    optimizer: OptimizerName = OptimizerName.ADAM
    # How much of Adam's last direction is kept. A discriminator asks for less (Radford et al. 2016,
    # section 4: 0.5): what it said of earlier pictures no longer holds.
    adam_beta1: float = 0.9
    # The step size is multiplied by this after every so many epochs; 0: never.
    learning_rate_drop: float = 0.1
    learning_rate_drop_epochs: int = 0
    # The step size is divided by 1 + this * epoch.
    learning_rate_decay: float = 0.0
    # Adam's step size for an objective's companion. Source: Kim and Mnih 2018, appendix A.
    companion_learning_rate: float = 1e-4

    # --- run ------------------------------------------------------------------------------------
    # Fixes the split, the weights at the start, the order of pictures and the noise.
    seed: int = 0
    # Seconds between two checkpoints at least; one is written at the end of an epoch.
    checkpoint_every_s: float = 30.0

    def __post_init__(self) -> None:
        counts = ("height_px", "width_px", "channels", "latent_dims", "epochs")
        rates = ("learning_rate", "companion_learning_rate", "learning_rate_drop")
        for name in (*counts, "batch_size", "class_count", *rates):
            if not 0 < getattr(self, name) < float("inf"):
                raise SettingInvalid(name, f"must be positive, not {getattr(self, name)}")
        for name in (
            "beta",
            "warm_up_epochs",
            "capacity_nats",
            "capacity_epochs",
            "companion_weight",
            "noise_dims",
            "learning_rate_drop_epochs",
            "learning_rate_decay",
            "checkpoint_every_s",
            "seed",
        ):
            if not 0 <= getattr(self, name) < float("inf"):
                raise SettingInvalid(name, f"must be 0 or more, not {getattr(self, name)}")
        if not 0 < self.validation_share < 1:
            raise SettingInvalid(
                "validation_share", f"must lie between 0 and 1, not {self.validation_share}"
            )
        for name in ("dropout", "adam_beta1"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise SettingInvalid(name, f"must be at least 0 and under 1, not {value}")

    def to_json(self) -> str:
        """Returns the settings as JSON that :meth:`from_json` reads back."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "TrainConfig":
        """Returns the settings that :meth:`to_json` wrote."""
        return with_settings(cls(), json.loads(text))


# A preset states only what differs from the defaults above.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Section 5.1; beta varies by experiment, 1 is the plain VAE.
    "thesis": {"beta": 1.0},
    # The heads are solved for; the epochs train the decoder of pictures alone.
    "catalogue": {
        "model": "catalogue",
        "height_px": 256,
        "width_px": 192,
        "latent_dims": 96,
        "beta": 1.0,
        "epochs": 20,
        "batch_size": 32,
        "learning_rate": 2e-3,
        "validation_share": 0.05,
    },
}


def with_settings(config: TrainConfig, settings: Mapping[str, Any]) -> TrainConfig:
    """Returns ``config`` with some settings replaced, given as values or as text.

    Raises:
        SettingInvalid: for an unknown setting, naming the nearest known one, and for a value of
            the wrong type or out of range.
    """
    known = {field.name: field for field in dataclasses.fields(TrainConfig)}
    changes: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
            raise SettingInvalid(name, f"there is no such setting{hint}")
        changes[name] = _converted(name, known[name].type, value)
    return dataclasses.replace(config, **changes)


def preset(name: str) -> TrainConfig:
    """Returns the defaults with the differences of a preset.

    Raises:
        SettingInvalid: when there is no such preset.
    """
    if name not in PRESETS:
        raise SettingInvalid("preset", f"{name!r} is none of {', '.join(PRESETS)}")
    return with_settings(TrainConfig(), PRESETS[name])


def differences(config: TrainConfig, other: TrainConfig) -> tuple[str, ...]:
    """Returns the names of the settings in which two runs differ."""
    names = (field.name for field in dataclasses.fields(TrainConfig))
    return tuple(name for name in names if getattr(config, name) != getattr(other, name))


def _converted(name: str, kind: Any, value: Any) -> Any:
    """Returns ``value`` as the type of a field; ``kind`` is the field's annotation."""
    if kind == str | None:
        return None if value in (None, "") else str(value)
    if kind == tuple[str, ...]:
        return (value,) if isinstance(value, str) else tuple(value)
    if kind is bool:
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise SettingInvalid(name, f"must be true or false, not {value!r}")
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        if issubclass(kind, StrEnum):
            raise SettingInvalid(name, f"{value!r} is none of {', '.join(kind)}") from error
        what = {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        raise SettingInvalid(name, f"must be {what}, not {value!r}") from error
