"""Fits named features from labelled products and predicts their values; knows no RPC."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from stylefacet.app.features import FeatureBook, FeatureTexts, LiveFeature
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.bundle import FeatureKind
from stylefacet.catalog.assignment import EVERYTHING, Scope
from stylefacet.catalog.entities import PLAIN_WRITE, FeatureRealisation, WriteTerms
from stylefacet.catalog.limits import is_storable
from stylefacet.catalog.store import Store
from stylefacet.errors import EtagMismatch, InvalidField, ResourceMissing
from stylefacet.features.fitting import FittedFeature, fit_values
from stylefacet.features.projection import fit_scale
from stylefacet.inference import EmbeddedPhoto

MAX_EXAMPLE_COUNT = 200_000
MAX_VALUE_LENGTH = 63


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """A wanted change of a feature made at run time; what is None or False stays as it is."""

    name: str
    display_name: str | None = None
    description: str | None = None
    # New examples, which replace the stored ones or are added to them.
    examples: tuple[tuple[str, str], ...] = ()
    keep_examples: bool = False
    refit: bool = False
    refresh_scale: bool = False
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The values of one feature with their probabilities, likeliest first; none if not carried."""

    feature: str
    carried: bool
    values: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class PredictionAnswer:
    """Predictions in order of feature name, and how unlike the training photos the subject is."""

    predictions: list[Prediction]
    novelty: float


class FeatureFitting:
    """Fits and predicts under the active encoder. Thread-safe; holds no state of its own."""

    def __init__(
        self,
        store: Store,
        features: FeatureBook,
        embedder: PhotoEmbedder,
        scope: Scope = EVERYTHING,
    ) -> None:
        self._store = store
        self._features = features
        self._embedder = embedder
        self._scope = scope

    def fit(
        self,
        texts: FeatureTexts,
        examples: Sequence[tuple[str, str]],
        terms: WriteTerms = PLAIN_WRITE,
    ) -> LiveFeature:
        """Fits a feature from pairs of product id and value; replaces one made at run time.

        Nothing is embedded again: the vectors come from the store. A product with several images
        counts once an image.

        Raises:
            InvalidField: for examples that cannot be used.
            ResourceMissing: for a product that is not there or has no image.
            ResourceExists: for the name of a bundled feature.
        """
        if self._store.is_repeated(terms):
            return self._features.get(texts.name)
        self._features.check_name_free(texts.name)
        by_product = _check_examples(examples)
        fitted = self._fit(by_product, by_product)
        kept = self._examples_of_others(texts.name)
        return self._features.put_fitted(texts, (*examples, *kept), fitted, terms)

    def _examples_of_others(self, name: str) -> tuple[tuple[str, str], ...]:
        """Returns the stored examples of a feature that are products of other encoders."""
        stored = self._store.find_feature(name) if self._scope != EVERYTHING else None
        if stored is None:
            return ()
        categories = self._store.find_categories([id for id, _ in stored.examples])
        return tuple(
            (id, value)
            for id, value in stored.examples
            if id in categories and not self._scope.holds(categories[id])
        )

    def update(self, change: FeatureChange, terms: WriteTerms = PLAIN_WRITE) -> LiveFeature:
        """Changes what a feature is called, what it was fitted on, or its scale.

        Raises:
            FeatureBundled, ResourceMissing, EtagMismatch: for the feature.
            InvalidField, ResourceMissing: for the examples, as `fit`.
            FeatureNotCarried: when today's catalogue hardly differs in it.
        """
        if self._store.is_repeated(terms):
            return self._features.get(change.name)
        self._features.check_changeable(change.name)
        live = self._features.get(change.name)
        definition = self._store.get_feature(change.name)
        if change.etag and change.etag != definition.etag:
            raise EtagMismatch(f"features/{change.name}")
        _check_change(change, live)
        changed = replace(
            definition,
            display_name=_given(change.display_name, definition.display_name),
            description=_given(change.description, definition.description),
        )
        realisation = None
        if change.examples or change.refit:
            given = _check_examples(change.examples) if change.examples else {}
            keeps = change.keep_examples or change.refit
            earlier = definition.examples if keeps else self._examples_of_others(change.name)
            wanted = _check_examples(tuple((dict(earlier) | given).items()))
            changed = replace(changed, examples=tuple(wanted.items()))
            fitted = self._fit(wanted, given)
            realisation = self._features.realise(change.name, fitted.projection, fitted.to_model())
        elif change.refresh_scale:
            realisation = self._rescale(live)
        return self._features.replace(changed, realisation, terms)

    def list_examples(self, name: str) -> list[tuple[str, str]]:
        """Returns the stored examples of a feature in order of product id; none if bundled.

        Raises:
            ResourceMissing: for the feature.
        """
        if self._features.get(name).bundled:
            return []
        return sorted(self._store.get_feature(name).examples)

    def _fit(self, by_product: Mapping[str, str], required: Collection[str]) -> FittedFeature:
        means, values = self._read_examples(by_product, required)
        return fit_values(means, values, self._features.covariance())

    def _rescale(self, live: LiveFeature) -> FeatureRealisation:
        scale = fit_scale(live.name, live.projection.matrix, self._features.covariance())
        model = live.model
        if model:
            fitted = FittedFeature.from_model(live.projection, model)
            model = fitted.rescaled(scale).to_model()
        return self._features.realise(live.name, replace(live.projection, scale=scale), model)

    def predict_product(self, product_id: str, names: Sequence[str]) -> PredictionAnswer:
        """Returns the predictions for a stored product, from the mean of its images.

        Raises:
            ResourceMissing: for an unknown product, one without an image, an unknown feature.
            InvalidField: for a feature that was not fitted.
        """
        embeddings = self._store.list_embeddings(product_id, self._embedder.encoder.id)
        if not embeddings:
            raise ResourceMissing("image", f"products/{product_id}/images/-", "upload one first")
        means = np.stack([embedding.mean for _, embedding in embeddings])
        mean = means.mean(axis=0, keepdims=True, dtype=np.float32)
        novelty = max(embedding.novelty for _, embedding in embeddings)
        return PredictionAnswer(self._predict(mean, names), novelty)

    def predict_photo(self, photo: EmbeddedPhoto, names: Sequence[str]) -> PredictionAnswer:
        """Returns the predictions for a photo, which is not stored."""
        return PredictionAnswer(self._predict(photo.mean[None], names), photo.novelty)

    def _predict(self, mean: npt.NDArray[np.float32], names: Sequence[str]) -> list[Prediction]:
        if names:
            chosen = self._features.select(sorted(set(names)))
        else:
            chosen = [feature for feature in self._features.list_all() if feature.model]
        return [_predict_one(feature, mean) for feature in chosen]

    def _read_examples(
        self, by_product: Mapping[str, str], required: Collection[str]
    ) -> tuple[npt.NDArray[np.float32], list[str]]:
        """Returns vectors ``(n, d)`` and values; only the ``required`` products must be there."""
        keys = self._store.find_product_keys(by_product)
        missing = sorted(set(required) - set(keys))
        if missing:
            raise ResourceMissing("product", missing[0], f"{len(missing)} examples are missing")
        rows = self._store.image_rows(keys.values(), self._embedder.encoder.id, self._scope)
        found = set() if rows is None else set(rows.product_keys.tolist())
        bare = sorted(id for id, key in keys.items() if key not in found and id in required)
        if bare:
            raise ResourceMissing("image", f"products/{bare[0]}/images/-", "upload one first")
        if rows is None:
            raise InvalidField("examples", "none of their products is left; give new ones")
        value_of = {key: by_product[product_id] for product_id, key in keys.items()}
        return rows.means, [value_of[key] for key in rows.product_keys.tolist()]


def _check_change(change: FeatureChange, live: LiveFeature) -> None:
    fits = bool(change.examples) or change.refit
    if fits and live.kind is not FeatureKind.PROJECTION:
        raise InvalidField("examples", f"{live.name!r} was not fitted; only its scale can change")
    if change.examples and change.refit:
        raise InvalidField("refit", "examples are fitted anyhow; give one of the two")
    if change.keep_examples and not change.examples:
        raise InvalidField("keep_examples", "there are no examples to add; give some, or refit")


def _given(text: str | None, otherwise: str) -> str:
    return otherwise if text is None else text


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
        if not is_storable(value):
            raise InvalidField("examples", f"value {value!r} holds a control character; remove it")
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
