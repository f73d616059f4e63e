"""Statements over lists of values that are compiled once; knows no table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Row, bindparam
from sqlalchemy.sql.expression import SelectBase

# Stands in a statement for the list, in `IN`.
WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)


class ListQuery:
    """What a statement finds for a list of values, asked of the driver in its own words.

    SQLAlchemy would write the list into the statement anew each time, and convert each column of
    each row: for a page of hits that takes as long as the answer. So values go to the driver and
    come from it as they are: times have to be read with `tables.read_time`. Thread-safe.
    """

    def __init__(self, statement: SelectBase) -> None:
        """Takes a statement with `WANTED` in it, once or more often."""
        self._statement = statement
        # By kind of database and length of the list: the statement's text and, for drivers that
        # take values by their places, what stands where.
        self._texts: dict[tuple[str, int], tuple[str, list[str] | None]] = {}

    def rows(self, connection: Connection, wanted: list[Any]) -> Sequence[Row[*tuple[Any, ...]]]:
        """Returns all rows; the list is one of `in_lists`, for its length to be one of few."""
        kind = connection.dialect.name, len(wanted)
        if kind not in self._texts:
            self._texts[kind] = self._compile(connection.dialect, wanted)
        text, places = self._texts[kind]
        # So SQLAlchemy names the values of a list.
        values = {f"wanted_{number}": value for number, value in enumerate(wanted, 1)}
        given = values if places is None else tuple(map(values.__getitem__, places))
        return connection.exec_driver_sql(text, given).all()

    def _compile(self, dialect: Dialect, wanted: list[Any]) -> tuple[str, list[str] | None]:
        compiled: Any = self._statement.params(wanted=wanted).compile(
            dialect=dialect, compile_kwargs={"render_postcompile": True}
        )
        return str(compiled), compiled.positiontup
