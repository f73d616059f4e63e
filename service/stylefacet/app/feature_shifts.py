"""Finds what becomes of features when another encoder takes over, and fits them; knows no RPC."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import FeatureKind, Manifest
from stylefacet.catalog.entities import FeatureDefinition, FeatureRealisation
from stylefacet.errors import FeatureNotCarried, InvalidField
from stylefacet.features.fitting import FitQuality, FittedFeature, fit_values
from stylefacet.features.projection import Projection

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


class Fate(StrEnum):
    """What becomes of a feature; the contract tells them at length."""

    BUNDLED = "bundled"
    BUNDLE_LACKS_IT = "bundle-lacks-it"
    KEPT = "kept"
    REFITTED = "refitted"
    UNAVAILABLE = "unavailable"
    NOT_FITTED = "not-fitted"


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """What becomes of one feature; ``realisation`` is what has to be stored for it, if anything."""

    feature: str
    fate: Fate
    quality_before: FitQuality | None = None
    quality_after: FitQuality | None = None
    explanation: str = ""
    realisation: FeatureRealisation | None = None

    def to_json(self, encoder_id: str) -> dict[str, object]:
        """Returns the shift to an encoder as part of an operation's result."""
        return {
            "feature": self.feature,
            "encoder": encoder_id,
            "fate": self.fate.value,
            "quality_before": asdict(self.quality_before) if self.quality_before else None,
            "quality_after": asdict(self.quality_after) if self.quality_after else None,
            "explanation": self.explanation,
        }


# Vectors ``(n, d)`` of the images of some products, with the product of each.
ReadVectors = Callable[[Sequence[str]], tuple[F32, list[str]]]


@dataclass(frozen=True, slots=True)
class Heir:
    """The encoder that takes over, and what is known under it.

    ``covariance`` is that of the products it will serve, ``known`` its features by name.
    """

    manifest: Manifest
    encoder_id: str
    covariance: F64
    known: Mapping[str, FeatureRealisation]
    read_vectors: ReadVectors


def find_shifts(
    heir: Heir,
    definitions: Sequence[FeatureDefinition],
    before: Mapping[str, FeatureRealisation],
    bundled_before: Sequence[str],
) -> list[FeatureShift]:
    """Returns what becomes of every feature, in order of name.

    ``before`` are the features of the encoders whose products it takes over.
    """
    bundled = {feature.name for feature in heir.manifest.features}
    shifts = {name: FeatureShift(name, Fate.BUNDLED) for name in bundled}
    for name in set(bundled_before) - bundled:
        shifts[name] = FeatureShift(name, Fate.BUNDLE_LACKS_IT)
    for definition in definitions:
        if definition.name in bundled:
            shifts[definition.name] = FeatureShift(
                definition.name,
                Fate.BUNDLED,
                explanation="the one you made makes room for the one of the bundle",
            )
        else:
            earlier = _quality(before.get(definition.name))
            shifts[definition.name] = _shift(heir, definition, earlier)
    return [shifts[name] for name in sorted(shifts)]


def _shift(heir: Heir, definition: FeatureDefinition, before: FitQuality | None) -> FeatureShift:
    known = heir.known.get(definition.name)
    if known is not None and known.examples_digest == definition.examples_digest:
        return FeatureShift(definition.name, Fate.KEPT, before, _quality(known))
    if definition.kind is FeatureKind.DIMENSIONS:
        if known is not None:
            return FeatureShift(definition.name, Fate.KEPT)
        return FeatureShift(
            definition.name,
            Fate.UNAVAILABLE,
            explanation="choose dimensions of the new encoder, or fit it from examples",
        )
    means, owners = heir.read_vectors([product_id for product_id, _ in definition.examples])
    value_of = dict(definition.examples)
    try:
        fitted = fit_values(means, [value_of[id] for id in owners], heir.covariance)
    except (InvalidField, FeatureNotCarried) as error:
        return FeatureShift(definition.name, Fate.NOT_FITTED, before, explanation=error.message)
    projection = fitted.projection
    return FeatureShift(
        definition.name,
        Fate.REFITTED,
        before,
        fitted.quality,
        "" if fitted.quality.carried else "the new encoder does not carry it",
        FeatureRealisation(
            definition.name,
            heir.encoder_id,
            known.version + 1 if known else 1,
            projection.matrix,
            projection.scale,
            fitted.to_model(),
        ),
    )


def _quality(realisation: FeatureRealisation | None) -> FitQuality | None:
    if realisation is None or not realisation.model:
        return None
    projection = Projection(realisation.matrix, realisation.scale)
    model: Mapping[str, Any] = realisation.model
    return FittedFeature.from_model(projection, model).quality
