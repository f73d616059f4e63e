"""Kills a real server at random moments and looks what is left.

``python -m tests.endurance.crash --rounds 300 [--postgresql]``. Each round, writers upload,
update, delete and add images, features are fitted, manifests are imported and encoders switched in
the background, until the server gets SIGKILL; then a new server starts on the same data and
everything is compared: each acknowledged write is there, nothing is half there, every image has
its embedding under the one encoder that serves, and searches are those of brute force in float64.
Imports and switches go on at the next server until they have done what they were to do.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stylefacet.bundle import read_bundle, write_bundle
from stylefacet.client import Product, StylefacetClient
from tests.endurance.background import (
    ENCODER,
    Importer,
    Job,
    Switcher,
    make_import_root,
)
from tests.endurance.examiner import Examiner, Found
from tests.endurance.expectation import Expectation, ProductState
from tests.endurance.photos import content, example_values
from tests.endurance.site import Site, new_site
from tests.endurance.writers import Fitter, Writer
from tests.tiny_bundle import tiny_bundle_parts

WRITER_COUNT = 3
# A server that was killed is taken for gone after this long, so that its work goes on soon.
_LEASE_S = "0.3"


@dataclass
class Tally:
    """What the rounds came to."""

    round_count: int = 0
    acknowledged_count: int = 0
    kept_count: int = 0
    dropped_count: int = 0
    longest_start_s: float = 0.0
    # Ends of imports and switches, by kind and state, and how often a kill hit one that ran.
    ends: Counter[str] = field(default_factory=Counter)
    interrupted_count: int = 0


@dataclass
class Expected:
    """All that the next server must have."""

    products: Expectation = field(default_factory=Expectation)
    features: Expectation = field(default_factory=Expectation)
    encoder: Expectation = field(default_factory=Expectation)

    def __post_init__(self) -> None:
        self.imports = Job("import-products", self.products)
        self.switches = Job("switch-encoder", self.encoder, is_all_or_nothing=True)
        self.jobs = (self.imports, self.switches)
        self.parts = (self.products, self.features, self.encoder)

    @property
    def acknowledged_count(self) -> int:
        """Writes that servers have told to be done."""
        return sum(part.acknowledged_count for part in self.parts)

    def settle(self, found: Found) -> tuple[int, int]:
        """Compares with what is there; returns as `Expectation.settle` does."""
        serving = {ENCODER: ProductState(found.encoder_id, frozenset())}
        states = (found.products, found.features, serving)
        ends = [part.settle(some) for part, some in zip(self.parts, states, strict=True)]
        for job in self.jobs:
            job.expect()
        return sum(kept for kept, _ in ends), sum(dropped for _, dropped in ends)


@dataclass(frozen=True)
class Ground:
    """Where rounds take place: the servers' site, what they import and the bundles by encoder."""

    site: Site
    import_root: Path
    bundles: dict[str, Path]


def make_ground(site: Site, folder: Path) -> Ground:
    """Returns a ground in a folder, for a site that is empty still."""
    other = write_bundle(folder / "other", **tiny_bundle_parts(seed=1)).path
    root = make_import_root(folder / "imports")
    return Ground(
        site.having(import_root=str(root), operation_lease_s=_LEASE_S, worker_count="2"),
        root,
        {read_bundle(path).id: path for path in (site.bundle, other)},
    )


def crash_rounds(ground: Ground, round_count: int, seed: int) -> Iterator[Tally]:
    """Yields after each round what all of them came to; raises AssertionError at a fault."""
    rng = random.Random(seed)
    expected, tally = Expected(), Tally()
    examiner = Examiner(list(ground.bundles.values()))
    with ground.site.server() as server, StylefacetClient(server.address) as client:
        _write_examples(client, expected)
    for _ in range(round_count):
        start = time.monotonic()
        with ground.site.server() as server:
            tally.longest_start_s = max(tally.longest_start_s, time.monotonic() - start)
            _examine(server.address, examiner, expected, tally, rng)
            callers = _callers(server.address, ground, expected, rng)
            for caller in callers:
                caller.start()
            time.sleep(rng.uniform(0.05, 2.0))
            gone = [caller for caller in callers if caller.error is not None]
            assert not gone, f"{gone[0].name}, before the crash: {gone[0].error!r}"
            server.kill()
            for caller in callers:
                caller.join()
        tally.interrupted_count += sum(job.is_busy for job in expected.jobs)
        tally.round_count += 1
        yield tally
    with ground.site.server() as server:
        _examine(server.address, examiner, expected, tally, rng)


def _write_examples(client: StylefacetClient, expected: Expected) -> None:
    """Writes what features are fitted from: once, and it is never deleted."""
    for name in example_values():
        state = ProductState("0", frozenset(["front"]))
        expected.products.allowed[name] = frozenset([state])
        client.update_product(Product(name, labels={"revision": "0"}), allow_missing=True)
        client.create_image(name, content(name, "front"), "front")
    serving = ProductState(client.get_encoder().encoder_id, frozenset())
    expected.encoder.allowed[ENCODER] = frozenset([serving])


def _callers(
    address: str, ground: Ground, expected: Expected, rng: random.Random
) -> list[Writer | Fitter | Importer | Switcher]:
    def seed() -> int:
        return rng.randrange(2**32)

    return [
        *(Writer(n, seed(), address, expected.products) for n in range(WRITER_COUNT)),
        Fitter(seed(), address, expected.features, example_values()),
        Importer(seed(), address, expected.imports, ground.import_root),
        Switcher(seed(), address, expected.switches, ground.bundles),
    ]


def _examine(
    address: str, examiner: Examiner, expected: Expected, tally: Tally, rng: random.Random
) -> None:
    with StylefacetClient(address) as client:
        for job in expected.jobs:
            job.look(client)
        kept, dropped = expected.settle(examiner.look(client, rng))
    tally.kept_count += kept
    tally.dropped_count += dropped
    tally.acknowledged_count = expected.acknowledged_count
    tally.ends = Counter(f"{op.kind} {op.state}" for job in expected.jobs for op in job.ended)


def main() -> None:
    """Runs rounds and tells what they came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    start = time.monotonic()
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, new_site(options.postgresql) as site:
        ground = make_ground(site, Path(folder))
        for tally in crash_rounds(ground, options.rounds, options.seed):
            print(f"\r{tally.round_count}/{options.rounds} rounds", end="", file=sys.stderr)
    ends = ", ".join(f"{name} {count:,}" for name, count in sorted(tally.ends.items()))
    print(
        f"\n{tally.round_count} kills on {'PostgreSQL' if options.postgresql else 'SQLite'}, "
        f"seed {options.seed}: {tally.acknowledged_count:,} acknowledged writes, none lost; "
        f"{tally.kept_count} writes under way were kept whole, {tally.dropped_count} not at all; "
        f"{tally.interrupted_count} kills in the middle of an import or a switch; ends: {ends}; "
        f"slowest start {tally.longest_start_s:.1f} s; {time.monotonic() - start:.0f} s in all"
    )


if __name__ == "__main__":
    main()
