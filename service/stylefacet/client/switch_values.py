"""What the client tells of a switch of encoders; knows no messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from stylefacet.client.values import FeatureQuality


@dataclass(frozen=True, slots=True)
class EncoderAssignment:
    """Which encoder serves what: by category, and by default."""

    default_encoder: str
    encoders: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EncoderShift:
    """What an encoder takes over.

    ``lacking_input_count`` images are not found until their photos are sent again;
    ``enlarged_count`` are embedded from inputs smaller than the encoder wants. The shares are those
    of images more novel than 99 of 100 training photos, under the encoder that serves them.
    """

    encoder: str
    image_count: int
    embedded_count: int
    lacking_input_count: int
    enlarged_count: int
    novel_share_before: float
    novel_share_after: float
    sample_count: int


class FeatureFate(StrEnum):
    """What becomes of a feature under another encoder."""

    UNSPECIFIED = "unspecified"
    BUNDLED = "bundled"
    BUNDLE_LACKS_IT = "bundle lacks it"
    KEPT = "kept"
    REFITTED = "refitted"
    UNAVAILABLE = "unavailable"
    NOT_FITTED = "not fitted"


@dataclass(frozen=True, slots=True)
class FeatureShift:
    """What becomes of one feature; qualities are those of fitted ones, on the same examples."""

    feature_id: str
    encoder: str
    fate: FeatureFate
    quality_before: FeatureQuality | None
    quality_after: FeatureQuality | None
    explanation: str


@dataclass(frozen=True, slots=True)
class EncoderSwitch:
    """What a switch did, or would do: then ``sequence_number`` is 0."""

    earlier: EncoderAssignment
    later: EncoderAssignment
    shifts: tuple[EncoderShift, ...]
    features: tuple[FeatureShift, ...]
    sequence_number: int
