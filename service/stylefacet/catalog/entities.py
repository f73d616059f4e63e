"""The values that the catalogue stores and returns; knows nothing of SQL."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import FeatureKind


@dataclass(frozen=True, slots=True)
class ProductFields:
    """What a caller may write of a product."""

    id: str
    display_name: str
    category: str
    labels: Mapping[str, str]
    numbers: Mapping[str, float]
    style_id: str


# The names a field mask may hold.
PRODUCT_FIELDS = frozenset({"display_name", "category", "labels", "numbers", "style_id"})


@dataclass(frozen=True, slots=True)
class Product:
    """A catalogue item; times are UTC with zone, an absent ``style_id`` is empty."""

    id: str
    display_name: str
    category: str
    labels: Mapping[str, str]
    numbers: Mapping[str, float]
    style_id: str
    etag: str
    create_time: datetime
    update_time: datetime
    # Of the latest change of the product or of its images.
    sequence: int

    @property
    def fields(self) -> ProductFields:
        """The part a caller may write."""
        return ProductFields(
            self.id, self.display_name, self.category, self.labels, self.numbers, self.style_id
        )


@dataclass(frozen=True, slots=True)
class ProductUpdate:
    """One wanted change of a product; ``mask`` names the fields that are taken from ``fields``.

    Without a stored product, ``allow_missing`` creates it from all of ``fields``. An ``etag``
    that is not empty must equal the stored one.
    """

    fields: ProductFields
    mask: frozenset[str] = PRODUCT_FIELDS
    allow_missing: bool = False
    etag: str = ""


@dataclass(frozen=True, slots=True)
class WriteTerms:
    """How a caller wants a write: only tried, or done once however often it is asked for.

    ``request_id`` names the request, empty for none; ``digest`` is that of all it asks for.
    """

    validate_only: bool = False
    request_id: str = ""
    digest: str = ""


PLAIN_WRITE = WriteTerms()


@dataclass(frozen=True, slots=True)
class ImageEmbedding:
    """What one encoder sees in an image: posterior mean ``(d,) float32`` and novelty."""

    encoder_id: str
    mean: npt.NDArray[np.float32]
    novelty: float


@dataclass(frozen=True, slots=True)
class Sequences:
    """Where the store stands: its latest commit, and the latest that changed a feature."""

    latest: int
    of_features: int


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """A product as a query: its key in the index, image id and embedding of each of its images.

    ``sequences`` tell where the store stood when it was read.
    """

    sequences: Sequences
    product_key: int
    embeddings: list[tuple[str, ImageEmbedding]]


@dataclass(frozen=True, slots=True)
class KeptInput:
    """A letterboxed encoder input, losslessly compressed, under the digest of its pixels."""

    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class NewImage:
    """A photograph to store; an empty ``id`` is made from the digest of the content."""

    id: str
    content_sha256: str
    width_px: int
    height_px: int
    # None claims that the store has it already, as `Store.find_images` said.
    embedding: ImageEmbedding | None
    kept_input: KeptInput | None = None
    # By encoders that an operation prepares to take over.
    more_embeddings: tuple[ImageEmbedding, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductImage:
    """One stored photograph of a product; its size is that of the photo as it was sent."""

    product_id: str
    id: str
    content_sha256: str
    width_px: int
    height_px: int
    create_time: datetime
    # Of the latest change of its product.
    sequence: int


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One row of a bulk upload: a product, and usually one image of it."""

    fields: ProductFields
    image: NewImage | None
    mask: frozenset[str] = PRODUCT_FIELDS


class RowStatus(StrEnum):
    """What became of a row of a bulk upload."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The fate of one row; ``error`` is set exactly when it failed."""

    status: RowStatus
    product_id: str
    image_id: str
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """The fate of every row of a batch, in order, and the sequence number that holds them all."""

    rows: list[RowOutcome]
    sequence: int


@dataclass(frozen=True, slots=True)
class FeatureDefinition:
    """A named feature as the customer defined it; each encoder has its own realisation of it.

    ``dimensions`` are latent dimensions, ``examples`` pairs of product id and value.
    """

    name: str
    display_name: str
    kind: FeatureKind
    dimensions: tuple[int, ...]
    examples: tuple[tuple[str, str], ...]
    etag: str
    create_time: datetime
    update_time: datetime
    description: str = ""

    @property
    def examples_digest(self) -> str:
        """What changes whenever the examples do; empty without any."""
        if not self.examples:
            return ""
        text = json.dumps(sorted(self.examples))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class FeatureRealisation:
    """A feature under one encoder: ``matrix (k, d) float32`` times ``scale``.

    ``model`` holds what the fit needs beyond the map (class means, temperatures, quality) as
    values that JSON can carry; the store does not look into it.
    """

    feature: str
    encoder_id: str
    version: int
    matrix: npt.NDArray[np.float32]
    scale: float
    model: Mapping[str, object]
    # Of the examples it was fitted on; the store sets it.
    examples_digest: str = ""


@dataclass(frozen=True, slots=True)
class ProductChange:
    """The latest change of a product: what a follower of the sequence must look at."""

    sequence: int
    product_key: int
    product_id: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class ChangedProducts:
    """The keys of the products that changed, those of them that are there, and as of when."""

    sequence: int
    keys: list[int]
    products: dict[int, Product]


@dataclass(frozen=True, slots=True)
class ImageRows:
    """Embedded images in columns, as an index takes them; row ``i`` of each belongs together.

    ``image_keys``, ``product_keys`` and ``style_keys`` are ``(n,) int64``, ``means`` is
    ``(n, d) float32``. Products of one style share a style key; one without a style has a
    (negative) key of its own.
    """

    image_keys: npt.NDArray[np.int64]
    product_keys: npt.NDArray[np.int64]
    style_keys: npt.NDArray[np.int64]
    means: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ExportPage:
    """Products by key, in order of id, with their embedded images; all pages show one commit."""

    sequence: int
    products: list[tuple[int, Product]]
    rows: ImageRows | None
