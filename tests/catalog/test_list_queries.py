"""Statements over lists: the same rows as by SQLAlchemy, whatever the list's length."""

import pytest
from sqlalchemy import select, union_all

from stylefacet.catalog import tables as t
from stylefacet.catalog.list_queries import WANTED, ListQuery
from stylefacet.catalog.store import Store
from tests.catalog.rows import E1, make_row

_ID, _CREATED = t.products.c.id, t.products.c.create_time
_ASKED_TWICE = union_all(
    select(_ID, _CREATED).where(_ID.in_(WANTED)),
    select(t.changes.c.product_id, t.changes.c.sequence).where(t.changes.c.product_id.in_(WANTED)),
)


@pytest.mark.parametrize("lengths", [(1,), (3, 8), (8, 3), (1000, 3)])
def test_each_length_of_a_list_finds_its_own_rows(store: Store, lengths: tuple[int, ...]):
    store.write_rows([make_row(f"p{n}", str(n)) for n in range(6)], E1)
    query = ListQuery(select(_ID).where(_ID.in_(WANTED)))

    with store._database.reading() as connection:
        found = [query.rows(connection, [f"p{n}" for n in range(3, 3 + k)]) for k in lengths]

    assert [{row.id for row in rows} for rows in found] == [
        {f"p{n}" for n in range(3, min(3 + k, 6))} for k in lengths
    ]


def test_a_list_may_stand_in_a_statement_twice_and_times_come_as_stored(store: Store):
    store.write_rows([make_row("p1", "1"), make_row("p2", "2")], E1)

    with store._database.reading() as connection:
        rows = ListQuery(_ASKED_TWICE).rows(connection, ["p2"])

    created = store.get_product("p2").create_time
    assert [id for id, _ in rows] == ["p2", "p2"]
    assert {t.read_time(max(number for _, number in rows)), created} == {created}
