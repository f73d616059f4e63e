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
SCHEMA_V1 = Path(__file__).with_name("schema_v1.sql").read_text()


@pytest.fixture
def old_file(tmp_path: Path) -> str:
    """The URL of an SQLite database of schema version 1 that holds a product."""
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript(SCHEMA_V1)
    connection.execute(
        "INSERT INTO products VALUES (1, 'p1', 'Shirt', 'top', '', NULL, '1', 1000000, 1000000)"
    )
    connection.commit()
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


def test_a_database_of_the_first_release_opens_with_its_products(old_file, now):
    with Store(old_file, now) as store:
        assert store.get_product("p1").display_name == "Shirt"
        store.update_product(ProductUpdate(make_fields("p2"), allow_missing=True))
    with Store(old_file, now) as store:
        assert [p.id for p in store.list_products()[0]] == ["p1", "p2"]


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
