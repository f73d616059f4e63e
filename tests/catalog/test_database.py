"""Opening a store: what is refused, what survives, who may write."""

import sqlite3

import pytest
from sqlalchemy import select, update

from stylefacet.catalog import database as database_module
from stylefacet.catalog import tables as t
from stylefacet.catalog.database import Database
from stylefacet.catalog.entities import ProductUpdate
from stylefacet.catalog.store import Store
from stylefacet.errors import Overloaded, SettingInvalid, StoreCorrupt, StoreUnwritable
from tests.catalog.rows import E1, make_fields, make_row


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'catalog.db'}"


def test_a_reopened_store_has_everything(url, now):
    with Store(url, now) as store:
        store.write_rows([make_row()], E1)
        before = store.get_product("p1")
    with Store(url, now) as store:
        assert store.get_product("p1") == before
        assert store.sequence() == 1


def test_the_first_encoder_is_bound_and_stays(url, now):
    with Store(url, now) as store:
        assert store.active_encoder() is None
        assert store.bind_encoder("e1") == "e1"
    with Store(url, now) as store:
        assert store.bind_encoder("e2") == "e1"
        assert store.active_encoder() == "e1"


def test_a_file_that_is_no_database_is_refused(tmp_path, now):
    (tmp_path / "catalog.db").write_text("These are my holiday notes. " * 100)
    with pytest.raises(StoreCorrupt, match="not a database"):
        Store(f"sqlite:///{tmp_path / 'catalog.db'}", now)


def test_a_folder_that_is_not_there_is_refused(tmp_path, now):
    with pytest.raises(StoreUnwritable, match="unable to open"):
        Store(f"sqlite:///{tmp_path / 'none' / 'catalog.db'}", now)


def test_a_newer_schema_is_refused(url, now):
    Store(url, now).close()
    database = Database(url)
    with database.writing() as connection:
        connection.execute(
            update(t.properties).where(t.properties.c.name == "schema_version").values(value="99")
        )
    database.close()
    with pytest.raises(StoreCorrupt, match="schema version is 99"):
        Store(url, now)


def test_tables_of_another_program_are_left_alone(tmp_path, now):
    connection = sqlite3.connect(tmp_path / "catalog.db")
    connection.execute("CREATE TABLE holidays (place TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreCorrupt, match="another program"):
        Store(f"sqlite:///{tmp_path / 'catalog.db'}", now)


@pytest.mark.parametrize("bad", ["no url", "oracle+nothing://x/y"])
def test_a_url_that_names_no_database_is_refused(bad, now):
    with pytest.raises(SettingInvalid, match="database_url"):
        Store(bad, now)


def test_a_failed_write_leaves_nothing(url):
    database = Database(url)

    def fail_after_a_write() -> None:
        with database.writing() as connection:
            connection.execute(update(t.change_counter).values(sequence=7))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_a_write()
    with database.reading() as connection:
        assert connection.scalar(select(t.change_counter.c.sequence)) == 0
    database.close()


def test_a_database_kept_busy_is_overloaded(url, now, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_MS", 10)
    with Store(url, now) as store, Store(url, now) as other:
        with store._database.writing(), pytest.raises(Overloaded):
            other.update_product(ProductUpdate(make_fields(), allow_missing=True))
        assert other.list_products() == ([], "")


def test_a_pool_kept_busy_is_overloaded(now, monkeypatch):
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_MS", 10)
    with Store("sqlite://", now) as store, store._database.reading():
        with pytest.raises(Overloaded):
            store.sequence()
        with pytest.raises(Overloaded):
            store.get_product("p1")
        with pytest.raises(Overloaded):
            store.delete_product("p1")


def test_a_reader_sees_one_snapshot_while_others_write(shared_url, now):
    with Store(shared_url, now) as store:
        store.write_rows([make_row(f"p{n}", str(n)) for n in range(20)], E1)
        batches = store.all_image_rows("e1", batch_size=5)
        first = next(batches)
        store.write_rows([make_row("late", "late")], E1)
        rest = sum(len(batch.means) for batch in batches)
        assert len(first.means) + rest == 20


def test_writes_are_synced_before_they_are_acknowledged(url, now):
    with Store(url, now) as store, store._database.reading() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]
