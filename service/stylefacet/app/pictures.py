"""Draws pictures of latent vectors, of ways through features and between images; knows no RPC."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from stylefacet.app.adjustments import fitted_of
from stylefacet.app.features import FeatureBook, LiveFeature
from stylefacet.app.population import Population
from stylefacet.app.traversals import Step, Way, has_axis, way_through_values, ways_along_axes
from stylefacet.errors import DecoderMissing, FeatureNotCarried, InvalidField
from stylefacet.imaging import encode_png
from stylefacet.inference import Decoder

F32 = npt.NDArray[np.float32]

MIN_FRAME_COUNT, DEFAULT_FRAME_COUNT, MAX_FRAME_COUNT = 2, 7, 21
MAX_WAY_COUNT = 8
DEFAULT_WAY_COUNT = 3
MAX_TOTAL_COUNT = 84
DEFAULT_REACH, MAX_REACH = 2.0, 6.0
# Pictures decoded at a time: more gain nothing and cost memory.
_BATCH = 8


class Path(StrEnum):
    """How the frames of a traversal are placed."""

    AUTOMATIC = "automatic"
    AXES = "axes"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class TraversalRequest:
    """What to draw of a feature; zeros ask for the defaults."""

    feature: str
    path: Path = Path.AUTOMATIC
    frame_count: int = 0
    way_count: int = 0
    reach: float = 0.0
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture and the latent vector ``(d,)`` it was made from."""

    png: bytes
    mean: F32


@dataclass(frozen=True, slots=True)
class DrawnWay:
    """A way and the picture of each of its steps."""

    way: Way
    frames: tuple[Frame, ...]


class PictureMaker:
    """Draws with the active encoder's decoder. Thread-safe; holds no state of a call."""

    def __init__(
        self,
        encoder_id: str,
        decoder: Decoder | None,
        features: FeatureBook,
        population: Population,
    ) -> None:
        self._encoder_id = encoder_id
        self._decoder = decoder
        self._features = features
        self._population = population

    @property
    def decodable(self) -> bool:
        """Whether the encoder's bundle has a decoder."""
        return self._decoder is not None

    def draw(self, means: F32) -> tuple[Frame, ...]:
        """Returns the pictures of latent vectors ``(n, d)``.

        Raises:
            DecoderMissing: when the bundle has none.
        """
        return tuple(
            Frame(encode_png(picture), mean)
            for picture, mean in zip(self._decode(means), means, strict=True)
        )

    def mean_of_catalogue(self) -> F32:
        """Returns the mean latent vector ``(d,)`` of the catalogue."""
        return self._population.moments().mean.astype(np.float32)

    def traverse(self, start: F32, request: TraversalRequest) -> tuple[Frame, list[DrawnWay]]:
        """Returns the start's picture and those of the ways through a feature.

        Raises:
            DecoderMissing: when the bundle has none.
            ResourceMissing: for an unknown feature.
            FeatureNotCarried: for a fitted feature that is not.
            InvalidField: for counts out of bounds, or a path the feature does not have.
        """
        self._check_decoder()
        feature = self._features.get(request.feature)
        fitted = fitted_of(feature)
        if fitted is not None and not fitted.quality.carried:
            raise FeatureNotCarried(feature.name, "its examples could not be told apart")
        ways = self._ways(feature, start, request)
        if sum(len(way.steps) for way in ways) > MAX_TOTAL_COUNT:
            raise InvalidField("frame_count", f"at most {MAX_TOTAL_COUNT} frames are drawn at once")
        drawn = [DrawnWay(way, self.draw(_means(way.steps))) for way in ways]
        return self.draw(start[None])[0], drawn

    def interpolate(self, start: F32, end: F32, frame_count: int) -> tuple[Frame, ...]:
        """Returns pictures in equal steps on the straight line between two latent vectors.

        Distances in every feature grow evenly along it.

        Raises:
            DecoderMissing: when the bundle has none.
            InvalidField: for a number of frames out of bounds.
        """
        count = _frame_count(frame_count)
        shares = np.linspace(0.0, 1.0, count)[:, None]
        return self.draw(((1.0 - shares) * start + shares * end).astype(np.float32))

    def _ways(self, feature: LiveFeature, start: F32, request: TraversalRequest) -> list[Way]:
        frame_count = _frame_count(request.frame_count)
        if not 0 <= request.way_count <= MAX_WAY_COUNT:
            raise InvalidField("direction_count", f"must lie between 1 and {MAX_WAY_COUNT}")
        reach = request.reach or DEFAULT_REACH
        # Not `reach <= 0`: a NaN must not pass.
        if not (math.isfinite(reach) and 0 < reach <= MAX_REACH):
            raise InvalidField("reach", f"must be above 0 and at most {MAX_REACH:g}")
        ordered = has_axis(feature, request.order)
        path = request.path
        if path is Path.AUTOMATIC:
            path = Path.VALUES if feature.model and not ordered else Path.AXES
        if path is Path.VALUES:
            return [way_through_values(feature, start)]
        way_count = 1 if ordered else request.way_count or DEFAULT_WAY_COUNT
        if frame_count * way_count > MAX_TOTAL_COUNT:
            raise InvalidField("frame_count", f"at most {MAX_TOTAL_COUNT} frames are drawn at once")
        return ways_along_axes(
            feature,
            start,
            self._population.moments(),
            self._decode,
            order=request.order,
            step_count=frame_count,
            way_count=way_count,
            reach=reach,
        )

    def _decode(self, means: F32) -> npt.NDArray[np.uint8]:
        decoder = self._check_decoder()
        parts = [decoder.decode(means[i : i + _BATCH]) for i in range(0, len(means), _BATCH)]
        return np.concatenate(parts)

    def _check_decoder(self) -> Decoder:
        if self._decoder is None:
            raise DecoderMissing(self._encoder_id)
        return self._decoder


def _frame_count(asked: int) -> int:
    count = asked or DEFAULT_FRAME_COUNT
    if not MIN_FRAME_COUNT <= count <= MAX_FRAME_COUNT:
        raise InvalidField(
            "frame_count", f"must lie between {MIN_FRAME_COUNT} and {MAX_FRAME_COUNT}"
        )
    return count


def _means(steps: Sequence[Step]) -> F32:
    return np.stack([step.mean for step in steps])
