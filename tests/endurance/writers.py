"""Callers that write products and features until the server is gone, and note what they did."""

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial

from stylefacet.client import Product, RetryPolicy, StylefacetClient, UploadRow
from stylefacet.errors import StylefacetError
from tests.endurance.expectation import Expectation, ProductState
from tests.endurance.photos import content

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
