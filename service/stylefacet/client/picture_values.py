"""What the client takes and gives around pictures: plain frozen values; knows no protobuf."""

from dataclasses import dataclass
from enum import StrEnum

from stylefacet.client.values import Embedding


@dataclass(frozen=True, slots=True)
class PictureSource:
    """What a picture is made from; exactly one field is given.

    ``product`` is drawn by its first image in order of id; ``image_name`` is a full name
    ``products/{product}/images/{image}``.
    """

    product: str | None = None
    image_name: str | None = None
    content: bytes | None = None
    embedding: Embedding | None = None


@dataclass(frozen=True, slots=True)
class PictureFrame:
    """A decoded picture, PNG, and the vector it was decoded from, which can be searched by."""

    png: bytes
    embedding: Embedding


class TraversalPath(StrEnum):
    """How the frames of a traversal are placed; ``AUTOMATIC`` fits the feature."""

    AUTOMATIC = "automatic"
    AXES = "axes"
    VALUES = "values"


@dataclass(frozen=True, slots=True)
class TraversalFrame:
    """One step of a traversal.

    ``offset`` is its distance from the start in the feature's scale, negative downwards;
    ``position`` that from the catalogue's mean along the direction, in standard deviations.
    ``value`` is set on a path through values alone.
    """

    frame: PictureFrame
    offset: float
    position: float
    value: str


@dataclass(frozen=True, slots=True)
class Traversal:
    """Frames along one direction; the values at its ends, if it has any."""

    frames: tuple[TraversalFrame, ...]
    start_position: float
    low_value: str
    high_value: str


@dataclass(frozen=True, slots=True)
class FeatureTraversal:
    """The start's picture and the ways through one feature, the strongest first."""

    start: PictureFrame
    traversals: tuple[Traversal, ...]
    encoder: str
