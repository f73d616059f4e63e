"""The systems that `search_peers` compares, each by its own documented way; knows no timing.

A system is built once over items and answers questions with item numbers, nearest first. Where it
has no way to ask something it answers None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
from sqlalchemy import create_engine, text

from stylefacet.search.index import SimilarityIndex
from stylefacet.search.rows import Items
from tests.postgresql import running_cluster

F32 = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]

BUCKET_COUNT = 100
_BATCH = 65_536


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items ``(n, d)`` whose dimensions several features share, each with a bucket to filter by."""

    means: F32
    buckets: Numbers
    blocks: dict[str, slice]

    @cache  # noqa: B019 -- one catalogue lives as long as its benchmark
    def passing(self, bucket_limit: int) -> Numbers:
        """Returns the items that pass a filter, as a database would hand them over."""
        return np.flatnonzero(self.buckets < bucket_limit)

    @cache  # noqa: B019
    def passing_bits(self, bucket_limit: int) -> npt.NDArray[np.uint8]:
        """Returns the same as one bit an item, the lowest first."""
        return np.packbits(self.buckets < bucket_limit, bitorder="little")


@dataclass(frozen=True)
class Question:
    """Nearest items to a query ``(d,)`` by weighted features, of buckets below ``bucket_limit``."""

    query: F32
    weights: dict[str, float]
    bucket_limit: int
    limit: int

    @property
    def is_filtered(self) -> bool:
        """Whether the filter leaves anything out."""
        return self.bucket_limit < BUCKET_COUNT


class System:
    """One way to search; the base of all, and by itself brute force in NumPy."""

    name = "NumPy, float32 brute force"

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def search(self, question: Question) -> Numbers | None:
        """Returns item numbers, or None where the system has no way to ask this."""
        return brute_force(self.catalogue, question, np.float32)

    def close(self) -> None:
        """Lets go of whatever runs."""


def brute_force(catalogue: Catalogue, question: Question, dtype: type) -> Numbers:
    """Returns the nearest items; in float64 this is what every system is measured against."""
    rows = catalogue.passing(question.bucket_limit)
    total: npt.NDArray[Any] = np.zeros(len(rows), dtype)
    for name, weight in question.weights.items():
        block = catalogue.blocks[name]
        part = catalogue.means[:, block] if not question.is_filtered else None
        chosen = catalogue.means[rows, block] if part is None else part
        total += dtype(weight) * np.square(chosen.astype(dtype) - question.query[block]).sum(axis=1)
    count = min(question.limit, len(total))
    best = np.argpartition(total, count - 1)[:count]
    return np.asarray(rows[best[np.argsort(total[best], kind="stable")]])


class Stylefacet(System):
    """The index of the service."""

    name = "Stylefacet"

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        count, d = catalogue.means.shape
        self._index = SimilarityIndex(d)
        unit = np.eye(d, dtype=np.float32)
        self._index.set_features({name: unit[block] for name, block in catalogue.blocks.items()})
        for start in range(0, count, _BATCH):
            keys = np.arange(start, min(start + _BATCH, count), dtype=np.int64)
            self._index.add(Items(keys, keys, keys, catalogue.means[start : start + _BATCH]))

    def search(self, question: Question) -> Numbers:
        """Returns the products; the keys that pass a filter are at hand, as from the store."""
        among = None
        if question.is_filtered:
            among = self.catalogue.passing(question.bucket_limit)
        found = self._index.search(
            question.query[None], question.weights, question.limit, among=among
        )
        return np.array([hit.product_key for hit in found.hits])


class FaissFlat(System):
    """A flat index a feature; several features by scaling copies of one flat index."""

    name = "FAISS Flat"

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self._by_feature = {}
        for name, block in catalogue.blocks.items():
            part = np.ascontiguousarray(catalogue.means[:, block])
            self._by_feature[name] = faiss.IndexFlatL2(part.shape[1])
            self._by_feature[name].add(part)

    def search(self, question: Question) -> Numbers | None:
        """Answers for one feature: a flat index knows one metric alone."""
        if len(question.weights) > 1:
            return None
        (name,) = question.weights
        parameters: Any = None
        if question.is_filtered:
            bits = self.catalogue.passing_bits(question.bucket_limit)
            selector: Any = faiss.IDSelectorBitmap
            make: Any = faiss.SearchParameters
            parameters = make(sel=selector(bits))
        query = question.query[None, self.catalogue.blocks[name]]
        _, rows = self._by_feature[name].search(query, question.limit, params=parameters)
        return np.asarray(rows[0])


class _Graphs(System):
    """An approximate graph of each feature that is asked for, alone and without a filter."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self._graphs: dict[str, Callable[[F32, int], Numbers]] = {}

    def _build(self, part: F32) -> Callable[[F32, int], Numbers]:
        raise NotImplementedError

    def search(self, question: Question) -> Numbers | None:
        """Answers for one feature without a filter."""
        if len(question.weights) > 1 or question.is_filtered:
            return None
        (name,) = question.weights
        if name not in self._graphs:
            part = self.catalogue.means[:, self.catalogue.blocks[name]]
            self._graphs[name] = self._build(np.ascontiguousarray(part))
        return self._graphs[name](question.query[self.catalogue.blocks[name]], question.limit)


class Hnswlib(_Graphs):
    """hnswlib with M = 16, ef_construction = 200 (its README's values) and ef = 64."""

    name = "hnswlib"

    def _build(self, part: F32) -> Callable[[F32, int], Numbers]:
        import hnswlib

        graph = hnswlib.Index(space="l2", dim=part.shape[1])
        graph.init_index(max_elements=len(part), ef_construction=200, M=16)
        graph.add_items(part, num_threads=1)
        graph.set_ef(64)
        return lambda query, limit: np.asarray(
            graph.knn_query(query, k=limit, num_threads=1)[0][0], np.int64
        )


class Usearch(_Graphs):
    """usearch with its defaults."""

    name = "usearch"

    def _build(self, part: F32) -> Callable[[F32, int], Numbers]:
        from usearch.index import Index

        graph = Index(ndim=part.shape[1], metric="l2sq")
        graph.add(np.arange(len(part)), part, threads=1)
        return lambda query, limit: np.asarray(graph.search(query, limit, threads=1).keys, np.int64)


class PgvectorExact(System):
    """PostgreSQL with pgvector: a column a feature, distances weighted in the ORDER BY."""

    name = "pgvector, exact"

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        self._running = running_cluster()
        engine = create_engine(
            self._running.__enter__()
            .new_database()
            .replace("postgresql://", "postgresql+psycopg://"),
            isolation_level="AUTOCOMMIT",
        )
        self._connection = engine.connect()
        self._run("CREATE EXTENSION vector")
        columns = ", ".join(
            f"{name} vector({block.stop - block.start})" for name, block in catalogue.blocks.items()
        )
        self._run(f"CREATE TABLE items (id bigint PRIMARY KEY, bucket int, {columns})")
        self._fill()
        self._run("CREATE INDEX ON items (bucket)")
        self._index()
        self._run("VACUUM ANALYZE items")
        self._run("SET max_parallel_workers_per_gather = 0")

    def _index(self) -> None:
        """Adds no index: the search is exact."""

    def _fill(self) -> None:
        names = list(self.catalogue.blocks)
        cursor = self._connection.connection.cursor()
        target = ", ".join(["id", "bucket", *names])
        with cursor.copy(f"COPY items ({target}) FROM STDIN") as copy:
            for number, (mean, bucket) in enumerate(
                zip(self.catalogue.means.tolist(), self.catalogue.buckets.tolist(), strict=True)
            ):
                parts = [str(mean[block]) for block in self.catalogue.blocks.values()]
                copy.write_row([number, bucket, *parts])

    def search(self, question: Question) -> Numbers | None:
        """Asks for the weighted sum of squared distances; of one feature, for its distance."""
        order = " + ".join(
            f"{weight} * ({name} <-> :{name}) ^ 2" for name, weight in question.weights.items()
        )
        if len(question.weights) == 1:
            (name,) = question.weights
            order = f"{name} <-> :{name}"
        where = f"WHERE bucket < {question.bucket_limit}" if question.is_filtered else ""
        values = {
            name: str(question.query[self.catalogue.blocks[name]].tolist())
            for name in question.weights
        }
        rows = self._connection.execute(
            text(f"SELECT id FROM items {where} ORDER BY {order} LIMIT {question.limit}"), values
        )
        return np.array([row.id for row in rows], np.int64)

    def _run(self, statement: str) -> None:
        self._connection.execute(text(statement))

    def close(self) -> None:
        """Stops PostgreSQL."""
        self._connection.close()
        self._connection.engine.dispose()
        self._running.__exit__(None, None, None)


class PgvectorHnsw(PgvectorExact):
    """The same with an HNSW index a feature and iterative scans under a filter."""

    name = "pgvector, HNSW"

    def _index(self) -> None:
        for name in self.catalogue.blocks:
            self._run(f"CREATE INDEX ON items USING hnsw ({name} vector_l2_ops)")
        self._run("SET hnsw.iterative_scan = strict_order")

    def search(self, question: Question) -> Numbers | None:
        """Answers for one feature: an index serves one operator on one column."""
        return super().search(question) if len(question.weights) == 1 else None


class QdrantLocal(System):
    """Qdrant's local mode: a named vector a feature; several by weighted reciprocal rank fusion.

    Fusion of each feature's own best is its documented way to weigh vectors.
    """

    name = "Qdrant, local mode"

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(catalogue)
        from qdrant_client import QdrantClient, models

        self._models: Any = models
        self._client = QdrantClient(":memory:")
        self._client.create_collection(
            "items",
            vectors_config={
                name: models.VectorParams(
                    size=block.stop - block.start, distance=models.Distance.EUCLID
                )
                for name, block in catalogue.blocks.items()
            },
        )
        self._client.upload_collection(
            "items",
            vectors={name: catalogue.means[:, b] for name, b in catalogue.blocks.items()},
            payload=({"bucket": int(bucket)} for bucket in catalogue.buckets),
            ids=range(len(catalogue.means)),
        )

    def search(self, question: Question) -> Numbers:
        """Asks one vector, or fuses each feature's best hundred by their weighted ranks."""
        models = self._models
        narrowed = None
        if question.is_filtered:
            limit = models.Range(lt=question.bucket_limit)
            narrowed = models.Filter(must=[models.FieldCondition(key="bucket", range=limit)])
        asked = {
            name: question.query[self.catalogue.blocks[name]].tolist() for name in question.weights
        }
        if len(asked) == 1:
            ((name, vector),) = asked.items()
            found = self._client.query_points(
                "items",
                query=vector,
                using=name,
                query_filter=narrowed,
                limit=question.limit,
                with_payload=False,
            )
        else:
            prefetch = [
                models.Prefetch(query=vector, using=name, filter=narrowed, limit=100)
                for name, vector in asked.items()
            ]
            weights = list(question.weights.values())
            found = self._client.query_points(
                "items",
                prefetch=prefetch,
                query=models.RrfQuery(rrf=models.Rrf(weights=weights)),
                limit=question.limit,
                with_payload=False,
            )
        return np.array([point.id for point in found.points], np.int64)

    def close(self) -> None:
        """Frees its memory."""
        self._client.close()


SYSTEMS: list[type[System]] = [
    Stylefacet,
    System,
    FaissFlat,
    Hnswlib,
    Usearch,
    PgvectorExact,
    PgvectorHnsw,
    QdrantLocal,
]
