"""Opens a database and runs transactions on it; knows the schema's version, not its meaning."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    update,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from stylefacet.catalog import tables as t
from stylefacet.catalog.failures import cause_of, explain
from stylefacet.catalog.migrations import OLDEST_VERSION, migrate
from stylefacet.catalog.prepared import Reader
from stylefacet.catalog.write_ahead_log import check_log
from stylefacet.errors import Overloaded, SettingInvalid, StoreCorrupt, StoreUnreachable
from stylefacet.stages import Stage, stage

# Callers wait this long for another writer, or for a connection, before they hear `Overloaded`.
BUSY_TIMEOUT_MS = 10_000
# Connections kept open, each with caches of its own. More are made for a busy moment, and closed.
_POOL_SIZE = 8
_MORE_COUNT = 18
# SQLite's own 2,000 would be over 30 MiB that fill over hours.
_CACHE_KIB = 500
# Guards the creation of the schema when two servers meet on an empty PostgreSQL database.
_SCHEMA_LOCK = 0x5_7F1E


class Database:
    """Transactions on SQLite or PostgreSQL, chosen by URL. Thread-safe.

    Writers are serialised: on SQLite by ``BEGIN IMMEDIATE``, on PostgreSQL by the locked counter
    row (`changes.lock_counter`). Readers see one snapshot for the whole of a transaction and never
    wait for writers, except in an in-memory database, where all share one connection.
    """

    def __init__(self, url: str) -> None:
        try:
            self._engine = _make_engine(url)
        except ModuleNotFoundError as error:
            raise SettingInvalid(
                "database_url",
                f"{error}, which this database needs; pip install 'stylefacet[postgresql]'",
            ) from error
        except (ArgumentError, NoSuchModuleError) as error:
            raise SettingInvalid(
                "database_url", f"{error}; use sqlite:///PATH or postgresql://USER@HOST/NAME"
            ) from error
        self._location = make_url(url).render_as_string(hide_password=True)
        self._is_prepared = False
        try:
            # Before anything is opened: that would drop what is damaged.
            if not self._is_postgresql:
                check_log(make_url(url).database, self._location)
            self._prepare()
            self._is_prepared = True
        except DBAPIError as error:
            self.close()
            found = explain(error, self._location)
            # A store that cannot be reached is more likely misnamed than away.
            if self._is_postgresql and isinstance(found, StoreUnreachable | Overloaded):
                told = f"{self._location}: {cause_of(error)}"
                raise SettingInvalid("database_url", told) from error
            raise found or StoreCorrupt(self._location, cause_of(error)) from error
        except StoreCorrupt:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yields a connection that sees one snapshot; nothing it writes is kept.

        Raises: Overloaded when others kept every connection for too long; StoreUnreachable,
        StoreCorrupt, StoreUnwritable.
        """
        with stage(Stage.STORE_READ), self._translated(), self._engine.connect() as connection:
            if self._is_postgresql:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def glancing(self) -> Iterator[Reader]:
        """Does what `reading` does, for the prepared statements that most calls begin with.

        SQLite's driver is asked without SQLAlchemy's connection between, which took a fifth of
        the CPU of a whole search with ten hits.
        """
        if self._is_postgresql:
            with self.reading() as connection:
                yield connection
            return
        with (
            stage(Stage.STORE_READ),
            self._translated(),
            # Given back to the pool it is rolled back.
            closing(self._engine.raw_connection()) as pooled,
        ):
            driver = pooled.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("BEGIN")
            yield driver

    @contextmanager
    def writing(self, keep: bool = True) -> Iterator[Connection]:
        """Yields a connection whose work is committed at the end, or undone by any exception.

        Without ``keep`` it is undone in any case: whatever would refuse the work has been asked.

        Raises: Overloaded when other writers kept the database busy for too long; StoreFull,
        StoreUnwritable, StoreCorrupt, and nothing was committed; StoreUnreachable when a database
        server went away: nothing was committed, or what was is not known.
        """
        with (
            stage(Stage.STORE_WRITE),
            self._translated(),
            self._engine.connect().execution_options(stylefacet_writes=True) as connection,
            connection.begin() as transaction,
        ):
            yield connection
            if not keep:
                transaction.rollback()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise Overloaded from error
        except (DBAPIError, sqlite3.Error) as error:
            told = error if isinstance(error, DBAPIError) else DBAPIError(None, None, error)
            found = explain(told, self._location) if self._is_prepared else None
            if found is None:
                raise
            raise found from error

    def close(self) -> None:
        """Closes every connection; a file is then free to be copied or moved."""
        self._engine.dispose()

    @property
    def _is_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    def _prepare(self) -> None:
        with self.writing() as connection:
            if self._is_postgresql:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")
            found = set(inspect(connection).get_table_names())
            if not found:
                _create_schema(connection)
                return
            if t.properties.name not in found or t.change_counter.name not in found:
                raise StoreCorrupt(self._location, "it holds the tables of another program")
            is_version = t.properties.c.name == "schema_version"
            version = connection.scalar(select(t.properties.c.value).where(is_version)) or ""
            known = range(OLDEST_VERSION, t.SCHEMA_VERSION + 1)
            if not version.isdigit() or int(version) not in known:
                raise StoreCorrupt(
                    self._location,
                    f"its schema version is {version}, this release knows {t.SCHEMA_VERSION} "
                    "(a newer release wrote it, perhaps)",
                )
            if int(version) < t.SCHEMA_VERSION:
                migrate(connection, int(version))
                connection.execute(
                    update(t.properties).where(is_version).values(value=str(t.SCHEMA_VERSION))
                )


def _create_schema(connection: Connection) -> None:
    t.metadata.create_all(connection)
    connection.execute(
        insert(t.properties).values(name="schema_version", value=str(t.SCHEMA_VERSION))
    )
    connection.execute(insert(t.change_counter).values(id=1, sequence=0, feature_sequence=0))


def _make_engine(url: str) -> Engine:
    parsed = make_url(url)
    timeout_s = BUSY_TIMEOUT_MS / 1000
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        engine = create_engine(
            parsed,
            pool_size=_POOL_SIZE,
            max_overflow=_MORE_COUNT,
            pool_timeout=timeout_s,
            pool_pre_ping=True,
            pool_use_lifo=True,
        )
        if engine.dialect.name == "postgresql":
            event.listen(engine, "connect", _set_up_postgresql)
        return engine
    # An in-memory database is its connection: one for all, borrowed in turn.
    in_memory = parsed.database in (None, "", ":memory:")
    engine = create_engine(
        parsed,
        poolclass=QueuePool,
        pool_size=1 if in_memory else _POOL_SIZE,
        max_overflow=0 if in_memory else _MORE_COUNT,
        pool_timeout=timeout_s,
        # Few at a time are in use: the same few keep their caches warm, the others theirs empty.
        pool_use_lifo=True,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_postgresql(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # Without it a writer would wait for ever for one that hangs.
    cursor.execute(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
    cursor.close()
    connection.commit()


def _set_up_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own idea of transactions starts them late; `_begin_sqlite` starts them.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    # WAL with NORMAL may lose the last commits at a power cut; a write is acknowledged for good.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # A cache a connection, and there are many: what it misses, the system's cache of files has.
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("stylefacet_writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # This touches no file and cannot fail: the longer way is for statements that may.
        connection.connection.cursor().execute("BEGIN")
