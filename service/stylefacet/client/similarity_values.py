"""What the client takes and gives around similarity beyond hits; knows no protobuf."""

from dataclasses import dataclass

from stylefacet.client.values import Product


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Where a query shall lie in one feature: "like this, but ...".

    One of three: ``value``, the mean of a fitted feature's value; ``product``, where that product
    lies; ``units``, so far along the feature's axis, down if negative. ``share`` is how much of
    the way to go to a value or product. ``order`` names the values that an axis goes through, for
    a fitted feature whose values have no order of their own.
    """

    feature: str
    value: str | None = None
    product: str | None = None
    units: float | None = None
    share: float | None = None
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureComparison:
    """Two products in one feature.

    ``nearer_share`` of the pairs drawn at random from the catalogue lie nearer. Values are the
    most probable ones of a fitted feature that is carried.
    """

    feature_id: str
    distance: float
    nearer_share: float
    alike: bool
    value: str
    other_value: str


@dataclass(frozen=True, slots=True)
class ProductPair:
    """How two products stand to each other, by their two nearest images."""

    product_id: str
    other_product_id: str
    image_name: str
    other_image_name: str
    squared_distance: float
    features: tuple[FeatureComparison, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Products side by side: every two of them, and what stands out, in a sentence."""

    products: tuple[Product, ...]
    pairs: tuple[ProductPair, ...]
    summary: str
    encoder: str
    sequence_number: int
