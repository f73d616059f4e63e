"""Searches of a large catalogue through gRPC, filters in SQL included: ``poe bench-served``.

The catalogue is filled with random vectors straight in its tables (no photos); then a real server
on it is asked by a client in this process, by product, with the shipped encoder's blocks as
features. The first search with a new filter selects the products, the first after a write looks at
those that changed, the next find the selection as it was. Cases take turns, so that a busy machine
slows all alike. Several callers are threads of the client. Writes JSON to ``--json`` and prints
Markdown tables.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from stylefacet.bundle import read_bundle
from stylefacet.client import Product, StylefacetClient
from stylefacet.server.settings import DEFAULT_BUNDLE
from tests.bench.filled_store import fill
from tests.endurance.process import cpu_seconds
from tests.endurance.site import Site

CALLER_COUNTS = (1, 4)


@dataclass(frozen=True)
class Case:
    """What is asked for beside a product: weights, a filter, how many hits."""

    name: str
    weights: Mapping[str, float] = field(default_factory=dict)
    filter: str = ""
    limit: int = 10

    def ask(self, client: StylefacetClient, product: str) -> None:
        """Searches, and sees that there are as many hits as asked for."""
        found = client.search(
            product=product, weights=self.weights, filter=self.filter, limit=self.limit
        )
        assert len(found.hits) == self.limit


ONE, THREE = {"collar": 1.0}, {"collar": 1.0, "sleeve": 0.3, "palette": 2.2}
CASES = (
    Case("one feature", ONE),
    Case("three weights", THREE),
    Case("all blocks"),
    Case("one feature, 100 hits", ONE, limit=100),
    Case("three weights, 100 hits", THREE, limit=100),
    Case("one feature, filter 1%", ONE, "numbers.bucket < 1"),
    Case("one feature, filter 10%", ONE, "numbers.bucket < 10"),
    Case("one feature, filter 50%", ONE, "numbers.bucket < 50"),
    Case("three weights, filter 10%", THREE, "numbers.bucket < 9.5"),
)


def measure_single(
    client: StylefacetClient, products: Sequence[str], number: int
) -> dict[str, list[float]]:
    """Returns, for each case, milliseconds of the first search after a write and of the next.

    The last is of a filter that was never asked before.
    """
    client.update_product(Product(f"written-{number}", "top"), allow_missing=True)
    times: dict[str, list[float]] = {}
    for case in CASES:
        # More blanks make it another text that means the same.
        new = replace(case, filter=case.filter.replace(" ", " " * (number + 2)))
        for asked, product in [*((case, product) for product in products), (new, products[0])]:
            start = time.perf_counter()
            asked.ask(client, product)
            times.setdefault(case.name, []).append(1e3 * (time.perf_counter() - start))
    return times


def measure_callers(
    client: StylefacetClient, pid: int, products: Sequence[str], caller_count: int
) -> dict[str, dict[str, float]]:
    """Returns searches a second of several callers, and the server's CPU time for each."""
    figures = {}
    with ThreadPoolExecutor(caller_count) as callers:
        for case in CASES[:3]:
            start, start_cpu = time.perf_counter(), cpu_seconds(pid)
            list(callers.map(partial(case.ask, client), products))
            elapsed_s, cpu_s = time.perf_counter() - start, cpu_seconds(pid) - start_cpu
            figures[case.name] = {
                "searches_per_s": round(len(products) / elapsed_s, 1),
                "cpu_ms": round(1e3 * cpu_s / len(products), 2),
            }
    return figures


def measure(size: int, rounds: int) -> dict[str, Any]:
    """Returns the figures for a catalogue of one size."""
    bundle = read_bundle(DEFAULT_BUNDLE)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        fill(data_dir / "catalogue.db", size, bundle.manifest.latent_dimension_count, bundle.id)
        start = time.perf_counter()
        with Site(DEFAULT_BUNDLE, data_dir).server() as server:
            start_s = time.perf_counter() - start
            with StylefacetClient(server.address) as client:
                first: dict[str, list[float]] = {}
                next_: dict[str, list[float]] = {}
                new: dict[str, list[float]] = {}
                for number in range(rounds + 1):
                    products = [f"p{key:07}" for key in rng.integers(size, size=4)]
                    for name, times in measure_single(client, products, number).items():
                        if number:  # the first round warms the caches
                            first.setdefault(name, []).append(times[0])
                            next_.setdefault(name, []).extend(times[1:-1])
                            new.setdefault(name, []).append(times[-1])
                asked = [f"p{key:07}" for key in rng.integers(size, size=100)]
                callers = {
                    str(count): measure_callers(client, server.process.pid, asked, count)
                    for count in CALLER_COUNTS
                }
            memory_mib = server.memory_mib()
    return {
        "start_s": round(start_s, 1),
        "memory_mib": round(memory_mib),
        "new_ms": {name: round(float(np.median(times)), 2) for name, times in new.items()},
        "first_ms": {name: round(float(np.median(times)), 2) for name, times in first.items()},
        "next_ms": {name: round(float(np.median(times)), 2) for name, times in next_.items()},
        "next_p99_ms": {
            name: round(float(np.quantile(times, 0.99)), 2) for name, times in next_.items()
        },
        "callers": callers,
    }


def tables(results: Mapping[int, dict[str, Any]]) -> str:
    """Returns Markdown tables with a column a size."""
    head = "".join(f" {size:,} |" for size in results) + "\n| --- |" + " --: |" * len(results)
    lines = ["| ms: a new filter; first after a write; next, median; p99 |" + head]
    for case in CASES:
        cells = [
            (f"{r['new_ms'][case.name]:,.1f}; " if case.filter else "")
            + f"{r['first_ms'][case.name]:,.1f}; {r['next_ms'][case.name]:,.1f}; "
            f"{r['next_p99_ms'][case.name]:,.1f}"
            for r in results.values()
        ]
        lines.append(f"| {case.name} | " + " | ".join(cells) + " |")
    lines += ["", "| searches a second; server CPU ms for each |" + head]
    for count in CALLER_COUNTS:
        for case in CASES[:3]:
            found = [r["callers"][str(count)][case.name] for r in results.values()]
            cells = [f"{f['searches_per_s']:,.0f}; {f['cpu_ms']:.1f}" for f in found]
            lines.append(f"| {case.name}, {count} callers | " + " | ".join(cells) + " |")
    for name, unit in (("start_s", "s to start"), ("memory_mib", "MiB of memory")):
        cells = [f"{r[name]:,}" for r in results.values()]
        lines.append(f"| {unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures every size asked for and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {size: measure(size, options.rounds) for size in options.sizes}
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"Searches through gRPC, {machine}\n\n{tables(results)}")
    if options.json:
        report = {"machine": machine, "results": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
