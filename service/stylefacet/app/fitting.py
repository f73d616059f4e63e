"""Fits named features from labelled products and predicts their values; knows no RPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.app.features import FeatureBook, LiveFeature
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.catalog.store import Store
from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet.features.fitting import FittedFeature, fit_values

MAX_EXAMPLE_COUNT = 200_000
MAX_VALUE_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Prediction:
    """The values of one feature with their probabilities, likeliest first; none if not carried."""

    feature: str
    carried: bool
    values: tuple[tuple[str, float], ...]


class FeatureFitting:
    """Fits and predicts under the active encoder. Thread-safe; holds no state of its own."""

    def __init__(self, store: Store, features: FeatureBook, embedder: PhotoEmbedder) -> None:
        self._store = store
        self._features = features
        self._embedder = embedder

    def fit(self, name: str, display_name: str, examples: Sequence[tuple[str, str]]) -> LiveFeature:
        """Fits a feature from pairs of product id and value; replaces one made at run time.

        Nothing is embedded again: the vectors come from the store. A product with several images
        counts once an image.

        Raises:
            InvalidField: for examples that cannot be used.
            ResourceMissing: for a product that is not there or has no image.
            ResourceExists: for the name of a bundled feature.
        """
        self._features.check_name_free(name)
        means, values = self._read_examples(_check_examples(examples))
        fitted = fit_values(means, values, self._features.covariance())
        return self._features.put_fitted(name, display_name, tuple(examples), fitted)

    def predict_product(self, product_id: str, names: Sequence[str]) -> list[Prediction]:
        """Returns the predictions for a stored product, from the mean of its images.

        Raises:
            ResourceMissing: for an unknown product, one without an image, an unknown feature.
            InvalidField: for a feature that was not fitted.
        """
        embeddings = self._store.list_embeddings(product_id, self._embedder.encoder.id)
        if not embeddings:
            raise ResourceMissing("image", f"products/{product_id}/images/-", "upload one first")
        means = np.stack([embedding.mean for _, embedding in embeddings])
        return self._predict(means.mean(axis=0, keepdims=True, dtype=np.float32), names)

    def predict_photo(self, content: bytes, names: Sequence[str]) -> list[Prediction]:
        """Returns the predictions for an encoded photo, which is not stored."""
        return self._predict(self._embedder.embed(content).mean[None], names)

    def _predict(self, mean: npt.NDArray[np.float32], names: Sequence[str]) -> list[Prediction]:
        if names:
            chosen = [self._features.get(name) for name in sorted(set(names))]
        else:
            chosen = [feature for feature in self._features.list_all() if feature.model]
        return [_predict_one(feature, mean) for feature in chosen]

    def _read_examples(
        self, by_product: Mapping[str, str]
    ) -> tuple[npt.NDArray[np.float32], list[str]]:
        keys = self._store.find_product_keys(by_product)
        missing = sorted(set(by_product) - set(keys))
        if missing:
            raise ResourceMissing("product", missing[0], f"{len(missing)} examples are missing")
        rows = self._store.image_rows(keys.values(), self._embedder.encoder.id)
        found = set() if rows is None else set(rows.product_keys.tolist())
        bare = sorted(product_id for product_id, key in keys.items() if key not in found)
        if bare or rows is None:
            raise ResourceMissing("image", f"products/{bare[0]}/images/-", "upload one first")
        value_of = {key: by_product[product_id] for product_id, key in keys.items()}
        return rows.means, [value_of[key] for key in rows.product_keys.tolist()]


def _check_examples(examples: Sequence[tuple[str, str]]) -> dict[str, str]:
    if len(examples) > MAX_EXAMPLE_COUNT:
        raise InvalidField(
            "examples", f"holds {len(examples):,}; {MAX_EXAMPLE_COUNT:,} are enough for any fit"
        )
    if not examples:
        raise InvalidField("examples", "there are none; show at least two values")
    by_product: dict[str, str] = {}
    for product_id, value in examples:
        if product_id in by_product:
            raise InvalidField("examples", f"names product {product_id!r} twice")
        if not 1 <= len(value) <= MAX_VALUE_LENGTH:
            raise InvalidField("examples", f"values have 1 to {MAX_VALUE_LENGTH} characters")
        by_product[product_id] = value
    return by_product


def _predict_one(feature: LiveFeature, mean: npt.NDArray[np.float32]) -> Prediction:
    if not feature.model:
        raise InvalidField("features", f"{feature.name!r} was not fitted, so it has no values")
    fitted = FittedFeature.from_model(feature.projection, feature.model)
    if not fitted.quality.carried:
        return Prediction(feature.name, carried=False, values=())
    chances = fitted.probabilities(mean)[0]
    order = np.argsort(-chances, kind="stable")
    ranked = tuple((fitted.values[i], float(chances[i])) for i in order)
    return Prediction(feature.name, carried=True, values=ranked)
