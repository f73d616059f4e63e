"""Between the messages of comparison and adjustment and the service's own values."""

from collections.abc import Iterable

from stylefacet.app.adjustments import (
    MAX_ADJUSTMENT_COUNT,
    ByUnits,
    QueryMove,
    Target,
    TowardProduct,
    TowardValue,
)
from stylefacet.app.comparison import Comparison, FeatureComparison, ProductPair
from stylefacet.app.comparison_text import describe
from stylefacet.errors import InvalidField
from stylefacet.server import convert
from stylefacet.v1 import similarity_service_pb2 as pb


def read_weights(items: Iterable[pb.FeatureWeight]) -> dict[str, float]:
    """Returns weights by feature.

    Raises:
        InvalidField: for a bad name or one that comes twice.
    """
    weights: dict[str, float] = {}
    for item in items:
        name = convert.read_name("feature_weights.feature", item.feature, "features")
        if name in weights:
            raise InvalidField("feature_weights", f"names feature {name!r} twice")
        weights[name] = item.weight
    return weights


def read_adjustments(items: Iterable[pb.FeatureAdjustment]) -> dict[str, Target]:
    """Returns the targets of adjustments by feature.

    Raises:
        InvalidField: for a bad name, one that comes twice, an adjustment without a target, or too
            many.
    """
    targets: dict[str, Target] = {}
    for item in items:
        name = convert.read_name("adjustments.feature", item.feature, "features")
        if name in targets:
            raise InvalidField("adjustments", f"names feature {name!r} twice")
        targets[name] = _read_target(item)
    if len(targets) > MAX_ADJUSTMENT_COUNT:
        raise InvalidField("adjustments", f"at most {MAX_ADJUSTMENT_COUNT} can be met at once")
    return targets


def write_move(encoder_id: str, move: QueryMove) -> pb.QueryMove:
    """Returns the message of how a query moved."""
    return pb.QueryMove(
        latent_distance=move.latent_distance,
        feature_moves=[
            pb.FeatureMove(
                feature=f"features/{each.feature}",
                requested=each.requested,
                distance=each.distance,
                value_before=each.value_before,
                value_after=each.value_after,
            )
            for each in move.feature_moves
        ],
        # How novel a moved vector is cannot be told: there is no photo of it.
        embeddings=[convert.write_embedding(encoder_id, mean.tolist(), 0.0) for mean in move.means],
    )


def write_comparison(encoder_id: str, comparison: Comparison) -> pb.CompareProductsResponse:
    """Returns the message of products side by side."""
    return pb.CompareProductsResponse(
        products=map(convert.write_product, comparison.products),
        pairs=[_write_pair(comparison, pair) for pair in comparison.pairs],
        summary=describe(comparison),
        encoder=f"encoders/{encoder_id}",
        sequence_number=comparison.sequence,
    )


def _read_target(item: pb.FeatureAdjustment) -> Target:
    share = item.share if item.HasField("share") else 1.0
    kind = item.WhichOneof("target")
    if kind == "units" and item.HasField("share"):
        raise InvalidField("adjustments.share", "goes with a value or a product, not with units")
    if kind != "units" and item.order:
        raise InvalidField("adjustments.order", "goes with units alone")
    match kind:
        case "value":
            return TowardValue(item.value, share)
        case "product":
            name = convert.read_name("adjustments.product", item.product, "products")
            return TowardProduct(name, share)
        case "units":
            return ByUnits(item.units, tuple(item.order))
        case _:
            raise InvalidField("adjustments", "one has no target; give a value, units or a product")


def _write_pair(comparison: Comparison, pair: ProductPair) -> pb.ProductPair:
    first, second = (comparison.products[n].id for n in (pair.first, pair.second))
    return pb.ProductPair(
        product_image=f"products/{first}/images/{pair.image_id}",
        other_product_image=f"products/{second}/images/{pair.other_image_id}",
        squared_distance=pair.squared_distance,
        feature_comparisons=map(_write_feature, pair.features),
    )


def _write_feature(feature: FeatureComparison) -> pb.FeatureComparison:
    return pb.FeatureComparison(
        feature=f"features/{feature.feature}",
        distance=feature.distance,
        nearer_share=feature.nearer_share,
        alike=feature.alike,
        value=feature.value,
        other_value=feature.other_value,
    )
