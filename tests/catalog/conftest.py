"""Stores on a file, in memory and (where one is named) on PostgreSQL, and a clock that ticks."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from stylefacet.catalog import tables as t
from stylefacet.catalog.store import Store

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
# The URL of a PostgreSQL database whose tables may be dropped; run with `-n 0`, it is one.
POSTGRESQL = os.environ.get("STYLEFACET_TEST_POSTGRESQL", "")
SHARED = ["file", "postgresql"] if POSTGRESQL else ["file"]


@pytest.fixture
def now() -> Callable[[], datetime]:
    """A clock that is a second later at each look."""
    seconds = count()
    return lambda: START + timedelta(seconds=next(seconds))


def _empty_database(kind: str, folder: Path) -> str:
    if kind == "postgresql":
        engine = create_engine(POSTGRESQL)
        t.metadata.drop_all(engine)
        engine.dispose()
        return POSTGRESQL
    return "sqlite://" if kind == "memory" else f"sqlite:///{folder / 'catalog.db'}"


@pytest.fixture(params=SHARED)
def shared_url(request, tmp_path) -> str:
    """The URL of an empty database that several connections may use at once."""
    return _empty_database(request.param, tmp_path)


@pytest.fixture(params=["memory", *SHARED])
def store(request, tmp_path, now):
    with Store(_empty_database(request.param, tmp_path), now) as opened:
        yield opened
