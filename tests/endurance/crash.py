"""Kills a real server at random moments and looks what is left.

``python -m tests.endurance.crash --rounds 300 [--postgresql]``. Each round, writers upload,
update, delete, add images and fit features until the server gets SIGKILL; then a new server starts
on the same data and everything is compared: each acknowledged write is there, nothing is half
there, every image has its embedding, and searches are those of brute force in float64.
"""

import argparse
import itertools
import random
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylefacet.bundle import read_bundle
from stylefacet.client import Product, RetryPolicy, StylefacetClient, UploadRow
from stylefacet.client.values import ImageView
from stylefacet.errors import StylefacetError
from stylefacet.inference import Encoder
from tests.conftest import photo
from tests.endurance.expectation import Expectation, ProductState
from tests.endurance.site import Site, new_site
from tests.tiny_bundle import BLOCKS

WRITER_COUNT = 3
PRODUCTS_PER_WRITER = 40
MAX_IMAGES = 3


class Writer(threading.Thread):
    """Writes products of its own until the server is gone."""

    def __init__(self, number: int, seed: int, address: str, expected: Expectation) -> None:
        super().__init__(name=f"writer-{number}")
        self._rng = random.Random(seed)
        self._products = [f"w{number}-{i}" for i in range(PRODUCTS_PER_WRITER)]
        self._expected = expected
        self._address = address
        self.error: StylefacetError | None = None

    def run(self) -> None:
        """Writes; ends with the error that a killed server brings."""
        work: list[Callable[[StylefacetClient], None]]
        work = [
            self._do_upload,
            self._do_update,
            self._do_delete,
            self._do_add_image,
            self._do_delete_image,
        ]
        # A write that the client sent again would be acknowledged by the next server.
        with StylefacetClient(self._address, retry=RetryPolicy(attempts=1)) as client:
            try:
                while True:
                    self._rng.choices(work, weights=(3, 3, 1, 2, 1))[0](client)
            except StylefacetError as error:
                self.error = error

    def _do_upload(self, client: StylefacetClient) -> None:
        names = self._rng.sample(self._products, self._rng.randint(1, 12))
        wanted: dict[int, tuple[str, ProductState]] = {}

        def rows() -> Iterator[UploadRow]:
            for number, name in enumerate(names, start=1):
                before = self._expected.state(name)
                images = before.image_ids if before else frozenset()
                state = ProductState(self._revision(), images | {"front"})
                wanted[number] = name, state
                self._expected.begin(name, state)
                product = Product(name, labels={"revision": state.revision})
                yield UploadRow(number, product, partial(content, name, "front"), "front")

        for outcome in client.upload(rows(), read_ahead=4):
            if outcome.error is not None:
                raise outcome.error
            self._expected.acknowledge(*wanted[outcome.row_number])

    def _do_update(self, client: StylefacetClient) -> None:
        name, before = self._any()
        if before is None:
            return
        state = ProductState(self._revision(), before.image_ids)
        self._expected.begin(name, state)
        client.update_product(Product(name, labels={"revision": state.revision}), ["labels"])
        self._expected.acknowledge(name, state)

    def _do_delete(self, client: StylefacetClient) -> None:
        name, before = self._any()
        if before is None:
            return
        self._expected.begin(name, None)
        client.delete_product(name)
        self._expected.acknowledge(name, None)

    def _do_add_image(self, client: StylefacetClient) -> None:
        name, before = self._any()
        if before is None:
            return
        image_id = f"view{self._rng.randrange(MAX_IMAGES)}"
        if image_id in before.image_ids:
            return
        state = ProductState(before.revision, before.image_ids | {image_id})
        self._expected.begin(name, state)
        client.create_image(name, content(name, image_id), image_id)
        self._expected.acknowledge(name, state)

    def _do_delete_image(self, client: StylefacetClient) -> None:
        name, before = self._any()
        if before is None or not before.image_ids:
            return
        image_id = self._rng.choice(sorted(before.image_ids))
        state = ProductState(before.revision, before.image_ids - {image_id})
        self._expected.begin(name, state)
        client.delete_image(f"products/{name}/images/{image_id}")
        self._expected.acknowledge(name, state)

    def _any(self) -> tuple[str, ProductState | None]:
        name = self._rng.choice(self._products)
        return name, self._expected.state(name)

    def _revision(self) -> str:
        return f"{self._rng.randrange(10**9)}"


class Fitter(threading.Thread):
    """Fits and deletes features until the server is gone; a feature is noted as a product is."""

    def __init__(
        self, seed: int, address: str, expected: Expectation, values: dict[str, str]
    ) -> None:
        super().__init__(name="fitter")
        self._rng = random.Random(seed)
        self._address = address
        self._expected = expected
        self._values = values
        self.error: StylefacetError | None = None

    def run(self) -> None:
        """Fits and deletes; ends with the error that a killed server brings."""
        present = ProductState("fitted", frozenset())
        with StylefacetClient(self._address, retry=RetryPolicy(attempts=1)) as client:
            try:
                while True:
                    name = f"f{self._rng.randrange(3)}"
                    if self._expected.state(name) is None:
                        self._expected.begin(name, present)
                        client.fit_feature(name, self._values)
                        self._expected.acknowledge(name, present)
                    else:
                        self._expected.begin(name, None)
                        client.delete_feature(name)
                        self._expected.acknowledge(name, None)
            except StylefacetError as error:
                self.error = error


def content(product: str, image_id: str) -> bytes:
    """Returns the photo of an image, always the same."""
    return photo(zlib.crc32(f"{product}/{image_id}".encode()))


class Examiner:
    """Compares what a server has with what was acknowledged, and its searches with brute force."""

    def __init__(self, bundle: Path) -> None:
        self._encoder = Encoder(read_bundle(bundle))
        self._known: dict[str, npt.NDArray[np.float32]] = {}

    def examine(
        self, address: str, products: Expectation, features: Expectation, rng: random.Random
    ) -> tuple[int, int]:
        """Returns how many writes under way at the crash were kept, and how many not.

        Raises: AssertionError for whatever is wrong.
        """
        with StylefacetClient(address) as client:
            means = {}
            found = {}
            for product in client.list_products():
                images = list(client.list_images(product.product_id, ImageView.FULL))
                for image in images:
                    assert image.embedding is not None, f"{image.image_id} is not embedded"
                    mean = np.array(image.embedding.mean)
                    wanted = self._mean(product.product_id, image.image_id)
                    np.testing.assert_allclose(mean, wanted, atol=1e-5)
                    means[product.product_id, image.image_id] = mean
                names = frozenset(image.image_id for image in images)
                found[product.product_id] = ProductState(product.labels["revision"], names)
            kept, dropped = products.settle(found)
            fitted = {
                feature.feature_id: ProductState("fitted", frozenset())
                for feature in client.list_features()
                if feature.quality is not None
            }
            feature_kept, feature_dropped = features.settle(fitted)
            if means:
                self._search(client, means, rng)
        return kept + feature_kept, dropped + feature_dropped

    def _search(
        self,
        client: StylefacetClient,
        means: dict[tuple[str, str], npt.NDArray[np.float64]],
        rng: random.Random,
    ) -> None:
        scales = {f.feature_id: f.scale for f in client.list_features()}
        for _ in range(5):
            weights = {block.name: rng.uniform(0.1, 1) for block in rng.sample(BLOCKS, 2)}
            query = photo(rng.randrange(2**32))
            result = client.search(content=query, weights=weights, limit=10)
            mean = self._encoder.embed(self._encoder.letterbox(query).pixels[None]).mean[0]
            nearest: dict[str, float] = {}
            for (product, _), other in means.items():
                total = 0.0
                for block in BLOCKS:
                    if block.name in weights:
                        part = (other - mean)[block.start : block.end].astype(np.float64)
                        total += weights[block.name] * scales[block.name] ** 2 * float(part @ part)
                total /= sum(weights.values())
                nearest[product] = min(nearest.get(product, np.inf), total)
            wanted = sorted(nearest.values())[:10]
            np.testing.assert_allclose(
                [hit.squared_distance for hit in result.hits], wanted, rtol=1e-4, atol=1e-7
            )
            for hit in result.hits:
                product_id = hit.product.product_id
                assert abs(nearest[product_id] - hit.squared_distance) <= 1e-4 * (1 + wanted[-1])

    def _mean(self, product: str, image_id: str) -> npt.NDArray[np.float32]:
        name = f"{product}/{image_id}"
        if name not in self._known:
            pixels = self._encoder.letterbox(content(product, image_id)).pixels[None]
            self._known[name] = self._encoder.embed(pixels).mean[0]
        return self._known[name]


@dataclass
class Tally:
    """What the rounds came to."""

    round_count: int = 0
    acknowledged_count: int = 0
    kept_count: int = 0
    dropped_count: int = 0
    longest_start_s: float = 0.0


def crash_rounds(site: Site, round_count: int, seed: int) -> Iterator[Tally]:
    """Yields after each round what all of them came to; raises AssertionError at a fault."""
    rng = random.Random(seed)
    products, features, tally = Expectation(), Expectation(), Tally()
    examiner = Examiner(site.bundle)
    with site.server() as server, StylefacetClient(server.address) as client:
        # What features are fitted from is written once, and deleted never.
        lasts = {}
        for name in (f"example-{number}" for number in range(20)):
            state = ProductState("0", frozenset(["front"]))
            products.allowed[name] = frozenset([state])
            client.update_product(Product(name, labels={"revision": "0"}), allow_missing=True)
            client.create_image(name, content(name, "front"), "front")
            lasts[name] = client.embed(content(name, "front")).mean[-1]
        middle = np.median(list(lasts.values()))
        values = {name: "light" if last > middle else "dark" for name, last in lasts.items()}
    for _ in range(round_count):
        start = time.monotonic()
        with site.server() as server:
            address = server.address
            tally.longest_start_s = max(tally.longest_start_s, time.monotonic() - start)
            kept, dropped = examiner.examine(address, products, features, rng)
            tally.kept_count += kept
            tally.dropped_count += dropped
            writers: list[Writer | Fitter] = [
                Writer(number, rng.randrange(2**32), address, products)
                for number in range(WRITER_COUNT)
            ]
            writers.append(Fitter(rng.randrange(2**32), address, features, values))
            for writer in writers:
                writer.start()
            time.sleep(rng.uniform(0.05, 1.5))
            gone = [writer for writer in writers if writer.error is not None]
            assert not gone, f"refused before the crash: {gone[0].error}"
            server.kill()
            for writer in writers:
                writer.join()
        tally.round_count += 1
        tally.acknowledged_count = products.acknowledged_count + features.acknowledged_count
        yield tally
    with site.server() as server:
        examiner.examine(server.address, products, features, rng)


def main() -> None:
    """Runs rounds and tells what they came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    start = time.monotonic()
    with new_site(options.postgresql) as site:
        for tally in itertools.islice(crash_rounds(site, options.rounds, options.seed), None):
            print(f"\r{tally.round_count}/{options.rounds} rounds", end="", file=sys.stderr)
    print(
        f"\n{tally.round_count} kills on {'PostgreSQL' if options.postgresql else 'SQLite'}, "
        f"seed {options.seed}: {tally.acknowledged_count:,} acknowledged writes, none lost; "
        f"{tally.kept_count} writes under way were kept whole, {tally.dropped_count} not at all; "
        f"slowest start {tally.longest_start_s:.1f} s; {time.monotonic() - start:.0f} s in all"
    )


if __name__ == "__main__":
    main()
