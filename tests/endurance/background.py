"""Callers whose work outlives a call: imports and switches of encoders that go on after a kill.

One operation of a kind runs at a time. What it is to leave is kept from one server to the next,
until an operation has ended: then all of it must be there, or, after too many kills, any part.
"""

import csv
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from stylefacet.client import Operation, OperationState, RetryPolicy, StylefacetClient
from stylefacet.errors import OperationCancelled, OperationLost, StylefacetError
from tests.endurance.expectation import Expectation, ProductState
from tests.endurance.photos import imported_image_id, imported_photo

IMPORTED_COUNT = 60
PHOTOS_FOLDER = "photos"
_WAIT_S = 60.0
_LOOK_EVERY_S = 0.1
# Operations of both kinds among which those of the present call are found.
_LATEST_COUNT = 20
ENCODER = "encoder"


@dataclass
class Job:
    """The operation of a kind that may be under way, and what each thing is to be in the end.

    ``wanted`` is in the order in which the operation works; ``known_ids`` are operations that
    were there before.
    """

    kind: str
    expected: Expectation
    # Whether one that is cancelled has left everything as it was.
    is_all_or_nothing: bool = False
    is_busy: bool = False
    wanted: dict[str, ProductState] = field(default_factory=dict)
    known_ids: frozenset[str] = frozenset()
    ended: list[Operation] = field(default_factory=list)

    def run(
        self,
        client: StylefacetClient,
        wanted: dict[str, ProductState],
        start: Callable[[], Operation],
        is_cancelled: bool,
    ) -> None:
        """Starts an operation and waits for its end."""
        assert not self.is_busy
        self.known_ids = frozenset(op.operation_id for op in self._list(client))
        self.wanted, self.is_busy = wanted, True
        self.expect()
        started = start()
        if is_cancelled:
            client.cancel_operation(started.operation_id)
        self.finish(client)

    def finish(self, client: StylefacetClient) -> None:
        """Waits for the end of an operation that is under way, if there is one."""
        deadline = time.monotonic() + _WAIT_S
        while self.is_busy:
            self.settle(self._find(client))
            assert time.monotonic() < deadline, f"{self.kind} does not end"
            time.sleep(_LOOK_EVERY_S)

    def look(self, client: StylefacetClient) -> None:
        """Notes what a server says of the operation that was under way when another was killed."""
        if self.is_busy:
            self.settle(self._find(client))

    def expect(self) -> None:
        """Allows for what is under way, whatever is there now."""
        if self.is_busy:
            for name, state in self.wanted.items():
                self.expected.begin(name, state)

    def settle(self, operation: Operation | None) -> None:
        """Notes what an operation has done for certain; None when there never was one."""
        if operation is None:
            self.is_busy = False
            return
        done = operation.imported
        if operation.state is OperationState.SUCCEEDED:
            certain = len(self.wanted)
        else:
            # Rows that are counted are stored.
            certain = done.created_count + done.updated_count + done.unchanged_count if done else 0
        if done is not None:
            assert not done.failures, done.failures
        for name, state in list(self.wanted.items())[:certain]:
            self.expected.acknowledge(name, state)
        if operation.state is OperationState.CANCELLED and self.is_all_or_nothing:
            for name, state in self.wanted.items():
                self.expected.withdraw(name, state)
        if operation.done:
            error = operation.error
            assert error is None or isinstance(error, OperationLost | OperationCancelled), error
            self.ended.append(operation)
            self.is_busy = False

    def _find(self, client: StylefacetClient) -> Operation | None:
        new = [op for op in self._list(client) if op.operation_id not in self.known_ids]
        assert len(new) <= 1, f"one call started {len(new)} operations"
        return new[0] if new else None

    def _list(self, client: StylefacetClient) -> list[Operation]:
        latest = islice(client.list_operations(), _LATEST_COUNT)
        return [op for op in latest if op.kind == self.kind]


class Starter(threading.Thread):
    """Starts operations of one kind, one after the other, until the server is gone."""

    def __init__(self, name: str, seed: int, address: str, job: Job) -> None:
        super().__init__(name=name)
        self._rng = random.Random(seed)
        self._address = address
        self._job = job
        self.error: StylefacetError | None = None

    def run(self) -> None:
        """Starts operations; ends with the error that a killed server brings."""
        with StylefacetClient(self._address, retry=RetryPolicy(attempts=1)) as client:
            try:
                self._job.finish(client)
                while True:
                    self._start_one(client)
            except StylefacetError as error:
                self.error = error

    def _start_one(self, client: StylefacetClient) -> None:
        raise NotImplementedError


class Importer(Starter):
    """Imports manifests and folders that lie on the server."""

    def __init__(self, seed: int, address: str, job: Job, root: Path) -> None:
        super().__init__("importer", seed, address, job)
        self._root = root

    def _start_one(self, client: StylefacetClient) -> None:
        is_folder = self._rng.random() < 0.2
        names = [f"i-{number}" for number in range(IMPORTED_COUNT)]
        if is_folder:
            # A folder says nothing of a product but its photo; its rows come in order of name.
            names.sort()
            path = PHOTOS_FOLDER
        else:
            names = self._rng.sample(names, self._rng.randint(5, IMPORTED_COUNT))
            path = f"{self._rng.randrange(10**9)}.csv"
        revisions = {p.product_id: p.labels["revision"] for p in client.list_products() if p.labels}
        wanted = {}
        for name in names:
            is_kept = is_folder and name in revisions
            revision = revisions[name] if is_kept else f"{self._rng.randrange(10**9)}"
            revision = "" if is_folder and not is_kept else revision
            wanted[name] = imported_state(name, revision)
        if not is_folder:
            self._write(path, wanted)
        is_cancelled = self._rng.random() < 0.1
        self._job.run(
            client, wanted, lambda: client.import_on_server(path, category="top"), is_cancelled
        )
        if not is_folder:
            (self._root / path).unlink()

    def _write(self, name: str, wanted: dict[str, ProductState]) -> None:
        with (self._root / name).open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["product_id", "image", "labels.revision"])
            for product, state in wanted.items():
                table.writerow([product, f"{PHOTOS_FOLDER}/{product}.jpg", state.revision])


class Switcher(Starter):
    """Lets one of two encoders serve, then the other.

    The expectation has one thing in it: which encoder serves.
    """

    def __init__(self, seed: int, address: str, job: Job, bundles: dict[str, Path]) -> None:
        super().__init__("switcher", seed, address, job)
        self._bundles = bundles

    def _start_one(self, client: StylefacetClient) -> None:
        serving = client.get_encoder().encoder_id
        (other,) = set(self._bundles) - {serving}
        is_installed = other in {encoder.encoder_id for encoder in client.list_encoders()}
        if is_installed and self._rng.random() < 0.2:
            # Its vectors go as well, so the next switch has all of them to make.
            client.delete_encoder(other)
        client.install_encoder(self._bundles[other])
        is_cancelled = self._rng.random() < 0.1
        self._job.run(
            client,
            {ENCODER: ProductState(other, frozenset())},
            lambda: client.activate_encoder(other),
            is_cancelled,
        )


def imported_state(name: str, revision: str = "") -> ProductState:
    """Returns what an import makes of a product."""
    return ProductState(revision, frozenset([imported_image_id(name)]))


def make_import_root(root: Path) -> Path:
    """Makes an import root with the photos of all products that are imported."""
    (root / PHOTOS_FOLDER).mkdir(parents=True)
    for name in (f"i-{number}" for number in range(IMPORTED_COUNT)):
        (root / PHOTOS_FOLDER / f"{name}.jpg").write_bytes(imported_photo(name))
    return root
