"""Databases of earlier releases: they open, with everything in them, as a new one would be."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from stylefacet.catalog import tables as t
from stylefacet.catalog.entities import ProductUpdate
from stylefacet.catalog.store import Store
from tests.catalog.rows import make_fields

# Written by the release of schema version 1, with `.dump`.
FIRST_RELEASE = Path(__file__).with_name("earlier_releases") / "v1.sql"


@pytest.fixture
def old_file(tmp_path: Path) -> str:
    """The URL of an SQLite database of schema version 1 that holds products."""
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript(FIRST_RELEASE.read_text())
    connection.close()
    return f"sqlite:///{tmp_path / 'old.db'}"


def shape(url: str) -> dict[str, Any]:
    """Returns everything the database says of its tables."""
    engine = create_engine(url)
    inspector = inspect(engine)
    found = {
        table: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)
            ],
            "key": inspector.get_pk_constraint(table)["constrained_columns"],
            "unique": sorted(u["column_names"] for u in inspector.get_unique_constraints(table)),
            "indexes": sorted((i["name"], i["column_names"]) for i in inspector.get_indexes(table)),
        }
        for table in inspector.get_table_names()
    }
    engine.dispose()
    return found


def step_back(url: str) -> None:
    """Makes a new database one of schema version 1."""
    engine: Engine = create_engine(url)
    t.operations.drop(engine)
    t.handled_requests.drop(engine)
    t.encoder_files.drop(engine)
    t.encoder_assignments.drop(engine)
    t.encoder_switches.drop(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE feature_realisations DROP COLUMN examples_digest"))
        connection.execute(text("ALTER TABLE encoders DROP COLUMN install_time"))
        connection.execute(text("ALTER TABLE change_counter DROP COLUMN encoder_sequence"))
        connection.execute(text("ALTER TABLE features DROP COLUMN description"))
        connection.execute(text("UPDATE properties SET value = '1' WHERE name = 'schema_version'"))
    engine.dispose()


def test_a_database_of_the_first_release_takes_new_products_beside_its_own(old_file, now):
    with Store(old_file, now) as store:
        before = [p.id for p in store.list_products()[0]]
        store.update_product(ProductUpdate(make_fields("zz"), allow_missing=True))
    with Store(old_file, now) as store:
        assert before
        assert [p.id for p in store.list_products()[0]] == [*before, "zz"]


def test_a_migrated_database_is_made_like_a_new_one(old_file, tmp_path, now):
    Store(old_file, now).close()
    Store(f"sqlite:///{tmp_path / 'new.db'}", now).close()

    assert shape(old_file) == shape(f"sqlite:///{tmp_path / 'new.db'}")


def test_every_database_migrates_to_the_tables_a_new_one_has(shared_url, now):
    Store(shared_url, now).close()
    new = shape(shared_url)
    step_back(shared_url)
    Store(shared_url, now).close()

    assert shape(shared_url) == new
