"""Sums a finished run up in figures; computes them from what the run wrote and trains nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stylefacet_training.config import TrainConfig
from stylefacet_training.data.pictures import PictureSet
from stylefacet_training.encoding import active_units
from stylefacet_training.runs import Population

# The thesis states each loss as the mean over the last five epochs, each over its last batch.
THESIS_EPOCHS = 5


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run. Losses are sums over a picture in nats, means over pictures.

    ``*_generation`` and ``*_latent`` are those of the last epoch; ``thesis_*`` are read as the
    tables of the thesis are.
    """

    data_title: str
    picture_count: int
    skipped_count: int
    epochs: int
    seed: int
    commit: str
    train_generation: float
    train_latent: float
    validation_generation: float
    validation_latent: float
    thesis_train_generation: float
    thesis_train_latent: float
    thesis_validation_generation: float
    thesis_validation_latent: float
    latent_dims: int
    active_unit_count: int
    active_units: tuple[int, ...]
    images_per_s: float
    duration_s: float

    def to_json(self) -> str:
        """Returns the summary as one JSON object."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "RunSummary":
        """Returns the summary that :meth:`to_json` wrote."""
        fields = json.loads(text)
        return cls(**fields | {"active_units": tuple(fields["active_units"])})

    def line(self) -> str:
        """Returns the summary in one line for a person."""
        unused = self.latent_dims - self.active_unit_count
        return (
            f"done in {self.duration_s:.0f} s: {self.active_unit_count} of {self.latent_dims} "
            f"latent dimensions active, {unused} unused; generation loss "
            f"{self.validation_generation:.2f}, latent loss {self.validation_latent:.3f} on "
            "held-out photos"
        )

    def quality(self) -> dict[str, float]:
        """Returns the figures a bundle's manifest carries."""
        names = (
            "train_generation",
            "train_latent",
            "validation_generation",
            "validation_latent",
            "active_unit_count",
        )
        return {name: float(getattr(self, name)) for name in names}


def summarise(
    config: TrainConfig,
    commit: str,
    pictures: PictureSet,
    population: Population,
    history: Sequence[Mapping[str, Any]],
    *,
    duration_s: float,
) -> RunSummary:
    """Returns the summary of a run from its epochs and its population."""
    end = history[-1]
    tail = history[-THESIS_EPOCHS:]

    def as_thesis(name: str) -> float:
        return float(sum(row[f"{name}_last_batch"] for row in tail) / len(tail))

    active = active_units(population.mean)
    return RunSummary(
        data_title=pictures.title,
        picture_count=len(pictures),
        skipped_count=len(pictures.skipped),
        epochs=len(history),
        seed=config.seed,
        commit=commit,
        train_generation=end["train_generation"],
        train_latent=end["train_latent"],
        validation_generation=end["validation_generation"],
        validation_latent=end["validation_latent"],
        thesis_train_generation=as_thesis("train_generation"),
        thesis_train_latent=as_thesis("train_latent"),
        thesis_validation_generation=as_thesis("validation_generation"),
        thesis_validation_latent=as_thesis("validation_latent"),
        latent_dims=len(active),
        active_unit_count=int(active.sum()),
        active_units=tuple(int(i) for i in active.nonzero()[0]),
        images_per_s=round(sum(row["images_per_s"] for row in history) / len(history), 1),
        duration_s=round(duration_s, 1),
    )
