"""What the client takes and gives: plain frozen values; knows neither gRPC nor protobuf."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from stylefacet.errors import StylefacetError


@dataclass(frozen=True, slots=True)
class Product:
    """A catalogue item. Times and ``etag`` come from the server; leave them out when writing."""

    product_id: str
    category: str = ""
    display_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    style_id: str = ""
    etag: str = ""
    create_time: datetime | None = None
    update_time: datetime | None = None
    # Of the latest change of the product or its images: for ``min_sequence`` of a search.
    sequence_number: int = 0


@dataclass(frozen=True, slots=True)
class Embedding:
    """A latent vector of ``encoder``, in units of the prior's standard deviation.

    ``novelty`` says how unlike the training photos the image is; compare
    :attr:`Encoder.novelty_p99`.
    """

    encoder: str
    mean: tuple[float, ...]
    novelty: float


@dataclass(frozen=True, slots=True)
class ProductImage:
    """A stored photo. ``embedding`` and ``thumbnail`` (PNG) depend on the view asked for."""

    product_id: str
    image_id: str
    content_sha256: str
    width_px: int
    height_px: int
    embedding: Embedding | None
    thumbnail: bytes
    create_time: datetime | None
    sequence_number: int = 0

    @property
    def name(self) -> str:
        """The resource name ``products/{product}/images/{image}``."""
        return f"products/{self.product_id}/images/{self.image_id}"


class ImageView(StrEnum):
    """How much of a product image a reply carries."""

    BASIC = "basic"
    FULL = "full"
    THUMBNAIL = "thumbnail"


class Outcome(StrEnum):
    """What became of an uploaded row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A product and, unless ``read_content`` is none, one photo of it.

    ``read_content`` is called when the row's turn comes, so that a large upload holds few photos
    at a time; what it raises as :class:`StylefacetError` or :class:`OSError` fails the row alone.
    ``row_number`` is unique within an upload.
    """

    row_number: int
    product: Product
    read_content: Callable[[], bytes] | None = None
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class UploadOutcome:
    """What became of one row; ``error`` is set when and only when it failed.

    Searches that have seen ``sequence_number`` see the row.
    """

    row_number: int
    product_id: str
    outcome: Outcome
    error: StylefacetError | None = None
    image_name: str = ""
    sequence_number: int = 0


@dataclass(frozen=True, slots=True)
class FeatureDistance:
    """How one feature bears on a hit.

    ``distance`` is in the feature's own scale: 1 is the root mean square over two products drawn
    at random. The contributions of a hit add up to its squared distance.
    """

    feature_id: str
    distance: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A product near the query, by its nearest image.

    ``query_image_name`` is the image of the query's product that it is near to.
    ``other_style_product_count`` is set by a search by style.
    """

    product: Product
    image_name: str
    squared_distance: float
    features: tuple[FeatureDistance, ...]
    query_image_name: str = ""
    other_style_product_count: int = 0


@dataclass(frozen=True, slots=True)
class FeatureMove:
    """How far a query moved in one feature, in its scale: asked to (``requested``) or dragged.

    Values are the most probable ones before and after, of a fitted feature that is carried.
    """

    feature_id: str
    requested: bool
    distance: float
    value_before: str
    value_after: str


@dataclass(frozen=True, slots=True)
class QueryMove:
    """Where adjustments took a query, in every feature.

    ``latent_distance`` is in units of the prior's standard deviation. ``embeddings`` are the moved
    vectors, one for each image of the query; they can be decoded and searched by.
    """

    latent_distance: float
    features: tuple[FeatureMove, ...]
    embeddings: tuple[Embedding, ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, nearest first; the encoder they were found with and the last change they reflect.

    ``query_move`` says how adjustments moved the query, if there were any.
    """

    hits: tuple[Hit, ...]
    encoder: str
    sequence_number: int
    query_novelty: float
    query_move: QueryMove | None = None


@dataclass(frozen=True, slots=True)
class LatentBlock:
    """A named half-open range of latent dimensions."""

    block: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Encoder:
    """A model that is installed. ``encoder_id`` is the digest of its bundle.

    It serves every category that no other one does (``serves_default``), some ``categories``, or
    nothing. ``embedded_image_count`` counts what it has embedded, whether it serves it or not.
    """

    encoder_id: str
    display_name: str
    input_height_px: int
    input_width_px: int
    latent_dimension_count: int
    blocks: tuple[LatentBlock, ...]
    decodable: bool
    quality: Mapping[str, float]
    training_data: str
    licence: str
    train_time: datetime | None
    novelty_p99: float
    serves_default: bool = False
    categories: tuple[str, ...] = ()
    install_time: datetime | None = None
    embedded_image_count: int = 0


@dataclass(frozen=True, slots=True)
class FeatureQuality:
    """Cross-validated figures of a fitted feature, each beside what chance would give."""

    balanced_accuracy: float
    chance_accuracy: float
    precision_at_10: float
    chance_precision_at_10: float
    carried: bool
    example_count: int
    # How far predicted probabilities are from what came true; None of an earlier release.
    calibration_error: float | None = None


class FeatureKind(StrEnum):
    """How a feature came to its map."""

    UNSPECIFIED = "unspecified"
    DIMENSIONS = "dimensions"
    PROJECTION = "projection"


class FeatureOrigin(StrEnum):
    """Where a feature comes from."""

    UNSPECIFIED = "unspecified"
    BUNDLED = "bundled"
    CREATED = "created"


@dataclass(frozen=True, slots=True)
class Feature:
    """A name for something the encoder sees."""

    feature_id: str
    display_name: str
    kind: FeatureKind
    origin: FeatureOrigin
    dimensions: tuple[int, ...]
    coordinate_count: int
    scale: float
    encoder: str
    version: int
    quality: FeatureQuality | None
    values: tuple[str, ...]
    create_time: datetime | None
    update_time: datetime | None = None
    description: str = ""
    etag: str = ""
    example_count: int = 0


@dataclass(frozen=True, slots=True)
class Prediction:
    """Values of a fitted feature with their probabilities, most probable first.

    Empty when the encoder does not carry the feature.
    """

    feature_id: str
    carried: bool
    values: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ExportedFeature:
    """A feature as an export used it; coordinates of two versions do not compare.

    ``carried`` says whether values are given; only ``fitted`` features have any.
    """

    feature_id: str
    version: int
    coordinate_count: int
    fitted: bool
    carried: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where a product lies in one feature, in its scale, and its most probable value, if any."""

    coordinates: tuple[float, ...]
    value: str
    probability: float


@dataclass(frozen=True, slots=True)
class ExportedProduct:
    """A product and its place in each feature of the export; none without an image."""

    product: Product
    image_count: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class FeatureExport:
    """The catalogue in its features, as of the change ``sequence_number``.

    ``products`` come in order of id and can be iterated once.
    """

    encoder: str
    sequence_number: int
    features: tuple[ExportedFeature, ...]
    products: Iterator[ExportedProduct]


@dataclass(frozen=True, slots=True)
class EmbedOutcome:
    """The embedding of one image of a stream, or the error it met."""

    position: int
    embedding: Embedding | None
    error: StylefacetError | None
