"""Feature search beside its peers, in one run: ``python -m tests.bench.search_peers``.

Every system holds the same random items, answers the same questions on one core, and is scored
by recall against brute force in float64. Systems without a database are handed the items that pass
a filter; one that has a database evaluates the filter itself. Systems take turns in each round, so
that a busy machine slows all alike. A turn is ``--in-a-row`` questions, for no server is asked only
once after all its caches went cold; it ends early after a second. Figures are medians over all
answers but those of the first round. Writes JSON to ``--json`` and prints one Markdown table. Peers
come with ``pip install 'stylefacet[bench]'``; what is missing is left out.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from tests.bench.search_systems import (
    BUCKET_COUNT,
    SYSTEMS,
    Catalogue,
    Question,
    System,
    brute_force,
)

FEATURE_COUNT = 5
# After so long a turn has said enough.
_TURN_S = 1.0


def make_catalogue(count: int, d: int) -> Catalogue:
    """Returns random items; random vectors have no clusters, so nobody gets an easy search."""
    rng = np.random.default_rng(7)
    edges = [d * number // FEATURE_COUNT for number in range(FEATURE_COUNT + 1)]
    blocks = {f"f{i}": slice(edges[i], edges[i + 1]) for i in range(FEATURE_COUNT)}
    means = rng.normal(size=(count, d)).astype(np.float32)
    return Catalogue(means, rng.integers(0, BUCKET_COUNT, count), blocks)


def make_questions(catalogue: Catalogue, limit: int, count: int) -> dict[str, list[Question]]:
    """Returns so many questions of each case."""
    rng = np.random.default_rng(8)
    every = list(catalogue.blocks)
    cases = {
        "one feature": (1, BUCKET_COUNT),
        "three weights": (3, BUCKET_COUNT),
        "all features": (len(every), BUCKET_COUNT),
        "one feature, filter 1%": (1, 1),
        "one feature, filter 10%": (1, 10),
        "three weights, filter 1%": (3, 1),
        "three weights, filter 10%": (3, 10),
        "three weights, filter 50%": (3, 50),
    }
    questions: dict[str, list[Question]] = {name: [] for name in cases}
    for _ in range(count):
        query = rng.normal(size=(1, catalogue.means.shape[1])).astype(np.float32)[0]
        for name, (feature_count, bucket_limit) in cases.items():
            # One feature is always the same, so that graphs are built for no other.
            chosen = (
                rng.choice(every, feature_count, replace=False) if feature_count > 1 else every[1:2]
            )
            weights = {
                str(f): float(w) for f, w in zip(chosen, rng.uniform(0.2, 3, 5), strict=False)
            }
            questions[name].append(Question(query, weights, bucket_limit, limit))
    return questions


def build(kinds: Sequence[type[System]], catalogue: Catalogue) -> list[System]:
    """Returns the systems that are installed, each built on one thread."""
    systems = []
    for kind in kinds:
        start = time.perf_counter()
        try:
            systems.append(kind(catalogue))
        except ImportError as error:
            print(f"left out {kind.name}: {error}", file=sys.stderr)
        else:
            print(f"built {kind.name} in {time.perf_counter() - start:.1f} s", file=sys.stderr)
    return systems


def measure(
    systems: Sequence[System],
    catalogue: Catalogue,
    questions: dict[str, list[Question]],
    in_a_row: int,
) -> dict[str, dict[str, Any]]:
    """Returns, by system and case, median and 95th percentile in ms and recall."""
    times: dict[tuple[str, str], list[float]] = {}
    recalls: dict[tuple[str, str], list[float]] = {}
    for case, asked in questions.items():
        for start_at in range(0, len(asked), in_a_row):
            turn = asked[start_at : start_at + in_a_row]
            wanted = [set(brute_force(catalogue, each, np.float64).tolist()) for each in turn]
            for system in systems:
                turn_end = time.perf_counter() + _TURN_S
                for question, best in zip(turn, wanted, strict=True):
                    if time.perf_counter() > turn_end:
                        break
                    start = time.perf_counter()
                    found = system.search(question)
                    elapsed_ms = (time.perf_counter() - start) * 1e3
                    if found is None:
                        continue
                    recall = len(best & set(found.tolist())) / len(best)
                    recalls.setdefault((system.name, case), []).append(recall)
                    if start_at:  # the first round warms caches and plans
                        times.setdefault((system.name, case), []).append(elapsed_ms)
    figures: dict[str, dict[str, Any]] = {system.name: {} for system in systems}
    for (name, case), durations in times.items():
        p50, p95 = np.quantile(durations, (0.5, 0.95)).round(3).tolist()
        recall = round(float(np.mean(recalls[name, case])), 4)
        figures[name][case] = {"p50_ms": p50, "p95_ms": p95, "recall": recall}
    return figures


def table(figures: dict[str, dict[str, Any]], cases: Sequence[str]) -> str:
    """Returns a Markdown table: median ms, and the recall where it is below 1."""
    lines = ["| p50 ms (recall) | " + " | ".join(cases) + " |", "|---" * (len(cases) + 1) + "|"]
    for name, by_case in figures.items():
        cells = []
        for case in cases:
            cell = by_case.get(case)
            if cell is None:
                cells.append("")
            else:
                recall = "" if cell["recall"] == 1 else f" ({cell['recall']:.2f})"
                cells.append(f"{cell['p50_ms']:.2f}{recall}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=100_000, help="how many items")
    parser.add_argument("-d", type=int, default=20, help="dimensions, shared by five features")
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--in-a-row", type=int, default=5, help="questions of each turn")
    parser.add_argument("--without", action="append", default=[], help="a system to leave out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    catalogue = make_catalogue(options.size, options.d)
    question_count = (options.rounds + 1) * options.in_a_row
    questions = make_questions(catalogue, options.limit, question_count)
    kinds = [kind for kind in SYSTEMS if kind.name not in options.without]
    systems = build(kinds, catalogue)
    try:
        figures = measure(systems, catalogue, questions, options.in_a_row)
    finally:
        for system in systems:
            system.close()
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{options.size:,} items, d = {options.d}, one thread, {machine}\n")
    print(table(figures, list(questions)))
    if options.json:
        report = {"machine": machine, "items": options.size, "d": options.d, "figures": figures}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
