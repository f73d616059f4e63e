"""Maps the whole catalogue into every feature, product by product; knows no RPC and no file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.app.features import FeatureBook, LiveFeature
from stylefacet.catalog.assignment import EVERYTHING, Scope
from stylefacet.catalog.entities import ExportPage, Product
from stylefacet.catalog.filter import parse_filter
from stylefacet.catalog.store import Store
from stylefacet.features.fitting import FittedFeature

# Enough that a page costs little beside its products, few enough that whoever makes one is soon
# ready to let others come first.
PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class ExportedFeature:
    """A feature of an export; ``fitted`` predicts values if the encoder carries it."""

    live: LiveFeature
    fitted: FittedFeature | None

    @property
    def carried(self) -> bool:
        """Whether values are predicted."""
        return self.fitted is not None and self.fitted.quality.carried


@dataclass(frozen=True, slots=True)
class Place:
    """Where a product lies in one feature: its ``k`` coordinates, value if predicted."""

    coordinates: list[float]
    value: str
    probability: float


@dataclass(frozen=True, slots=True)
class ExportedProduct:
    """A product with its place in each feature; none without an image."""

    product: Product
    image_count: int
    places: list[Place]


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """Some products of an export and the sequence number that all of it shows."""

    sequence: int
    products: list[ExportedProduct]


class FeatureExport:
    """Exports under the active encoder. Thread-safe; holds no state of its own."""

    def __init__(
        self,
        store: Store,
        features: FeatureBook,
        encoder_id: str,
        scope: Scope = EVERYTHING,
    ) -> None:
        self._store = store
        self._features = features
        self._encoder_id = encoder_id
        self._scope = scope

    def choose(self, names: Sequence[str]) -> list[ExportedFeature]:
        """Returns the features of those names, or all, in order of name.

        Raises:
            ResourceMissing: for an unknown one.
        """
        live = self._features.select(sorted(set(names))) if names else self._features.list_all()
        return [
            ExportedFeature(f, FittedFeature.from_model(f.projection, f.model) if f.model else None)
            for f in live
        ]

    def run(self, filter_text: str, features: Sequence[ExportedFeature]) -> Iterator[ExportBatch]:
        """Yields the products that pass a filter in order of id, as of one moment.

        At least one batch comes, perhaps an empty one. A product with several images lies where
        their mean does, as in a prediction.

        Raises:
            FilterInvalid
        """
        condition = parse_filter(filter_text) if filter_text.strip() else None
        for page in self._store.export_pages(condition, self._encoder_id, PAGE_SIZE, self._scope):
            yield ExportBatch(page.sequence, _map_page(page, features))


def _map_page(page: ExportPage, features: Sequence[ExportedFeature]) -> list[ExportedProduct]:
    keys = np.array([key for key, _ in page.products], dtype=np.int64)
    counts = np.zeros(len(keys), dtype=np.int64)
    places: list[list[Place]] = [[] for _ in keys]
    if page.rows is not None:
        order = np.argsort(keys)
        owners = order[np.searchsorted(keys, page.rows.product_keys, sorter=order)]
        by_owner = np.argsort(owners, kind="stable")
        shown, starts = np.unique(owners[by_owner], return_index=True)
        np.add.at(counts, owners, 1)
        sums = np.add.reduceat(page.rows.means[by_owner].astype(np.float64), starts)
        means = (sums / counts[shown, None]).astype(np.float32)
        for feature in features:
            for position, place in zip(shown, _places(feature, means), strict=True):
                places[position].append(place)
    return [
        ExportedProduct(product, int(counts[i]), places[i])
        for i, (_, product) in enumerate(page.products)
    ]


def _places(feature: ExportedFeature, means: npt.NDArray[np.float32]) -> list[Place]:
    # Lists: messages and tables take Python's floats, and one by one from an array they are slow.
    coordinates = feature.live.projection.coordinates(means).tolist()
    if feature.fitted is None or not feature.carried:
        return [Place(row, "", 0.0) for row in coordinates]
    chances = feature.fitted.probabilities(means)
    best = chances.argmax(axis=1)
    return [
        Place(row, feature.fitted.values[value], float(chance[value]))
        for row, value, chance in zip(coordinates, best, chances, strict=True)
    ]
