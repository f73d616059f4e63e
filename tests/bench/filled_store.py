"""Fills a store with products that have random vectors and no photos; knows no server.

Rows go straight into the tables, as an upload would leave them, so that a million take a minute.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from stylefacet.catalog.images import pack_vector
from stylefacet.catalog.products import style_key
from stylefacet.catalog.store import Store

_BATCH = 20_000
COLOURS = ("black", "white", "navy", "red")
_TIME = 1_767_225_600_000_000


def fill(path: Path, count: int, d: int, encoder_id: str, seed: int = 7) -> None:
    """Makes a SQLite catalogue of ``count`` products ``p0000000`` and so on, one image each.

    ``labels.colour`` takes four values, ``numbers.bucket`` a hundred, three products share a style.
    """
    with Store(f"sqlite:///{path}", lambda: datetime.now(UTC)) as store:
        store.bind_encoder(encoder_id)
    rng = np.random.default_rng(seed)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("INSERT OR IGNORE INTO encoders (id) VALUES (?)", (encoder_id,))
    (encoder_key,) = connection.execute(
        "SELECT encoder_key FROM encoders WHERE id = ?", (encoder_id,)
    ).fetchone()
    for start in range(0, count, _BATCH):
        keys = range(start + 1, min(start + _BATCH, count) + 1)
        means = rng.normal(size=(len(keys), d)).astype(np.float32)
        buckets = rng.integers(0, 100, len(keys)).tolist()
        _insert(connection, encoder_key, keys, means, buckets)
    connection.execute("UPDATE change_counter SET sequence = 1")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _insert(
    connection: sqlite3.Connection,
    encoder_key: int,
    keys: range,
    means: np.ndarray,
    buckets: list[int],
) -> None:
    names = [f"p{key - 1:07}" for key in keys]
    styles = [f"s{(key - 1) // 3}" for key in keys]
    rows: dict[str, list[tuple[Any, ...]]] = {
        "products": [
            (k, n, f"Top {k}", "top", s, style_key(s), "1", _TIME, _TIME)
            for k, n, s in zip(keys, names, styles, strict=True)
        ],
        "product_labels": [(k, "colour", COLOURS[k % len(COLOURS)]) for k in keys],
        "product_numbers": [(k, "bucket", float(b)) for k, b in zip(keys, buckets, strict=True)],
        "images": [(k, k, f"i{k}", f"{k:064x}", 300, 400, None, _TIME) for k in keys],
        "embeddings": [
            (encoder_key, k, pack_vector(mean), 0.5) for k, mean in zip(keys, means, strict=True)
        ],
        "changes": [(k, n, 1, False) for k, n in zip(keys, names, strict=True)],
    }
    columns = {
        "products": "product_key, id, display_name, category, style_id, style_key, etag, "
        "create_time, update_time",
        "product_labels": "product_key, name, value",
        "product_numbers": "product_key, name, value",
        "images": "image_key, product_key, id, content_sha256, width_px, height_px, "
        "input_sha256, create_time",
        "embeddings": "encoder_key, image_key, mean, novelty",
        "changes": "product_key, product_id, sequence, deleted",
    }
    connection.execute("BEGIN")
    for table, some in rows.items():
        marks = ", ".join("?" * len(some[0]))
        connection.executemany(f"INSERT INTO {table} ({columns[table]}) VALUES ({marks})", some)
    connection.execute("COMMIT")
