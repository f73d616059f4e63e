"""A PostgreSQL that is killed, stopped or away, under a server that stays."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from stylefacet.client import OperationState, Product, RetryPolicy, StylefacetClient
from stylefacet.errors import StoreUnreachable, StylefacetError
from tests.endurance.background import IMPORTED_COUNT, imported_state
from tests.endurance.expectation import ProductState
from tests.endurance.faults.scene import Scene, failure_of, impatient, is_serving
from tests.postgresql import Cluster

_KILL_COUNT = 4
_BACK_S = 30.0
_ROW_COUNT = 500
# A product without an image.
_BARE = ProductState("", frozenset())


def kill_while_serving(scene: Scene) -> str:
    """Callers hear that the store is away; when it is back, all goes on and nothing is lost."""
    cluster = _cluster(scene)
    reasons: Counter[str] = Counter()
    slowest_s = 0.0
    with scene.site.server() as server, impatient(server.address) as client:
        scene.fill(client)
        for _ in range(_KILL_COUNT):
            writer = _Writer(scene, server.address)
            writer.start()
            time.sleep(scene.rng.uniform(0.1, 0.8))
            cluster.kill()
            for call in (
                lambda: client.update_product(Product("q"), allow_missing=True),
                lambda: client.search(product="p0"),
                lambda: list(client.list_products()),
            ):
                error = failure_of(call)
                assert isinstance(error, StoreUnreachable), repr(error)
                reasons[error.reason] += 1
            assert is_serving(server.address)
            writer.is_over.set()
            writer.join()
            cluster.revive()
            slowest_s = max(slowest_s, _back_after_s(lambda: client.search(product="p0")))
            reasons.update(writer.reasons)
            scene.products |= writer.settle(client)
            scene.check(client)
    assert set(reasons) <= {"STORE_UNREACHABLE", "CALL_TIMED_OUT"}, reasons
    return (
        f"{_KILL_COUNT} kills: callers hear {', '.join(reasons)}; at most {slowest_s:.1f} s after "
        "its return calls succeed again, without a restart"
    )


def kill_during_upload_and_import(scene: Scene) -> str:
    """An upload and an import under way go on by themselves when the database is back."""
    cluster = _cluster(scene)
    with (
        scene.site.server() as server,
        StylefacetClient(server.address) as client,
        StylefacetClient(server.address) as importer,
    ):
        scene.fill(client)
        started = importer.import_on_server("photos", category="top")
        names = [f"u{number}" for number in range(_ROW_COUNT)]
        failures: list[StylefacetError] = []
        upload = threading.Thread(target=lambda: failures.extend(scene.upload(client, names)))
        upload.start()
        while len(scene.products) < 60:
            time.sleep(0.01)
        cluster.kill()
        time.sleep(2.0)
        cluster.revive()
        upload.join(60)
        assert not upload.is_alive(), "the upload does not end"
        assert server.events("call failed") == []
        assert not failures, failures[0]
        done = importer.wait_for_operation(started.operation_id, timeout_s=60)
        assert done.imported is not None
        assert done.imported.failed_count == 0, done.imported.failures[0]
        for number in range(IMPORTED_COUNT):
            scene.products[f"i-{number}"] = imported_state(f"i-{number}")
        scene.check(client)
    return f"{_ROW_COUNT} rows of an upload and 60 of an import are all taken, none sent by hand"


def start_while_away(scene: Scene) -> str:
    """A server does not start while its database is away, and does when it is back."""
    cluster = _cluster(scene)
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client)
    cluster.kill()
    told = scene.site.refusal()
    assert told.startswith("database_url: "), told
    cluster.revive()
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.check(client)
    return f"refuses to start: {told}"


def kill_during_switch(scene: Scene) -> str:
    """A switch of encoders goes on when the database is back, and is made as a whole."""
    cluster = _cluster(scene)
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client, count=200)
        other = list(scene.ground.bundles.values())[1]
        encoder = client.install_encoder(other).encoder_id
        started = client.activate_encoder(encoder)
        time.sleep(0.1)
        cluster.kill()
        time.sleep(1.0)
        cluster.revive()
        *_, ended = client.watch_operation(started.operation_id, timeout_s=60)
        assert ended.state is OperationState.SUCCEEDED, ended
        assert client.get_encoder().encoder_id == encoder
        scene.check(client)
    return "the operation succeeds after the database's return"


class _Writer(threading.Thread):
    """Writes one product after the other until told to stop; notes what was acknowledged."""

    def __init__(self, scene: Scene, address: str) -> None:
        super().__init__(name="writer")
        self._address = address
        self._prefix = f"k{scene.rng.randrange(10**6)}-"
        self._begun: list[str] = []
        self._acknowledged: set[str] = set()
        self.is_over = threading.Event()
        self.reasons: Counter[str] = Counter()

    def run(self) -> None:
        """Writes."""
        with StylefacetClient(
            self._address, timeout_s=1.0, retry=RetryPolicy(attempts=1)
        ) as client:
            while not self.is_over.is_set():
                name = f"{self._prefix}{len(self._begun)}"
                self._begun.append(name)
                try:
                    client.update_product(Product(name), allow_missing=True)
                    self._acknowledged.add(name)
                except StylefacetError as error:
                    self.reasons[error.reason] += 1

    def settle(self, client: StylefacetClient) -> dict[str, ProductState]:
        """Returns what is there of its products; AssertionError if any acknowledged one is not."""
        found = {product.product_id for product in client.list_products()}
        lost = self._acknowledged - found
        assert not lost, f"acknowledged, but not there: {sorted(lost)[:5]}"
        return {name: _BARE for name in self._begun if name in found}


def _back_after_s(call: Callable[[], object]) -> float:
    start = time.monotonic()
    while True:
        try:
            call()
            return time.monotonic() - start
        except StylefacetError:
            if time.monotonic() - start > _BACK_S:
                raise


def _cluster(scene: Scene) -> Cluster:
    assert scene.cluster is not None
    return scene.cluster
