"""The change sequence: numbers in commit order, one latest change a product; knows no products."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Label, delete, func, insert, select, update

from stylefacet.catalog import tables as t
from stylefacet.catalog.entities import ProductChange, Sequences
from stylefacet.catalog.prepared import Prepared, Reader
from stylefacet.catalog.statements import in_lists

_COUNTER = t.change_counter.c
_SEQUENCES = Prepared(select(_COUNTER.sequence, _COUNTER.feature_sequence))
_ENCODER_SEQUENCE = Prepared(select(_COUNTER.encoder_sequence))


def lock_counter(connection: Connection) -> int:
    """Makes this transaction the only writer until it ends; returns the latest sequence number.

    Every write begins with it. A number taken without the lock could be committed after a later
    one, and a follower that had read up to the later one would never see it.
    """
    return int(connection.execute(select(_COUNTER.sequence).with_for_update()).scalar_one())


def read_sequences(reader: Reader) -> Sequences:
    """Returns the numbers of the latest commit, zero for an empty store, and of features."""
    ((latest, of_features),) = _SEQUENCES.rows(reader)
    return Sequences(latest, of_features)


def read_sequence(reader: Reader) -> int:
    """Returns the sequence number of the latest commit, zero for an empty store."""
    return read_sequences(reader).latest


def read_encoder_sequence(reader: Reader) -> int:
    """Returns the sequence number of the latest commit that changed which encoder serves what."""
    ((sequence,),) = _ENCODER_SEQUENCE.rows(reader)
    return int(sequence)


def read_changed_keys(connection: Connection, since: int, limit: int) -> list[int]:
    """Returns the keys of up to ``limit`` products that changed after a sequence number."""
    number = t.changes.c.sequence
    return list(
        connection.scalars(select(t.changes.c.product_key).where(number > since).limit(limit))
    )


def latest_sequence(product_key: ColumnElement[int]) -> Label[int]:
    """Returns the column ``latest_sequence``: the number of a product's latest change."""
    return (
        select(t.changes.c.sequence)
        .where(t.changes.c.product_key == product_key)
        .scalar_subquery()
        .label("latest_sequence")
    )


def next_sequence(connection: Connection, *, of_feature: bool = False) -> int:
    """Returns the number of this transaction, one above the latest. The counter is locked."""
    sequence = lock_counter(connection) + 1
    values = {"sequence": sequence} | ({"feature_sequence": sequence} if of_feature else {})
    connection.execute(update(t.change_counter).values(values))
    return sequence


def record_changes(
    connection: Connection, sequence: int, products: Iterable[tuple[int, str]], *, deleted: bool
) -> None:
    """Notes the latest change of products, given as pairs of key and id."""
    pairs = dict(products)
    for keys in in_lists(list(pairs)):
        connection.execute(delete(t.changes).where(t.changes.c.product_key.in_(keys)))
    rows = [
        {"product_key": key, "product_id": id, "sequence": sequence, "deleted": deleted}
        for key, id in pairs.items()
    ]
    if rows:
        connection.execute(insert(t.changes), rows)


def read_changes(connection: Connection, since: int, limit: int) -> list[ProductChange]:
    """Returns the changes after a sequence number, in order.

    About ``limit`` of them: changes of one commit are never divided, so that the last number
    returned is where to go on.
    """
    number = t.changes.c.sequence
    last = connection.scalar(
        select(
            func.max(
                select(number)
                .where(number > since)
                .order_by(number)
                .limit(limit)
                .subquery()
                .c.sequence
            )
        )
    )
    if last is None:
        return []
    rows = connection.execute(
        select(t.changes)
        .where(number > since, number <= last)
        .order_by(number, t.changes.c.product_key)
    )
    return [
        ProductChange(row.sequence, row.product_key, row.product_id, row.deleted) for row in rows
    ]
