"""A catalogue of random vectors, and brute force in float64: the oracle of every search."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from stylefacet.search.index import SearchResult, SimilarityIndex
from stylefacet.search.rows import Items

D = 8


@dataclass
class Catalogue:
    """What the index should hold, kept in the plainest way."""

    matrices: dict[str, npt.NDArray[np.float32]]
    items: list[tuple[int, int, int, npt.NDArray[np.float32]]] = field(default_factory=list)

    def add(self, product_key, group_key, mean):
        image_key = 1000 + len(self.items)
        self.items.append((image_key, product_key, group_key, np.asarray(mean, np.float32)))

    def columns(self, items=None) -> Items:
        images, products, groups, means = zip(*(items or self.items), strict=True)
        return Items(np.array(images), np.array(products), np.array(groups), np.stack(means))

    def index(self) -> SimilarityIndex:
        index = SimilarityIndex(D)
        index.set_features(self.matrices)
        if self.items:
            index.add(self.columns(), sequence=1)
        return index

    def distance2(self, queries, mean, weights) -> float:
        total = sum(weights.values())
        maps = {name: matrix.astype(np.float64) for name, matrix in self.matrices.items()}
        differences = queries.astype(np.float64) - mean.astype(np.float64)
        return min(
            float(sum(w * np.square(maps[f] @ x).sum() for f, w in weights.items()) / total)
            for x in differences
        )

    def brute_force(self, queries, weights, limit, among=None, without=(), grouped=False):
        """Returns (distance2, key) of the best: key is the product, or the group when grouped."""
        best: dict[int, float] = {}
        for _, product, group, mean in self.items:
            if (among is None or product in among) and product not in without:
                key = group if grouped else product
                distance = self.distance2(queries, mean, weights)
                best[key] = min(best.get(key, np.inf), distance)
        return sorted((distance, key) for key, distance in best.items())[:limit]


def make_catalogue(rng, count, images_per_product=1, scale=1.0, offset=0.0) -> Catalogue:
    """Returns random items under five features of one to eight coordinates that overlap."""
    matrices = {
        f"f{k}": rng.normal(size=(k, D)).astype(np.float32) / np.float32(k) for k in (1, 2, 3, 8)
    }
    matrices["block"] = np.eye(D, dtype=np.float32)[2:5]
    catalogue = Catalogue(matrices)
    for number in range(count):
        product = 1 + number // images_per_product
        catalogue.add(product, -(product // 3), rng.normal(size=D) * scale + offset)
    return catalogue


def assert_exact(result: SearchResult, wanted: list[tuple[float, int]], tolerance: float) -> None:
    """The distances are those of brute force, and so are the products but for ties."""
    distances = np.array([hit.distance2 for hit in result.hits])
    expected = np.array([distance for distance, _ in wanted])
    np.testing.assert_allclose(distances, expected, rtol=1e-9, atol=tolerance)
    if len(wanted):
        clear = {key for distance, key in wanted if distance < expected[-1] - tolerance}
        assert clear <= {hit.product_key for hit in result.hits}
