"""Statements that are compiled once, for what every search reads; knows no table."""

import sqlite3
from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import SelectBase

# What answers: SQLAlchemy's connection, or SQLite's own.
Reader: TypeAlias = Connection | sqlite3.Connection
_SQLITE = sqlite.dialect()


class Prepared:
    """A statement as the text that a driver takes. Thread-safe.

    SQLAlchemy would write the list of an ``IN`` anew each time and convert each column of each
    row: for a page of hits that takes as long as the answer. So values go to the driver and come
    from it as they are: times have to be read with `tables.read_time`.
    """

    def __init__(self, statement: SelectBase) -> None:
        """Takes a statement with ``bindparam``s for its values, expanding ones for lists."""
        self._statement = statement
        # By kind of database and lengths of the lists: the statement's text and, for drivers that
        # take values by their places, what stands where.
        self._texts: dict[tuple[str, ...], tuple[str, list[str] | None]] = {}

    def rows(self, reader: Reader, **values: Any) -> Sequence[Any]:
        """Returns all rows; each list is one of `in_lists`, for its length to be one of few."""
        dialect = _SQLITE if isinstance(reader, sqlite3.Connection) else reader.dialect
        named: dict[str, Any] = {}
        kind: tuple[str, ...] = (dialect.name,)
        for name, value in values.items():
            if isinstance(value, list):
                # So SQLAlchemy names the values of a list.
                named |= {f"{name}_{number}": each for number, each in enumerate(value, 1)}
                kind = (*kind, f"{len(value)} {name}")
            else:
                named[name] = value
        if kind not in self._texts:
            self._texts[kind] = self._compile(dialect, values)
        text, places = self._texts[kind]
        given = named if places is None else tuple(map(named.__getitem__, places))
        if isinstance(reader, sqlite3.Connection):
            return reader.execute(text, given).fetchall()
        return reader.exec_driver_sql(text, given).all()

    def _compile(self, dialect: Dialect, values: dict[str, Any]) -> tuple[str, list[str] | None]:
        compiled: Any = self._statement.params(values).compile(
            dialect=dialect, compile_kwargs={"render_postcompile": True}
        )
        return str(compiled), compiled.positiontup
