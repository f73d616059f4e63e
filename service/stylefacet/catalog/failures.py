"""Says what a database's own error means to those who wait for it; runs no statement."""

import errno
import logging
import shutil
import sqlite3
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from stylefacet.errors import (
    Overloaded,
    StoreCorrupt,
    StoreFull,
    StoreUnreachable,
    StoreUnwritable,
    StylefacetError,
)

_log = logging.getLogger(__name__)
# The low byte of SQLite's error code says of which kind it is.
_SQLITE_KIND = 0xFF
_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_SQLITE_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SQLITE_MAYBE_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_SQLITE_UNWRITABLE = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_IOERR,
)
# PostgreSQL's codes, by their first characters.
_PG_FULL = ("53100",)
_PG_BUSY = ("55P03", "40001", "40P01", "53300")
_PG_READ_ONLY = ("25006",)
# A damaged page or index, and a file that cannot be read.
_PG_CORRUPT = ("XX001", "XX002")
_PG_IO = ("58030",)
# What SQLite's log and its index take before the first commit.
_LEAST_ROOM_BYTES = 128 << 10
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def explain(error: DBAPIError, location: str) -> StylefacetError | None:
    """Returns what callers shall hear of a database's error; None for a fault of our own.

    What an operator has to see to goes to the log as well.
    """
    sqlite_code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(sqlite_code, int):
        found = _explain_sqlite(sqlite_code & _SQLITE_KIND, error, location)
    elif isinstance(error.orig, sqlite3.Error):
        found = None
    else:
        found = _explain_postgresql(error, location)
    if isinstance(found, StoreCorrupt | StoreFull | StoreUnwritable):
        _log.error("store failed", extra={"reason": found.reason, "cause": cause_of(error)})
    return found


def explain_file(error: OSError, location: str) -> StylefacetError:
    """Returns what callers shall hear of a file that cannot be written."""
    if error.errno in _FULL_DISK:
        return StoreFull(location)
    return StoreUnwritable(location, error.strerror or str(error))


def cause_of(error: DBAPIError) -> str:
    """Returns the first line of what the database itself says."""
    return str(error.orig or error).strip().splitlines()[0]


def _explain_sqlite(kind: int, error: DBAPIError, location: str) -> StylefacetError | None:
    if kind in _SQLITE_BUSY:
        return Overloaded()
    # Where no room is left for its log or its index, SQLite speaks of the disk or of the file.
    if kind == sqlite3.SQLITE_FULL or (kind in _SQLITE_MAYBE_FULL and not _has_room(location)):
        return StoreFull(location)
    if kind in _SQLITE_CORRUPT:
        return StoreCorrupt(location, cause_of(error))
    if kind in _SQLITE_UNWRITABLE:
        return StoreUnwritable(location, cause_of(error))
    return None


def _has_room(location: str) -> bool:
    file = make_url(location).database
    try:
        return file is None or shutil.disk_usage(Path(file).parent).free > _LEAST_ROOM_BYTES
    except OSError:
        return True


def _explain_postgresql(error: DBAPIError, location: str) -> StylefacetError | None:
    code = getattr(error.orig, "sqlstate", None) or ""
    if code in _PG_BUSY:
        return Overloaded()
    if code in _PG_FULL:
        return StoreFull(location)
    if code in _PG_READ_ONLY or code in _PG_IO:
        return StoreUnwritable(location, cause_of(error))
    if code in _PG_CORRUPT:
        return StoreCorrupt(location, cause_of(error))
    is_connection = isinstance(error, OperationalError | InterfaceError)
    if is_connection or error.connection_invalidated:
        return StoreUnreachable(location)
    return None
