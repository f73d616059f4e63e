"""Retrieval of items with the same value by distance; knows neither photos nor features.

The rules, the same for every function: each item that has a value queries all other such items;
values with fewer than :data:`MIN_ITEMS` items are no queries, but stay among what is searched;
the query itself is left out; ties keep the stored order; figures are means over queries.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Values of fewer items are skipped as queries.
MIN_ITEMS = 10
# How far down a ranking P@10 looks.
DEPTH = 10
# Bytes that the ranking keys of a chunk of queries may take.
_CHUNK_BYTES = 32 * 2**20
# Share of the largest squared distance below which one counts as nothing: the inner products it
# comes from leave so much behind where the difference is zero.
_ROUNDING = 1e-12
_LOW_HALF = np.uint64(0xFFFFFFFF)
_LAST = np.uint64(0xFFFFFFFFFFFFFFFF)

Codes = npt.NDArray[np.floating]
Values = npt.NDArray[np.str_]
_Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Means over queries, in 0..1; ``item_count`` is what was searched, each query included."""

    precision_at_10: float
    mean_average_precision: float
    query_count: int
    item_count: int


def retrieval(codes: Codes, values: Values) -> Retrieval:
    """Returns how well Euclidean distance over codes ``(n, d)`` finds items of the same value.

    ``values`` is ``(n,)``; items with an empty value take no part. Without any query both figures
    are NaN.
    """
    items = np.flatnonzero(values != "")
    labels = _labels(values[items])
    queries = _queries(labels)
    if not len(queries):
        return Retrieval(float("nan"), float("nan"), 0, len(items))
    precision, average_precision = 0.0, 0.0
    for part, keys in _ranking_keys(codes[items], queries):
        keys.sort(axis=1)
        # The last place is the query's own.
        order = (keys[:, :-1] & _LOW_HALF).astype(np.int64)
        relevant = labels[order] == labels[part, None]
        precision += float(relevant[:, :DEPTH].mean(axis=1).sum())
        found = np.cumsum(relevant, axis=1)
        ranks = np.arange(1, relevant.shape[1] + 1)
        average_precision += float(((found / ranks * relevant).sum(axis=1) / found[:, -1]).sum())
    return Retrieval(
        precision / len(queries), average_precision / len(queries), len(queries), len(items)
    )


def precision_at_10(codes: Codes, values: Values) -> float:
    """Returns :func:`retrieval`'s P@10 alone, several times faster; NaN without any query."""
    items = np.flatnonzero(values != "")
    labels = _labels(values[items])
    queries = _queries(labels)
    if not len(queries):
        return float("nan")
    depth = min(DEPTH, len(items) - 1)
    precision = 0.0
    for part, keys in _ranking_keys(codes[items], queries):
        nearest = np.partition(keys, depth - 1, axis=1)[:, :depth]
        order = (nearest & _LOW_HALF).astype(np.int64)
        precision += float((labels[order] == labels[part, None]).mean(axis=1).sum())
    return precision / len(queries)


def chance(values: Values) -> Retrieval:
    """Returns what a ranking in random order gives on average, exactly."""
    labels = _labels(values[values != ""])
    queries = _queries(labels)
    n = len(labels)
    if not len(queries):
        return Retrieval(float("nan"), float("nan"), 0, n)
    relevant = np.bincount(labels)[labels[queries]] - 1.0
    others = n - 1
    # Mean over places k of the chance that place k is relevant, given a relevant one, and all k
    # places before: ((k - 1) * (relevant - 1) / (others - 1) + 1) / k.
    harmonic = float((1.0 / np.arange(1, others + 1)).sum())
    rest = (relevant - 1) / max(others - 1, 1)
    average_precision = (harmonic + rest * (others - harmonic)) / others
    return Retrieval(
        float((relevant / others).mean()), float(average_precision.mean()), len(queries), n
    )


def oracle_precision_at_10(values: Values, by: Values) -> float:
    """Returns the P@10 of ``values`` that a perfect search by the label ``by`` gives.

    It ranks all items of the query's own ``by`` before all others and within both in random order
    (stored order would favour colourways, which are stored side by side); the figure is the
    expectation over that order, exactly. Items without ``by`` share the empty value. With
    ``by = values`` it is the best that any search can reach.
    """
    items = np.flatnonzero(values != "")
    labels = _labels(values[items])
    queries = _queries(labels)
    if not len(queries):
        return float("nan")
    groups = _labels(by[items])
    table = np.zeros((groups.max() + 1, labels.max() + 1))
    np.add.at(table, (groups, labels), 1)
    depth = min(DEPTH, len(items) - 1)
    group, label = groups[queries], labels[queries]
    near = table.sum(axis=1)[group] - 1
    near_relevant = table[group, label] - 1
    far = len(items) - 1 - near
    far_relevant = table.sum(axis=0)[label] - table[group, label]
    seen_near = np.minimum(near, depth)
    hits = seen_near * near_relevant / np.maximum(near, 1)
    hits += (depth - seen_near) * far_relevant / np.maximum(far, 1)
    return float((hits / depth).mean())


def _labels(values: Values) -> _Labels:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _queries(labels: _Labels) -> _Labels:
    return np.flatnonzero(np.bincount(labels)[labels] >= MIN_ITEMS)


def _ranking_keys(
    codes: Codes, queries: _Labels
) -> Iterator[tuple[_Labels, npt.NDArray[np.uint64]]]:
    """Yields chunks of queries ``(q,)`` with a key for every item, ``(q, n)``, the query's last.

    Ascending keys are the ranking: the upper half holds the bits of the squared distance as
    float32, which ascend with it, the lower half the item's position. So ties keep the stored
    order under any sort. Rounding to float32 also makes ties of what should be ties, but came out
    of the inner products in float64 a few units apart.
    """
    n = len(codes)
    wide = codes.astype(np.float64)
    wide -= wide.mean(axis=0)
    squares = np.einsum("nd,nd->n", wide, wide)
    zero = _ROUNDING * 4 * float(squares.max())
    positions = np.arange(n, dtype=np.uint64)
    step = max(1, _CHUNK_BYTES // (8 * n))
    for start in range(0, len(queries), step):
        part = queries[start : start + step]
        distances = squares[part, None] - 2.0 * (wide[part] @ wide.T) + squares
        distances[distances <= zero] = 0.0
        bits = distances.astype(np.float32).view(np.uint32).astype(np.uint64)
        keys = (bits << np.uint64(32)) | positions
        keys[np.arange(len(part)), part] = _LAST
        yield part, keys
