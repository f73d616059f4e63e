"""Sets products side by side, feature by feature; knows no RPC and no ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from stylefacet.app.adjustments import predicted_value
from stylefacet.app.features import FeatureBook, LiveFeature
from stylefacet.app.population import Population
from stylefacet.app.vectors import VectorReader
from stylefacet.catalog.entities import Product
from stylefacet.catalog.store import Store
from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet.search.ranking import Metric
from stylefacet.search.weights import normalise_weights

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

MIN_PRODUCT_COUNT, MAX_PRODUCT_COUNT = 2, 10
# Share of pairs drawn at random that two products must be nearer than, to be called alike.
ALIKE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class FeatureComparison:
    """Two products in one feature; ``nearer_share`` of pairs drawn at random lie nearer.

    Values are the most probable ones of a fitted feature that is carried, else empty.
    """

    feature: str
    display_name: str
    distance: float
    nearer_share: float
    alike: bool
    value: str
    other_value: str


@dataclass(frozen=True, slots=True)
class ProductPair:
    """How two products stand to each other, by the two images that are nearest.

    ``first`` and ``second`` are their positions among the products compared.
    """

    first: int
    second: int
    image_id: str
    other_image_id: str
    squared_distance: float
    features: tuple[FeatureComparison, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Products in the order asked for, every pair of them, and the last change that was seen."""

    products: tuple[Product, ...]
    pairs: tuple[ProductPair, ...]
    sequence: int


@dataclass(frozen=True, slots=True)
class _Subject:
    """A product with the vectors ``(m, d)`` of its images, whose ids are in the same order."""

    product: Product
    image_ids: tuple[str, ...]
    means: F32


class ProductComparison:
    """Compares under the active encoder. Thread-safe; holds no state of its own."""

    def __init__(
        self, store: Store, features: FeatureBook, vectors: VectorReader, population: Population
    ) -> None:
        self._store = store
        self._features = features
        self._vectors = vectors
        self._population = population

    def compare(self, product_ids: Sequence[str], weights: Mapping[str, float]) -> Comparison:
        """Returns the distances of every two products in every feature.

        No weights count every latent block once; they choose the images of a pair, as a search
        does.

        Raises:
            InvalidField: for too few or too many products, one named twice, or bad weights.
            ResourceMissing: for a product without an image, or an unknown feature.
        """
        _check_products(product_ids)
        sequence = self._store.sequence()
        live = self._features.list_all()
        matrices = {feature.name: feature.projection.scaled_matrix() for feature in live}
        normalised = normalise_weights(weights or self._features.block_weights())
        for name in normalised:
            if name not in matrices:
                raise ResourceMissing("feature", name, "list the features to see their names")
        metric = Metric(matrices, normalised)
        subjects = [self._read(product_id) for product_id in product_ids]
        drawn = self._draw(matrices)
        pairs = [
            _compare(subjects, numbers, metric, live, drawn)
            for numbers in combinations(range(len(subjects)), 2)
        ]
        return Comparison(tuple(s.product for s in subjects), tuple(pairs), sequence)

    def _read(self, product_id: str) -> _Subject:
        product = self._store.get_product(product_id)
        found = self._vectors.of_product(product_id)
        means = np.stack([embedding.mean for _, embedding in found])
        return _Subject(product, tuple(image_id for image_id, _ in found), means)

    def _draw(self, matrices: Mapping[str, F32]) -> dict[str, F64]:
        """Returns the squared distances of pairs drawn at random in each feature, ascending."""
        differences = self._population.pairs()
        return {
            name: np.sort(np.square(differences @ matrix.T.astype(np.float64)).sum(axis=1))
            for name, matrix in matrices.items()
        }


def _check_products(product_ids: Sequence[str]) -> None:
    if not MIN_PRODUCT_COUNT <= len(product_ids) <= MAX_PRODUCT_COUNT:
        raise InvalidField(
            "products", f"give {MIN_PRODUCT_COUNT} to {MAX_PRODUCT_COUNT}, not {len(product_ids)}"
        )
    if len(set(product_ids)) < len(product_ids):
        raise InvalidField("products", "names a product twice")


def _compare(
    subjects: Sequence[_Subject],
    numbers: tuple[int, int],
    metric: Metric,
    features: Sequence[LiveFeature],
    drawn: Mapping[str, F64],
) -> ProductPair:
    first, second = (subjects[number] for number in numbers)
    table = np.stack([metric.distances(mean, second.means) for mean in first.means])
    row, column = np.unravel_index(table.argmin(), table.shape)
    difference = first.means[row].astype(np.float64) - second.means[column]
    return ProductPair(
        *numbers,
        first.image_ids[row],
        second.image_ids[column],
        float(table[row, column]),
        tuple(
            _compare_feature(feature, difference, (first.means, second.means), drawn[feature.name])
            for feature in features
        ),
    )


def _compare_feature(
    feature: LiveFeature, difference: F64, means: tuple[F32, F32], drawn: F64
) -> FeatureComparison:
    matrix = feature.projection.scaled_matrix().astype(np.float64)
    squared = float(np.square(matrix @ difference).sum())
    nearer = float(np.searchsorted(drawn, squared, side="left")) / len(drawn)
    value, other = (predicted_value(feature, each) for each in means)
    return FeatureComparison(
        feature.name,
        feature.display_name or feature.name,
        squared**0.5,
        nearer,
        # Where there are values, they are what a person would call the same.
        value == other if value else nearer <= ALIKE_SHARE,
        value,
        other,
    )
