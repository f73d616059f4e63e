"""What the client gives of operations and what comes of them; knows neither gRPC nor protobuf."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stylefacet.client.switch_values import EncoderSwitch
from stylefacet.errors import StylefacetError


class OperationState(StrEnum):
    """Where an operation stands; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ImportFailure:
    """A row of a manifest on the server that was not imported, and why."""

    row_number: int
    place: str
    product_id: str
    error: StylefacetError


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import has done; ``failures`` are the first 100 of ``failed_count``."""

    row_count: int
    created_count: int
    updated_count: int
    unchanged_count: int
    failed_count: int
    deleted_product_count: int
    deleted_image_count: int
    sequence_number: int
    failures: tuple[ImportFailure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A product of a group, and its image that is most alike another's."""

    product_id: str
    display_name: str
    category: str
    style_id: str
    image_name: str


@dataclass(frozen=True, slots=True)
class NearDuplicatePair:
    """Two products of a group, by their positions in it, and their distance by feature.

    ``squared_distance`` is the mean of the squared distances in the features that are alike.
    """

    first: int
    second: int
    squared_distance: float
    distances: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class NearDuplicateGroup:
    """Products every two of which are near duplicates.

    The first 50 of them and the pairs of the first 6. ``limits`` are the largest distance of any
    two in each feature that is alike, and the smallest in each that differs.
    """

    products: tuple[NearDuplicate, ...]
    pairs: tuple[NearDuplicatePair, ...]
    limits: Mapping[str, float]
    product_count: int


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Groups of near duplicates, the largest first, and the distances that made them so."""

    groups: tuple[NearDuplicateGroup, ...]
    group_count: int
    grouped_product_count: int
    product_count: int
    image_count: int
    pair_count: int
    alike: Mapping[str, float]
    different: Mapping[str, float]
    encoder: str
    sequence_number: int


@dataclass(frozen=True, slots=True)
class Operation:
    """Work that outlives a call, as it stood when it was asked for.

    ``error`` is set when it failed or was cancelled. ``imported`` is what an import has done so
    far or in the end, ``duplicates`` what a search for them found, ``switch`` what a switch of
    encoders did or would do; a list leaves the latter two out.
    """

    operation_id: str
    kind: str
    state: OperationState
    phase: str
    done_count: int
    total_count: int
    cancel_requested: bool
    lost_count: int
    create_time: datetime | None
    start_time: datetime | None
    update_time: datetime | None
    end_time: datetime | None
    error: StylefacetError | None = None
    imported: ImportSummary | None = None
    duplicates: NearDuplicates | None = None
    switch: EncoderSwitch | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.state not in (OperationState.QUEUED, OperationState.RUNNING)
