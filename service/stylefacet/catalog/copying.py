"""Copies an SQLite catalogue while servers write to it; knows no bundle and no backup's layout."""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from stylefacet.catalog import tables as t
from stylefacet.catalog.write_ahead_log import check_log
from stylefacet.errors import SettingInvalid, StoreCorrupt

# 256 KiB at SQLite's page size: whoever watches the progress hears of it often enough.
_PAGES_A_STEP = 64

# Is told how many of how many bytes are done.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CatalogueFacts:
    """What a copy holds: the change it was taken at, and what it belongs to."""

    schema_version: int
    sequence: int
    encoder_id: str | None
    product_count: int
    image_count: int


def sqlite_file(url: str) -> Path:
    """Returns the file of an SQLite catalogue.

    Raises:
        SettingInvalid: for another database, which has tools of its own for this.
        StoreCorrupt: when there is no such file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingInvalid("database_url", f"{error}") from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise SettingInvalid(
            "database_url",
            "only a catalogue in SQLite is copied by this command; back PostgreSQL up with "
            "`pg_dump --format=custom` (deploy/README.md, Back up)",
        )
    path = Path(parsed.database)
    if not path.is_file():
        raise StoreCorrupt(str(path), "there is no such file")
    return path


def copy_sqlite(source: Path, target: Path, progress: Progress) -> None:
    """Copies a database as it is at one moment; those who write to it meanwhile do not wait.

    Raises:
        StoreCorrupt: when the source cannot be read, or the copy is not sound.
    """
    check_log(source, str(source))
    try:
        reader = sqlite3.connect(source.resolve().as_uri() + "?mode=ro", uri=True, timeout=10)
        writer = sqlite3.connect(target)
        try:
            # A snapshot for the whole copy: otherwise each commit would start it anew.
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (page_bytes,) = reader.execute("PRAGMA page_size").fetchone()

            def told(status: int, remaining: int, total: int) -> None:
                progress((total - remaining) * page_bytes, total * page_bytes)

            reader.backup(writer, pages=_PAGES_A_STEP, progress=told, sleep=0)
            # One file, without a log beside it.
            writer.execute("PRAGMA journal_mode = DELETE")
            check_soundness(writer, str(target))
        finally:
            writer.close()
            reader.close()
    except sqlite3.DatabaseError as error:
        raise StoreCorrupt(str(source), str(error)) from error
    sync_file(target)


def read_facts(path: Path) -> CatalogueFacts:
    """Returns what a catalogue's file holds, of any schema version; changes nothing.

    Raises:
        StoreCorrupt: when it is no catalogue.
    """
    try:
        connection = sqlite3.connect(path.resolve().as_uri() + "?mode=ro", uri=True, timeout=10)
        try:
            found = dict(connection.execute("SELECT name, value FROM properties"))
            (sequence,) = connection.execute("SELECT sequence FROM change_counter").fetchone()
            (products,) = connection.execute("SELECT count(*) FROM products").fetchone()
            (images,) = connection.execute("SELECT count(*) FROM images").fetchone()
        finally:
            connection.close()
        return CatalogueFacts(
            int(found["schema_version"]), sequence, found.get("active_encoder"), products, images
        )
    except (sqlite3.DatabaseError, KeyError, ValueError, TypeError) as error:
        raise StoreCorrupt(str(path), f"it is no catalogue ({error})") from error


def is_readable_version(schema_version: int) -> bool:
    """Whether this release opens a catalogue of that schema version, perhaps migrating it."""
    return 1 <= schema_version <= t.SCHEMA_VERSION


def check_soundness(connection: sqlite3.Connection, location: str) -> None:
    """Reads a whole database.

    Raises:
        StoreCorrupt: when a page or a reference is damaged.
    """
    (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if told != "ok":
        raise StoreCorrupt(location, str(told))
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise StoreCorrupt(location, f"a row of {broken[0]} refers to none of {broken[2]}")


def sync_file(path: Path) -> None:
    """Returns when a file or a folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
