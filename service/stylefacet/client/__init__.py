"""The typed client: `StylefacetClient` and the values it takes and gives."""

from stylefacet.client.client import DEFAULT_ADDRESS, StylefacetClient
from stylefacet.client.transport import RetryPolicy
from stylefacet.client.values import (
    Embedding,
    EmbedOutcome,
    Encoder,
    Feature,
    FeatureDistance,
    FeatureKind,
    FeatureOrigin,
    FeatureQuality,
    Hit,
    ImageView,
    LatentBlock,
    Outcome,
    Prediction,
    Product,
    ProductImage,
    SearchResult,
    UploadOutcome,
    UploadRow,
)

__all__ = [
    "DEFAULT_ADDRESS",
    "EmbedOutcome",
    "Embedding",
    "Encoder",
    "Feature",
    "FeatureDistance",
    "FeatureKind",
    "FeatureOrigin",
    "FeatureQuality",
    "Hit",
    "ImageView",
    "LatentBlock",
    "Outcome",
    "Prediction",
    "Product",
    "ProductImage",
    "RetryPolicy",
    "SearchResult",
    "StylefacetClient",
    "UploadOutcome",
    "UploadRow",
]
