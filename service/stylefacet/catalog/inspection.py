"""Looks a catalogue over without changing it, whatever its schema version; judges nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from stylefacet.catalog import tables as t
from stylefacet.catalog.copying import check_soundness, sqlite_file
from stylefacet.catalog.write_ahead_log import check_log
from stylefacet.errors import SettingInvalid, StoreCorrupt

CURRENT_SCHEMA_VERSION = t.SCHEMA_VERSION
_VECTORS = text(
    "SELECT e.image_key, e.mean, e.novelty, p.id AS product_id, i.id AS image_id, k.content "
    "FROM embeddings e JOIN images i ON i.image_key = e.image_key "
    "JOIN products p ON p.product_key = i.product_key "
    "JOIN kept_inputs k ON k.sha256 = i.input_sha256 "
    "WHERE e.encoder_key = (SELECT encoder_key FROM encoders WHERE id = :id) "
    "AND e.image_key > :after ORDER BY e.image_key LIMIT :count"
)


@dataclass(frozen=True, slots=True)
class CatalogueState:
    """What stands in a catalogue, and what is missing."""

    schema_version: int
    sequence: int
    encoder_id: str | None
    # Encoders whose bundles it holds; none in a catalogue of before schema version 4.
    installed_encoder_ids: tuple[str, ...]
    product_count: int
    image_count: int
    # Images that the encoder of their category has not seen: no search finds them.
    unembedded_image_count: int
    # Images without their letterboxed input: no later encoder can be switched to without photos.
    inputless_image_count: int
    # Features that no encoder in use has a map for.
    unrealised_features: tuple[str, ...]
    # Distinct byte lengths of the encoder's vectors; one, where all is well.
    vector_sizes_bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StoredInput:
    """A kept input and the digest of its pixels that it is known by."""

    sha256: str
    content: bytes


@dataclass(frozen=True, slots=True)
class StoredVector:
    """A vector as it is stored, and the kept input that it was made from."""

    product_id: str
    image_id: str
    mean: bytes
    novelty: float
    kept_input: bytes


class CatalogueInspector:
    """Reads one catalogue, while servers may write to it."""

    def __init__(self, url: str) -> None:
        """Takes a database URL; nothing is opened yet.

        Raises:
            SettingInvalid: for a URL that is none.
            StoreCorrupt: when an SQLite file is missing, or its log has lost commits.
        """
        try:
            parsed = make_url(url)
            self._sqlite = sqlite_file(url) if parsed.get_backend_name() == "sqlite" else None
            if self._sqlite is not None:
                check_log(self._sqlite, str(self._sqlite))
                uri = self._sqlite.resolve().as_uri() + "?mode=ro"
                self._engine = create_engine(
                    "sqlite://",
                    creator=lambda: sqlite3.connect(uri, uri=True, timeout=10),
                    poolclass=NullPool,
                )
            else:
                if parsed.drivername in ("postgres", "postgresql"):
                    parsed = parsed.set(drivername="postgresql+psycopg")
                self._engine = create_engine(parsed, poolclass=NullPool)
        except ModuleNotFoundError as error:
            raise SettingInvalid(
                "database_url", f"{error}; pip install 'stylefacet[postgresql]'"
            ) from error
        except (ArgumentError, NoSuchModuleError) as error:
            raise SettingInvalid("database_url", str(error)) from error
        self._location = parsed.render_as_string(hide_password=True)

    def read_schema_version(self) -> int:
        """Returns the version alone, which every release can.

        Raises:
            StoreCorrupt: when it cannot be reached or is no catalogue.
        """
        with self._reading() as connection:
            return _schema_version(connection, self._location)

    def read_state(self) -> CatalogueState:
        """Returns what stands in it, from one snapshot.

        Raises:
            StoreCorrupt: when it cannot be read.
        """
        with self._reading() as connection:
            return _read_state(connection, _schema_version(connection, self._location))

    def check_pages(self) -> None:
        """Reads all of an SQLite file; another database looks after its pages itself.

        Raises:
            StoreCorrupt: when a page or a reference is damaged.
        """
        if self._sqlite is None:
            return
        try:
            connection = sqlite3.connect(
                self._sqlite.resolve().as_uri() + "?mode=ro", uri=True, timeout=10
            )
            try:
                check_soundness(connection, self._location)
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise StoreCorrupt(self._location, str(error)) from error

    def sample_inputs(self, count: int) -> list[StoredInput]:
        """Returns some kept inputs, spread over all by their digests."""
        with self._reading() as connection:
            rows = connection.execute(
                text("SELECT sha256, content FROM kept_inputs ORDER BY sha256 LIMIT :count"),
                {"count": count},
            )
            return [StoredInput(row.sha256, bytes(row.content)) for row in rows]

    def page_vectors(self, encoder_id: str, count: int) -> Iterator[list[StoredVector]]:
        """Yields an encoder's vectors whose input is kept, so many at a time.

        Each page is of its own moment: a reader of hours would keep SQLite's log from being cut.

        Raises:
            StoreCorrupt: when it cannot be read.
        """
        after = 0
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    _VECTORS, {"id": encoder_id, "after": after, "count": count}
                ).all()
            if not rows:
                return
            after = rows[-1].image_key
            yield [
                StoredVector(
                    row.product_id, row.image_id, bytes(row.mean), row.novelty, bytes(row.content)
                )
                for row in rows
            ]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except DatabaseError as error:
            cause = str(error.orig or error).strip().splitlines()[0]
            raise StoreCorrupt(self._location, cause) from error


@dataclass(frozen=True, slots=True)
class _Encoders:
    """How a schema says which encoder serves: all of them, and that of an image."""

    keys: str
    join: str
    of_image: str


# Before, one encoder served everything; since, categories may have others.
_ENCODERS_SINCE = 4
_ENCODERS_V1 = _Encoders(":key", "", ":key")
_ENCODERS_V4 = _Encoders(
    "SELECT :key UNION SELECT encoder_key FROM encoder_assignments",
    "JOIN products p ON p.product_key = images.product_key "
    "LEFT JOIN encoder_assignments a ON a.category = p.category",
    "coalesce(a.encoder_key, :key)",
)


def _schema_version(connection: Connection, location: str) -> int:
    found = connection.scalar(text("SELECT value FROM properties WHERE name = 'schema_version'"))
    if not str(found).isdigit():
        raise StoreCorrupt(location, "it says no schema version")
    return int(str(found))


def _read_state(connection: Connection, schema_version: int) -> CatalogueState:
    def count(query: str, **values: object) -> int:
        return int(connection.scalar(text(query), values) or 0)

    encoder_id = connection.scalar(
        text("SELECT value FROM properties WHERE name = 'active_encoder'")
    )
    encoder_key = connection.scalar(
        text("SELECT encoder_key FROM encoders WHERE id = :id"), {"id": encoder_id}
    )
    assigned = _ENCODERS_V1
    installed: tuple[str, ...] = ()
    if schema_version >= _ENCODERS_SINCE:
        assigned = _ENCODERS_V4
        found = connection.execute(
            text("SELECT id FROM encoders WHERE install_time IS NOT NULL ORDER BY id")
        )
        installed = tuple(found.scalars())
    features = connection.execute(
        text(
            "SELECT name FROM features WHERE name NOT IN (SELECT feature FROM "
            f"feature_realisations WHERE encoder_key IN ({assigned.keys})) ORDER BY name"
        ),
        {"key": encoder_key},
    )
    sizes = connection.execute(
        text("SELECT DISTINCT length(mean) FROM embeddings WHERE encoder_key = :key ORDER BY 1"),
        {"key": encoder_key},
    )
    return CatalogueState(
        schema_version,
        count("SELECT sequence FROM change_counter"),
        encoder_id,
        installed,
        count("SELECT count(*) FROM products"),
        count("SELECT count(*) FROM images"),
        count(
            f"SELECT count(*) FROM images {assigned.join} WHERE NOT EXISTS (SELECT 1 FROM "
            "embeddings e WHERE e.image_key = images.image_key AND "
            f"e.encoder_key = {assigned.of_image})",
            key=encoder_key,
        ),
        count("SELECT count(*) FROM images WHERE input_sha256 IS NULL"),
        tuple(features.scalars()),
        tuple(sizes.scalars()),
    )
