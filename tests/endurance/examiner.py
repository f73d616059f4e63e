"""Compares what a server has with what was acknowledged, and its searches with brute force."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import read_bundle
from stylefacet.client import StylefacetClient
from stylefacet.client.values import ImageView
from stylefacet.errors import ResourceMissing
from stylefacet.inference import Encoder
from tests.conftest import photo
from tests.endurance.expectation import ProductState
from tests.endurance.photos import content
from tests.tiny_bundle import BLOCKS

# Operations that go on meanwhile change what is looked at; they end at some time.
_LOOK_COUNT = 200


@dataclass
class Found:
    """What a server has, all as of one commit, under the one encoder that serves."""

    encoder_id: str
    products: dict[str, ProductState] = field(default_factory=dict)
    features: dict[str, ProductState] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    means: dict[tuple[str, str], npt.NDArray[np.float64]] = field(default_factory=dict)


class Examiner:
    """Knows what the encoders see in every photo, by its own calls of them."""

    def __init__(self, bundles: Sequence[Path]) -> None:
        encoders = [Encoder(read_bundle(path)) for path in bundles]
        self._encoders = {encoder.id: encoder for encoder in encoders}
        self._known: dict[tuple[str, str, str], npt.NDArray[np.float32]] = {}

    def look(self, client: StylefacetClient, rng: random.Random) -> Found:
        """Returns what a server has, held to brute force.

        Raises: AssertionError for whatever is half there, of two encoders, or not found.
        """
        for _ in range(_LOOK_COUNT):
            before = _mark(client)
            try:
                found = self._look(client, rng)
            except (AssertionError, ResourceMissing):
                if _mark(client) == before:
                    raise
                continue
            if _mark(client) == before:
                return found
        raise AssertionError("the catalogue does not come to rest")

    def _look(self, client: StylefacetClient, rng: random.Random) -> Found:
        found = Found(client.get_encoder().encoder_id)
        for product in client.list_products():
            images = list(client.list_images(product.product_id, ImageView.FULL))
            for image in images:
                assert image.embedding is not None, f"{image.image_id} is not embedded"
                assert image.embedding.encoder == found.encoder_id, "two encoders serve"
                mean = np.array(image.embedding.mean)
                wanted = self._mean(found.encoder_id, product.product_id, image.image_id)
                np.testing.assert_allclose(mean, wanted, atol=1e-5)
                found.means[product.product_id, image.image_id] = mean
            names = frozenset(image.image_id for image in images)
            found.products[product.product_id] = ProductState(
                product.labels.get("revision", ""), names
            )
        for feature in client.list_features():
            found.scales[feature.feature_id] = feature.scale
            if feature.quality is not None:
                found.features[feature.feature_id] = ProductState("fitted", frozenset())
        if found.means:
            for _ in range(5):
                self._search(client, found, rng)
        return found

    def _search(self, client: StylefacetClient, found: Found, rng: random.Random) -> None:
        encoder = self._encoders[found.encoder_id]
        weights = {block.name: rng.uniform(0.1, 1) for block in rng.sample(BLOCKS, 2)}
        query = photo(rng.randrange(2**32))
        result = client.search(content=query, weights=weights, limit=10)
        assert result.encoder == found.encoder_id
        mean = encoder.embed(encoder.letterbox(query).pixels[None]).mean[0]
        nearest: dict[str, float] = {}
        for (product, _), other in found.means.items():
            total = 0.0
            for block in BLOCKS:
                if block.name in weights:
                    part = (other - mean)[block.start : block.end].astype(np.float64)
                    scale = found.scales[block.name]
                    total += weights[block.name] * scale**2 * float(part @ part)
            total /= sum(weights.values())
            nearest[product] = min(nearest.get(product, np.inf), total)
        wanted = sorted(nearest.values())[:10]
        np.testing.assert_allclose(
            [hit.squared_distance for hit in result.hits], wanted, rtol=1e-4, atol=1e-7
        )
        for hit in result.hits:
            product_id = hit.product.product_id
            assert abs(nearest[product_id] - hit.squared_distance) <= 1e-4 * (1 + wanted[-1])

    def _mean(self, encoder_id: str, product: str, image_id: str) -> npt.NDArray[np.float32]:
        name = encoder_id, product, image_id
        if name not in self._known:
            encoder = self._encoders[encoder_id]
            pixels = encoder.letterbox(content(product, image_id)).pixels[None]
            self._known[name] = encoder.embed(pixels).mean[0]
        return self._known[name]


def _mark(client: StylefacetClient) -> int:
    """Returns what changes with every commit that could be looked at."""
    return client.search(content=photo(0), limit=1).sequence_number
