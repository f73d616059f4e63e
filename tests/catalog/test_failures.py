"""What a database's own error means to those who wait for it, by real errors of real databases."""

import sqlite3

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from stylefacet.catalog import tables as t
from stylefacet.catalog.store import Store
from stylefacet.errors import StoreCorrupt, StoreFull, StoreUnwritable
from tests.catalog.rows import E1, make_row

ROWS = [make_row(f"p{n}", str(n), display_name="x" * 200) for n in range(200)]


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'catalog.db'}"


def test_no_room_is_told_and_writes_go_on_with_room(url, now):
    with Store(url, now) as store:
        store.write_rows(ROWS[:1], E1)
        with store._database.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFull, match="make room"):
            store.write_rows(ROWS, E1)
        assert len(store.list_products(limit=300)[0]) == 1
        with store._database.reading() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
        store.write_rows(ROWS, E1)
        assert len(store.list_products(limit=300)[0]) == 200


def test_a_store_that_takes_no_writes_is_told(url, now):
    with Store(url, now) as store:
        with store._database.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only = 1")
        with pytest.raises(StoreUnwritable, match="readonly"):
            store.write_rows(ROWS, E1)
        assert store.list_products() == ([], "")


def test_a_damaged_page_is_told_at_the_calls_it_touches(tmp_path, url, now):
    with Store(url, now) as store:
        store.write_rows(ROWS, E1)
    connection = sqlite3.connect(tmp_path / "catalog.db")
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'products'"
    ).fetchone()
    connection.close()
    with (tmp_path / "catalog.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\0" * 4096)

    with Store(url, now) as store:
        with pytest.raises(StoreCorrupt, match="malformed"):
            store.list_products()
        assert store.sequence() > 0


def test_a_fault_of_our_own_is_no_fault_of_the_store(url, now):
    with (
        Store(url, now) as store,
        pytest.raises(IntegrityError),
        store._database.writing() as connection,
    ):
        connection.execute(update(t.change_counter).values(sequence=None))
