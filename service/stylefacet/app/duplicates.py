"""Groups near duplicates, as the work of an operation; knows no RPC.

Its result is bounded: some groups, some products and pairs of each, and counts of all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stylefacet.app.features import FeatureBook
from stylefacet.app.follower import IndexFollower
from stylefacet.app.operations import Task
from stylefacet.catalog.entities import Product
from stylefacet.catalog.filter import parse_filter
from stylefacet.catalog.operations import JsonObject
from stylefacet.catalog.store import Store
from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet.search.grouping import complete_link
from stylefacet.search.index import SimilarityIndex
from stylefacet.search.pairs import PairFinder, ProductPairs, Snapshot, usual_distances

DUPLICATES_KIND = "find-near-duplicates"
DEFAULT_GROUP_COUNT = 200
MAX_GROUP_COUNT = 1000
# What a group shows of itself; with all groups, a result stays under the limit on messages.
_SHOWN_PRODUCT_COUNT = 50
_COMPARED_PRODUCT_COUNT = 6
# Where no distance is given: the share of pairs drawn at random that stay within an alike
# feature's, and within a different one's.
ALIKE_SHARE = 0.01
DIFFERENT_SHARE = 0.5
_DECIMALS = 6

Distances = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class DuplicateTerms:
    """What to look for: distances by feature, None for the usual one."""

    alike: Mapping[str, float | None]
    different: Mapping[str, float | None]
    filter: str = ""
    leave_out_same_style: bool = False
    max_group_count: int = DEFAULT_GROUP_COUNT
    encoder_id: str = ""

    def to_json(self) -> JsonObject:
        """Returns the terms as an operation's request."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "DuplicateTerms":
        """Returns the terms in an operation's request."""
        return cls(**document)


class DuplicateSearch:
    """Does the work of operations that find near duplicates: call it with a task. Thread-safe."""

    def __init__(
        self,
        store: Store,
        index: SimilarityIndex,
        follower: IndexFollower,
        features: FeatureBook,
        encoder_id: str,
    ) -> None:
        self._store = store
        self._index = index
        self._follower = follower
        self._features = features
        self.encoder_id = encoder_id

    def check(self, terms: DuplicateTerms) -> None:
        """Refuses terms that could never be met.

        Raises:
            InvalidField: for a bad distance or filter, or a feature that is to be both.
            ResourceMissing: for an unknown feature.
        """
        for field, distances in (("alike", terms.alike), ("different", terms.different)):
            for name, distance in distances.items():
                self._features.get(name)
                if distance is not None and not 0 <= distance < np.inf:
                    raise InvalidField(f"{field}.distance", f"{distance} is no distance for {name}")
        both = sorted(terms.alike.keys() & terms.different.keys())
        if both:
            raise InvalidField("different", f"names {both[0]}, and so does alike")
        if not 1 <= terms.max_group_count <= MAX_GROUP_COUNT:
            raise InvalidField("max_group_count", f"must lie between 1 and {MAX_GROUP_COUNT}")
        if not self._alike(terms):
            raise InvalidField("alike", "names no feature, and no latent block is left")
        if terms.filter.strip():
            parse_filter(terms.filter)

    def __call__(self, task: Task) -> JsonObject:
        """Compares all products that pass the filter; returns groups and counts."""
        terms = DuplicateTerms.from_json(task.request)
        self.check(terms)
        snapshot = self._snapshot(terms)
        for name in {*self._alike(terms), *terms.different} - snapshot.matrices.keys():
            raise ResourceMissing("feature", name, "it was deleted meanwhile")
        alike = _filled(snapshot, self._alike(terms), ALIKE_SHARE)
        different = _filled(snapshot, dict(terms.different), DIFFERENT_SHARE)
        finder = PairFinder(snapshot, alike, different)
        total = len(snapshot.items.means)
        task.report("comparing", 0, total, {})
        for done in finder.scan():
            task.check()
            task.report("comparing", done, total, {})
        pairs = finder.pairs()
        task.report("grouping", 0, len(pairs.first), {})
        groups = complete_link(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
        if terms.leave_out_same_style:
            groups = _of_several_styles(groups, snapshot)
        task.report("grouping", len(pairs.first), len(pairs.first), {})
        report = _Report(self._store, finder, snapshot, pairs, alike, different)
        report.explain([*alike, *different, *self._features.block_weights()])
        return {
            "groups": report.write(groups, terms.max_group_count),
            "group_count": len(groups),
            "grouped_product_count": sum(map(len, groups)),
            "product_count": len(np.unique(snapshot.items.product_keys)),
            "image_count": total,
            "pair_count": len(pairs.first),
            "alike": alike,
            "different": different,
            "encoder": self.encoder_id,
            "sequence": snapshot.sequence,
        }

    def _alike(self, terms: DuplicateTerms) -> Distances:
        if terms.alike:
            return dict(terms.alike)
        blocks = self._features.block_weights()
        return {name: None for name in blocks if name not in terms.different}

    def _snapshot(self, terms: DuplicateTerms) -> Snapshot:
        self._follower.catch_up()
        self._features.catch_up()
        condition = parse_filter(terms.filter)
        if condition is None:
            return self._index.snapshot()
        _, among = self._store.select_product_keys(condition)
        return self._index.snapshot(among)


def _filled(snapshot: Snapshot, distances: Distances, share: float) -> dict[str, float]:
    """Returns the distances, those left out taken from pairs of products drawn at random."""
    filled = {}
    for name, given in distances.items():
        usual = usual_distances(snapshot, name) if given is None else np.empty(0)
        measured = float(np.quantile(usual, share)) if len(usual) else 0.0
        filled[name] = measured if given is None else given
    return filled


def _of_several_styles(groups: list[list[int]], snapshot: Snapshot) -> list[list[int]]:
    products, styles = snapshot.items.product_keys, snapshot.items.group_keys
    style_of = dict(zip(products.tolist(), styles.tolist(), strict=True))
    return [group for group in groups if len({style_of[key] for key in group}) > 1]


class _Report:
    """Writes groups with their products and how these compare, for people. Used once."""

    def __init__(
        self,
        store: Store,
        finder: PairFinder,
        snapshot: Snapshot,
        pairs: ProductPairs,
        alike: Mapping[str, float],
        different: Mapping[str, float],
    ) -> None:
        self._store = store
        self._finder = finder
        self._snapshot = snapshot
        self._pairs = pairs
        self._alike = alike
        self._different = different
        self._explained: list[str] = []

    def explain(self, features: Sequence[str]) -> None:
        """Says in which features pairs are to be compared; unknown ones are passed over."""
        self._explained = sorted(set(features) & self._snapshot.matrices.keys())

    def write(self, groups: list[list[int]], limit: int) -> list[JsonObject]:
        """Returns the first groups, the largest and then the most alike first."""
        numbers = self._pairs_by_group(groups)
        mean2 = [float(self._pairs.distances2[some].mean()) for some in numbers]
        order = sorted(range(len(groups)), key=lambda g: (-len(groups[g]), mean2[g], groups[g][0]))
        shown = order[:limit]
        keys = [key for g in shown for key in groups[g]]
        products = self._store.products_by_keys(keys)
        # An image deleted since stays blank; a group of which one product is left is none.
        documents = (self._write_group(groups[g], numbers[g], products) for g in shown)
        return list(_named(self._store, [d for d in documents if d is not None]))

    def _pairs_by_group(self, groups: list[list[int]]) -> list[np.ndarray]:
        """Returns the places of each group's own pairs, the most alike first."""
        last = int(self._snapshot.items.product_keys.max(initial=0))
        group_of = np.full(last + 1, -1)
        for number, group in enumerate(groups):
            group_of[group] = number
        first, second = group_of[self._pairs.first], group_of[self._pairs.second]
        places = np.flatnonzero((first == second) & (first >= 0))
        by_group = places[np.argsort(first[places], kind="stable")]
        ends = np.searchsorted(first[by_group], np.arange(len(groups)), side="right")
        return np.split(by_group, ends[:-1]) if len(groups) else []

    def _write_group(
        self, group: list[int], places: np.ndarray, products: Mapping[int, Product]
    ) -> dict[str, Any] | None:
        known = sorted((key for key in group if key in products), key=lambda k: products[k].id)
        if len(known) < 2:
            return None
        first, second = self._pairs.first[places], self._pairs.second[places]
        rows = self._pairs.first_rows[places], self._pairs.second_rows[places]
        matched = _first_of_each(np.r_[first, second], np.r_[rows[0], rows[1]])
        images = self._snapshot.items.image_keys
        shown = known[:_SHOWN_PRODUCT_COUNT]
        return {
            "product_count": len(known),
            "products": [
                {
                    "product_id": products[key].id,
                    "display_name": products[key].display_name,
                    "category": products[key].category,
                    "style_id": products[key].style_id,
                    "image_key": int(images[matched[key]]),
                }
                for key in shown
            ],
            "pairs": self._write_pairs(places, shown[:_COMPARED_PRODUCT_COUNT]),
            "limits": self._limits(places),
        }

    def _write_pairs(self, places: np.ndarray, keys: list[int]) -> list[JsonObject]:
        number_of = {key: number for number, key in enumerate(keys)}
        inside = [
            place
            for place in places.tolist()
            if int(self._pairs.first[place]) in number_of
            and int(self._pairs.second[place]) in number_of
        ]
        measured = {name: self._distances(np.array(inside), name) for name in self._explained}
        return [
            {
                "first": number_of[int(self._pairs.first[place])],
                "second": number_of[int(self._pairs.second[place])],
                "squared_distance": round(float(self._pairs.distances2[place]), _DECIMALS),
                "distances": {
                    name: round(float(values[n]), _DECIMALS) for name, values in measured.items()
                },
            }
            for n, place in enumerate(inside)
        ]

    def _limits(self, places: np.ndarray) -> dict[str, float]:
        farthest = {name: self._distances(places, name).max() for name in self._alike}
        nearest = {name: self._distances(places, name).min() for name in self._different}
        return {name: round(float(d), _DECIMALS) for name, d in (farthest | nearest).items()}

    def _distances(self, places: np.ndarray, feature: str) -> np.ndarray:
        pairs = self._pairs
        if feature in self._different:
            return self._finder.product_distances(
                pairs.first[places], pairs.second[places], feature
            )
        return self._finder.image_distances(
            pairs.first_rows[places], pairs.second_rows[places], feature
        )


def _first_of_each(keys: np.ndarray, rows: np.ndarray) -> dict[int, int]:
    """Returns the row that stands first with each key: of its most alike pair."""
    found: dict[int, int] = {}
    half = len(keys) // 2
    for place in range(half):
        for at in (place, half + place):
            found.setdefault(int(keys[at]), int(rows[at]))
    return found


def _named(store: Store, groups: list[dict[str, Any]]) -> Iterator[JsonObject]:
    """Yields the groups with their images' ids in place of keys."""
    keys = [product["image_key"] for group in groups for product in group["products"]]
    ids = store.find_image_ids(keys)
    for group in groups:
        for product in group["products"]:
            product["image_id"] = ids.get(product.pop("image_key"), "")
        yield group
