"""Writes into a large catalogue, on one core: ``poe bench-writes``.

The catalogue is filled with random vectors straight in its tables (no photos, no server); then
products are created, changed and deleted through the store as a server does it, a search's index
follows each change, the index is filled anew as at a start, and a feature is fitted again. CPU
time stands beside wall time: on a busy machine the latter waits for a core. What a whole upload
costs, decoding and embedding included, is measured by ``poe bench-uploads``. Writes JSON to
``--json`` and prints one Markdown table.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from stylefacet.app.features import FeatureTexts
from stylefacet.app.fitting import FeatureChange
from stylefacet.app.library import LoadedEncoder
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.app.realms import Realm, build_realm
from stylefacet.bundle import read_bundle
from stylefacet.catalog.assignment import EVERYTHING, Assignment
from stylefacet.catalog.entities import (
    CatalogRow,
    ImageEmbedding,
    NewImage,
    ProductFields,
    ProductUpdate,
)
from stylefacet.catalog.store import Store
from stylefacet.imaging import DEFAULT_LIMITS
from stylefacet.inference import Encoder
from stylefacet.server.settings import DEFAULT_BUNDLE
from tests.bench.filled_store import fill

# As many rows as a stream's commit holds.
_BATCH = 32
_EXAMPLES = 200

# Wall and CPU seconds of each repetition.
Times = list[tuple[float, float]]


class Catalogue:
    """A filled store and the realm that serves it, with what the measurements write."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        self.store, self.encoder = store, encoder
        self.realm = self.new_realm()
        self._rng = np.random.default_rng(3)

    def new_realm(self) -> Realm:
        """Returns a realm with an empty index, as a server has when it starts."""
        loaded = LoadedEncoder(self.encoder, None, PhotoEmbedder(self.encoder, DEFAULT_LIMITS))
        return build_realm(self.store, loaded, EVERYTHING)

    def rows(self, name: str, count: int) -> list[CatalogRow]:
        """Returns rows of new products with random vectors."""
        d = self.encoder.manifest.latent_dimension_count
        means = self._rng.normal(size=(count, d)).astype(np.float32)
        return [
            CatalogRow(
                self.fields(f"{name}{number}", "black"),
                NewImage(
                    "",
                    self._rng.bytes(32).hex(),
                    300,
                    400,
                    ImageEmbedding(self.encoder.id, mean, 0.5),
                ),
            )
            for number, mean in enumerate(means)
        ]

    def fields(self, product_id: str, colour: str) -> ProductFields:
        """Returns a product's fields."""
        labels, numbers = {"colour": colour}, {"bucket": 7.0}
        return ProductFields(product_id, "Top", "top", labels, numbers, f"style-{product_id}")

    def write(self, rows: Sequence[CatalogRow]) -> None:
        """Commits rows."""
        written = self.store.write_rows(rows, Assignment(self.encoder.id))
        assert all(outcome.error is None for outcome in written.rows)

    def write_and_find(self, row: CatalogRow) -> None:
        """Commits a row and searches by its own vector."""
        self.write([row])
        assert row.image is not None
        assert row.image.embedding is not None
        query = self.realm.similarity.query_by_embedding(self.encoder.id, row.image.embedding.mean)
        (hit,) = self.realm.similarity.search(query, {}, "", 0, 1, False).hits
        assert hit.product.id == row.fields.id

    def examples(self, count: int) -> list[tuple[str, str]]:
        """Returns products with a value that their vectors tell."""
        ids = [f"p{number:07}" for number in range(count)]
        vectors = [self.store.list_embeddings(id, self.encoder.id)[0][1].mean for id in ids]
        return [(id, "high" if v[0] > 0 else "low") for id, v in zip(ids, vectors, strict=True)]


def timed(calls: Iterable[Callable[[], object]]) -> Times:
    """Returns wall and CPU seconds of each call."""
    times = []
    for call in calls:
        start, start_cpu = time.perf_counter(), time.thread_time()
        call()
        times.append((time.perf_counter() - start, time.thread_time() - start_cpu))
    return times


def measure(catalogue: Catalogue, repeats: int) -> dict[str, Times]:
    """Returns the times of every kind of write."""
    store, realm = catalogue.store, catalogue.realm
    times = {"fill the index at a start": timed([realm.load])}
    created = [catalogue.rows(f"new{number}-", _BATCH) for number in range(repeats)]
    times[f"create {_BATCH} products in a commit"] = timed(
        partial(catalogue.write, rows) for rows in created
    )
    changed = [
        [ProductUpdate(catalogue.fields(row.fields.id, "red")) for row in rows] for rows in created
    ]
    times[f"change {_BATCH} products in a commit"] = timed(
        partial(store.batch_update, updates) for updates in changed
    )
    times[f"the index follows {repeats * _BATCH:,} changed products"] = timed(
        [realm.follower.catch_up]
    )
    seen = catalogue.rows("seen", repeats)
    times["create a product and find it by a search"] = timed(
        partial(catalogue.write_and_find, row) for row in seen
    )
    times["delete a product"] = timed(partial(store.delete_product, row.fields.id) for row in seen)
    texts, examples = FeatureTexts("side"), catalogue.examples(_EXAMPLES)
    times[f"fit a feature on {_EXAMPLES} examples"] = timed(
        [partial(realm.fitting.fit, texts, examples)]
    )
    refit = FeatureChange("side", refit=True)
    times["fit it again"] = timed([partial(realm.fitting.update, refit)])
    return times


def summary(times: dict[str, Times]) -> dict[str, dict[str, float]]:
    """Returns the medians in milliseconds."""
    return {
        name: {
            "wall_ms": round(1e3 * float(np.median([wall for wall, _ in some])), 2),
            "cpu_ms": round(1e3 * float(np.median([cpu for _, cpu in some])), 2),
        }
        for name, some in times.items()
    }


def table(results: dict[int, dict[str, dict[str, float]]]) -> str:
    """Returns a Markdown table with a column a size."""
    lines = [
        "| ms (CPU) | " + " | ".join(f"{size:,}" for size in results) + " |",
        "| --- |" + " --: |" * len(results),
    ]
    for name in next(iter(results.values())):
        cells = [
            f"{by[name]['wall_ms']:,.1f} ({by[name]['cpu_ms']:,.1f})" for by in results.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures every size asked for and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    encoder = Encoder(read_bundle(DEFAULT_BUNDLE))
    d = encoder.manifest.latent_dimension_count
    results = {}
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "catalogue.db")
            fill(path, size, d, encoder.id)
            with Store(f"sqlite:///{path}", lambda: datetime.now(UTC)) as store:
                results[size] = summary(measure(Catalogue(store, encoder), options.repeats))
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"Products in the catalogue, d = {d}, medians of {options.repeats}, {machine}\n")
    print(table(results))
    if options.json:
        report: dict[str, Any] = {"machine": machine, "d": d, "results": results}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
