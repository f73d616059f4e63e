"""Stores on a file and in memory, and a clock that ticks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from stylefacet.catalog.store import Store

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def now() -> Callable[[], datetime]:
    """A clock that is a second later at each look."""
    seconds = count()
    return lambda: START + timedelta(seconds=next(seconds))


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path, now):
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'catalog.db'}"
    with Store(url, now) as opened:
        yield opened
