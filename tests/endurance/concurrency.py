"""Writers, deleters, searchers and refits side by side: each product must stay one thing.

``python -m tests.endurance.concurrency --minutes 10 --seed 0 [--postgresql] [--json FILE]``.
Callers share products and note when each operation began and ended. Afterwards every product's
history must be that of a single register, with no update lost. Meanwhile each product that is
seen, alone, in searches or in exports, must be whole: all its fields of one write, with the image
of that write.
Memory, threads and descriptors must not grow. Exit status 1 when something does not hold.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from stylefacet.client import Product, StylefacetClient, UploadRow
from stylefacet.client.values import Hit
from stylefacet.errors import EtagMismatch, ResourceMissing, StylefacetError
from tests.endurance.photos import EXAMPLE_COUNT, content, example_values
from tests.endurance.process import Growth, Reading, Sampler, about_machine, growth, summary
from tests.endurance.registers import Kind, Operation, first_fault
from tests.endurance.site import Site, new_site

SHARED_COUNT = 24
OWN_COUNT = 8
WRITER_COUNT = 3
# Between two operations of one caller, at most: without it the callers starve each other.
_PAUSE_S = 0.03
# The share of the run through which no line is drawn, and what may be added within the rest.
WARM_UP = 0.3
MAX_RISE = {"rss_mib": 8.0, "thread_count": 8.0, "descriptor_count": 4.0}
_LABELS = ("first", "second", "third")


class Notes:
    """What all callers did and saw. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = 0
        self.histories: dict[str, list[Operation]] = {}
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    def new_value(self) -> str:
        """Returns a value that was never written."""
        with self._lock:
            self._numbers += 1
            return f"v{self._numbers}"

    def add(self, name: str, operation: Operation) -> None:
        """Notes an operation on a product."""
        with self._lock:
            self.histories.setdefault(name, []).append(operation)
            self.counts[operation.kind] += 1

    def count(self, what: str) -> None:
        """Counts something else that was done."""
        with self._lock:
            self.counts[what] += 1

    def fault(self, text: str) -> None:
        """Notes what must not be."""
        with self._lock:
            self.faults.append(text)

    def value_of(self, product: Product, where: str) -> str:
        """Returns the value that all fields of a product show, and notes when they differ."""
        values = {product.display_name, *(product.labels.get(name, "") for name in _LABELS)}
        if len(values) != 1:
            self.fault(f"{where}: half of {product.product_id}: {sorted(values)}")
        return product.display_name


class Caller(threading.Thread):
    """One client that works until it is told to stop; an error it does not expect is a fault."""

    def __init__(self, name: str, address: str, notes: Notes, over: threading.Event, seed: int):
        super().__init__(name=name, daemon=True)
        self.address = address
        self.notes = notes
        self.over = over
        self.rng = random.Random(f"{name} {seed}")

    def run(self) -> None:
        """Works."""
        with StylefacetClient(self.address) as client:
            while not self.over.wait(self.rng.uniform(0, _PAUSE_S)):
                try:
                    self.work(client)
                except StylefacetError as error:
                    self.notes.fault(f"{self.name}: {type(error).__name__}: {error.message}")

    def work(self, client: StylefacetClient) -> None:
        """Does one thing."""
        raise NotImplementedError


class Sharer(Caller):
    """Reads, writes, swaps and deletes products that others do the same to."""

    def work(self, client: StylefacetClient) -> None:
        name = f"shared-{self.rng.randrange(SHARED_COUNT)}"
        works: list[Callable[[StylefacetClient, str], None]]
        works = [self._read, self._update, self._upload, self._swap, self._remove]
        self.rng.choices(works, weights=(5, 3, 2, 3, 1))[0](client, name)

    def _read(self, client: StylefacetClient, name: str) -> None:
        began_s, value = time.monotonic(), None
        with suppress(ResourceMissing):
            value = self.notes.value_of(client.get_product(name), "read")
        self.notes.add(name, Operation(Kind.READ, began_s, time.monotonic(), value))

    def _update(self, client: StylefacetClient, name: str) -> None:
        product = with_value(name, self.notes.new_value())
        began_s = time.monotonic()
        client.update_product(product, ["display_name", "labels"], allow_missing=True)
        ended_s = time.monotonic()
        self.notes.add(name, Operation(Kind.WRITE, began_s, ended_s, product.display_name))

    def _upload(self, client: StylefacetClient, name: str) -> None:
        product = with_value(name, self.notes.new_value())
        row = UploadRow(1, product, partial(content, name, "front"), "front")
        began_s = time.monotonic()
        (outcome,) = client.upload([row])
        if outcome.error is not None:
            raise outcome.error
        ended_s = time.monotonic()
        self.notes.add(name, Operation(Kind.WRITE, began_s, ended_s, product.display_name))

    def _swap(self, client: StylefacetClient, name: str) -> None:
        """Writes on the condition that nobody else did since it looked."""
        try:
            seen = client.get_product(name)
        except ResourceMissing:
            return
        expected = self.notes.value_of(seen, "read")
        value, kind = self.notes.new_value(), Kind.SWAP
        product = with_value(name, value, etag=seen.etag)
        began_s = time.monotonic()
        try:
            client.update_product(product, ["display_name", "labels"])
        except EtagMismatch:
            kind = Kind.STALE
        except ResourceMissing:
            kind = Kind.MISSING
        self.notes.add(name, Operation(kind, began_s, time.monotonic(), value, expected))

    def _remove(self, client: StylefacetClient, name: str) -> None:
        began_s, kind = time.monotonic(), Kind.DELETE
        try:
            client.delete_product(name)
        except ResourceMissing:
            kind = Kind.MISSING
        self.notes.add(name, Operation(kind, began_s, time.monotonic()))


class Deleter(Sharer):
    """Deletes what others write, less often than they do."""

    def work(self, client: StylefacetClient) -> None:
        self.over.wait(self.rng.uniform(0, 20 * _PAUSE_S))
        self._remove(client, f"shared-{self.rng.randrange(SHARED_COUNT)}")


class Owner(Caller):
    """Makes and deletes products of its own, each with one image that is named for its value."""

    def work(self, client: StylefacetClient) -> None:
        name, value = f"{self.name}-{self.rng.randrange(OWN_COUNT)}", self.notes.new_value()
        row = UploadRow(1, with_value(name, value), partial(content, name, value), value)
        (outcome,) = client.upload([row])
        if outcome.error is not None:
            raise outcome.error
        found = client.search(
            content=content(name, value),
            filter=f'labels.first = "{value}"',
            min_sequence=outcome.sequence_number,
        )
        if [hit.product.product_id for hit in found.hits] != [name]:
            self.notes.fault(f"search: does not see {name} {value} after it was acknowledged")
        check_hits(self.notes, found.hits)
        client.delete_product(name)
        found = client.search(content=content(name, value), filter=f'labels.first = "{value}"')
        if found.hits:
            self.notes.fault(f"search: sees {name} {value} after its deletion was acknowledged")
        self.notes.count("own product made, found and deleted")


class Searcher(Caller):
    """Searches by photos and by products, in fitted features too."""

    def work(self, client: StylefacetClient) -> None:
        weights = self.rng.choice(({"collar": 1.0, "body": 0.5}, {"tone": 1.0}, {}))
        if self.rng.random() < 0.5:
            asked = {"content": content("query", str(self.rng.randrange(50)))}
            result = client.search(**asked, weights=weights, limit=60)  # type: ignore[arg-type]
        else:
            example = f"example-{self.rng.randrange(EXAMPLE_COUNT)}"
            result = client.search(product=example, weights=weights, limit=60)
        names = [hit.product.product_id for hit in result.hits]
        if len(set(names)) != len(names):
            self.notes.fault(f"search: a product twice: {names}")
        distances = [hit.squared_distance for hit in result.hits]
        if distances != sorted(distances):
            self.notes.fault(f"search: not nearest first: {distances}")
        if sum(name.startswith("example-") for name in names) < EXAMPLE_COUNT - 1:
            self.notes.fault(f"search: a product is missing that nobody deleted: {names}")
        check_hits(self.notes, result.hits)
        self.notes.count("search")


class Exporter(Caller):
    """Exports all products now and then; a product must have the images of its moment."""

    def work(self, client: StylefacetClient) -> None:
        self.over.wait(self.rng.uniform(0, 1))
        table = client.export_features()
        for row in table.products:
            name = row.product.product_id
            if name.startswith("example-"):
                continue
            self.notes.value_of(row.product, "export")
            if name.startswith("owner") and row.image_count != 1:
                self.notes.fault(f"export: {name} with {row.image_count} images")
        self.notes.count("export")


class Fitter(Caller):
    """Fits a feature anew, on other values each time."""

    def work(self, client: StylefacetClient) -> None:
        values = example_values()
        for name in self.rng.sample(sorted(values), 2):
            values[name] = "light" if values[name] == "dark" else "dark"
        client.fit_feature("tone", values)
        self.notes.count("fit")
        self.over.wait(self.rng.uniform(0, 2))


def with_value(name: str, value: str, etag: str = "") -> Product:
    """Returns a product all of whose fields show a value."""
    labels = dict.fromkeys(_LABELS, value)
    return Product(name, display_name=value, category="top", labels=labels, etag=etag)


def check_hits(notes: Notes, hits: tuple[Hit, ...]) -> None:
    """Notes every hit that is not whole."""
    for hit in hits:
        name, image_id = hit.product.product_id, hit.image_name.rpartition("/")[2]
        if name.startswith("example-"):
            continue
        value = notes.value_of(hit.product, "search")
        if name.startswith("owner") and image_id != value:
            notes.fault(f"search: half of {name}: {value} with the image of {image_id}")


@dataclass
class Result:
    """What a run came to, and what is wrong with it."""

    store: str
    seed: int
    minutes: float
    machine: dict[str, object]
    counts: dict[str, int]
    longest_history: int
    check_s: float
    growth: dict[str, Growth] = field(default_factory=dict)
    during: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def judge_growth(self, readings: list[Reading]) -> None:
        """Draws lines through what was read after warm-up, and fills in faults."""
        self.during = summary(readings)
        warm = readings[int(WARM_UP * len(readings)) :]
        for name, limit in MAX_RISE.items():
            line = growth(warm, lambda reading, name=name: getattr(reading, name))  # type: ignore[misc]
            self.growth[name] = line
            if line.over_window > limit:
                self.faults.append(f"{name} rises by {line.over_window:.1f}, over {limit:g}")


def run(site: Site, minutes: float, seed: int) -> tuple[Result, list[Reading]]:
    """Runs a server with all callers, then checks what they noted."""
    notes, over = Notes(), threading.Event()
    with site.server() as server, Sampler(server.process.pid) as sampler:
        with StylefacetClient(server.address) as client:
            names = example_values()
            rows = [
                UploadRow(
                    n, Product(name, category="top"), partial(content, name, "front"), "front"
                )
                for n, name in enumerate(names, start=1)
            ]
            assert all(outcome.error is None for outcome in client.upload(rows))
            client.fit_feature("tone", names)
        kinds = [*[Sharer] * WRITER_COUNT, Deleter, Owner, Owner, Searcher, Searcher]
        callers = [
            kind(f"{kind.__name__.lower()}{n}", server.address, notes, over, seed)
            for n, kind in enumerate([*kinds, Exporter, Fitter])
        ]
        for caller in callers:
            caller.start()
        time.sleep(minutes * 60)
        over.set()
        for caller in callers:
            caller.join(60)
            if caller.is_alive():
                notes.fault(f"{caller.name} does not come back")
        readings = list(sampler.readings)
        for line in server.log.copy():
            if line.get("level") == "error":
                notes.fault(f"the server logged {line}")
    began_s = time.monotonic()
    for name, history in notes.histories.items():
        if wrong := first_fault(history):
            notes.fault(f"{name} is no register: " + "; ".join(map(str, wrong)))
    result = Result(
        "PostgreSQL" if site.database_url else "SQLite",
        seed,
        minutes,
        about_machine(),
        dict(sorted(notes.counts.items())),
        max(map(len, notes.histories.values()), default=0),
        round(time.monotonic() - began_s, 1),
        faults=notes.faults,
    )
    result.judge_growth(readings)
    return result, readings


def table(result: Result) -> str:
    """Returns the figures as a table in Markdown."""
    counted = ", ".join(f"{count:,} {name}" for name, count in result.counts.items())
    rows = [
        ("store", f"{result.store}, {result.minutes:g} min, seed {result.seed}"),
        ("done", counted),
        ("longest history of a product", f"{result.longest_history:,} operations"),
        ("faults", str(len(result.faults))),
        *(
            (f"{name}, line after warm-up", f"{line.first:.1f} to {line.last:.1f}")
            for name, line in result.growth.items()
        ),
        (
            "cores of the server / all others",
            f"{result.during['own_cores_mean']:.2f} / {result.during['other_cores_mean']:.2f}",
        ),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows)])


def main() -> None:
    """Runs callers side by side and tells what it came to; exit status 1 at a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--json", type=Path, help="file that takes all figures")
    options = parser.parse_args()
    with new_site(options.postgresql) as site:
        result, readings = run(site, options.minutes, options.seed)
    if options.json:
        kept = {"result": asdict(result), "readings": [asdict(reading) for reading in readings]}
        options.json.write_text(json.dumps(kept, indent=1))
    print(table(result))
    for fault in result.faults[:50]:
        print(f"FAULT: {fault}", file=sys.stderr)
    sys.exit(1 if result.faults else 0)


if __name__ == "__main__":
    main()
