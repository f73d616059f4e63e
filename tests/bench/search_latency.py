"""Measures the search index alone, on one core: ``python tests/bench/search_latency.py``.

Prints a table to stderr and JSON to stdout. Vectors are random in ``d`` dimensions under five
features that share the dimensions evenly: random vectors have no clusters, so no search gets an
easy one. For comparison stands how long NumPy takes to add up as many numbers as a search in all
features reads. Each figure is the median (and the 95th percentile) over the given rounds; the
cases of a size take turns within each round, so that a busy machine slows all of them alike, and
each finds the caches full of another's numbers; ``--alone`` gives each case its rounds by itself.
Memory is what the process grew by with the index. ``--plot`` draws both over the sizes.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import psutil

from stylefacet.search.index import SimilarityIndex
from stylefacet.search.rows import Items

FEATURE_COUNT = 5
PLAIN_SUM = "plain sum of as many numbers"
FILTERS = (0.01, 0.1, 0.5)

# Weights, the product keys that a filter keeps, and how many vectors a query has.
Case = tuple[dict[str, float], npt.NDArray[np.int64] | None, int]


def build(means: npt.NDArray[np.float32]) -> tuple[SimilarityIndex, float, float]:
    """Returns the filled index, the seconds it took, and the bytes it takes for each item."""
    process = psutil.Process()
    before = process.memory_info().rss
    count, d = means.shape
    index = SimilarityIndex(d)
    unit = np.eye(d, dtype=np.float32) * np.float32((2 * d / FEATURE_COUNT) ** -0.5)
    blocks = np.array_split(np.arange(d), FEATURE_COUNT)
    index.set_features({f"f{number}": unit[block] for number, block in enumerate(blocks)})
    start = time.perf_counter()
    for first in range(0, count, 65_536):
        keys = np.arange(first, min(first + 65_536, count), dtype=np.int64) + 1
        index.add(Items(keys, keys, keys, means[first : first + 65_536]))
    elapsed_s = time.perf_counter() - start
    return index, elapsed_s, (process.memory_info().rss - before) / count


def make_cases(count: int, rng: np.random.Generator) -> dict[str, Case]:
    """Returns weights and filter of each question by its name."""
    one = {"f1": 1.0}
    some = {"f0": 0.3, "f2": 1.0, "f3": 2.2}
    every = {f"f{number}": 1.0 for number in range(FEATURE_COUNT)}
    asked: dict[str, Case] = {
        "one feature": (one, None, 1),
        "three weights": (some, None, 1),
        "all features": (every, None, 1),
        "one feature, of four images": (one, None, 4),
        "three weights, of four images": (some, None, 4),
    }
    for share in FILTERS:
        keys = np.flatnonzero(rng.random(count) < share) + 1
        asked[f"one feature, filter {share:.0%}"] = (one, keys, 1)
        asked[f"three weights, filter {share:.0%}"] = (some, keys, 1)
    return asked


def measure(count: int, d: int, limit: int, rounds: int, alone: bool) -> dict[str, Any]:
    """Returns the figures for one size, in milliseconds."""
    rng = np.random.default_rng(7)
    means = rng.normal(size=(count, d)).astype(np.float32)
    index, build_s, item_bytes = build(means)
    cases = make_cases(count, rng)
    # A feature's columns are its dimensions and their squared length.
    columns = np.ones((d + FEATURE_COUNT, count), np.float32)
    times: dict[str, list[float]] = {name: [] for name in [*cases, PLAIN_SUM]}

    def time_case(name: str, images: npt.NDArray[np.float32]) -> float:
        start = time.perf_counter()
        if name == PLAIN_SUM:
            columns.sum()
        else:
            weights, among, query_count = cases[name]
            index.search(images[:query_count], weights, limit, among=among)
        return (time.perf_counter() - start) * 1e3

    # The first round warms the caches.
    queries = [means[rng.integers(count, size=4)] for _ in range(rounds + 1)]
    for turn in [[name] for name in times] if alone else [list(times)]:
        for number, query in enumerate(queries):
            for name in turn:
                took_ms = time_case(name, query)
                if number:
                    times[name].append(took_ms)
    figures = {}
    for name, durations in times.items():
        p50, p95 = np.quantile(durations, (0.5, 0.95)).round(3).tolist()
        figures[name] = {"p50_ms": p50, "p95_ms": p95}
    return {
        "items": count,
        "d": d,
        "limit": limit,
        "build_s": round(build_s, 2),
        "item_bytes": round(item_bytes),
        "search": figures,
    }


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Draws latency and memory over the sizes, both axes in powers of ten."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(11, 4.2), width_ratios=(3, 2), layout="constrained"
    )
    left.set_prop_cycle(color=pyplot.get_cmap("tab20").colors)
    sizes = [result["items"] for result in results]
    for name in results[0]["search"]:
        times = [result["search"][name]["p50_ms"] for result in results]
        left.loglog(sizes, times, marker="o", label=name)
    left.set(xlabel="products", ylabel="ms a query, median", title=f"d = {results[0]['d']}")
    left.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    memory = [result["item_bytes"] * result["items"] / 2**20 for result in results]
    right.loglog(sizes, memory, marker="o")
    right.set(xlabel="products", ylabel="MiB", title="memory of the index")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Measures every size asked for and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2812, 100_000, 1_000_000])
    parser.add_argument("-d", type=int, default=64, help="latent dimensions")
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--alone", action="store_true", help="one case after another")
    parser.add_argument("--plot", type=Path, help="PNG to draw the growth in")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    results = [
        measure(size, options.d, options.limit, options.rounds, options.alone)
        for size in options.sizes
    ]
    names = list(results[0]["search"])
    title = f"p50 ms at d = {options.d}"
    print(f"{title:<30}", *(f"{r['items']:>12,}" for r in results), file=sys.stderr)
    for name in names:
        row = [f"{r['search'][name]['p50_ms']:>12.2f}" for r in results]
        print(f"{name:<30}", *row, file=sys.stderr)
    print(f"{'bytes an item':<30}", *(f"{r['item_bytes']:>12,}" for r in results), file=sys.stderr)
    if options.plot:
        plot(results, options.plot)
    machine = {"machine": platform.processor() or platform.machine(), "faiss": faiss.__version__}
    print(json.dumps({**machine, "results": results}, indent=2))


if __name__ == "__main__":
    main()
