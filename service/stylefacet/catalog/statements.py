"""Small statements that several parts of the store share; knows nothing of transactions."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from stylefacet.catalog import tables as t

T = TypeVar("T")

# Far under the limit on parameters of a statement in any SQLite since 3.32 (32,766).
_CHUNK = 1000


def in_lists(values: Sequence[T]) -> Iterator[list[T]]:
    """Yields the values in lists for SQL's ``IN``, short enough for one statement's parameters.

    The last value of a list is repeated up to a power of two: every length would be a statement of
    its own, which each connection compiles and keeps.
    """
    for start in range(0, len(values), _CHUNK):
        some = values[start : start + _CHUNK]
        length = min(1 << (len(some) - 1).bit_length(), _CHUNK)
        yield [*some, *[some[-1]] * (length - len(some))]


def find_encoder_key(connection: Connection, encoder_id: str) -> int | None:
    """Returns the integer key of an encoder; None if the store never saw it."""
    return connection.scalar(select(t.encoders.c.encoder_key).where(t.encoders.c.id == encoder_id))


def make_encoder_key(connection: Connection, encoder_id: str) -> int:
    """Returns the integer key of an encoder, noting the encoder if it is new."""
    found = find_encoder_key(connection, encoder_id)
    if found is not None:
        return found
    return int(
        connection.execute(
            insert(t.encoders).values(id=encoder_id).returning(t.encoders.c.encoder_key)
        ).scalar_one()
    )
