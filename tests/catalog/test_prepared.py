"""Prepared statements: what is there, whatever the length of a list and whoever is asked."""

from typing import Any

import pytest
from sqlalchemy import BindParameter, bindparam, select, union_all

from stylefacet.catalog import tables as t
from stylefacet.catalog.prepared import Prepared
from stylefacet.catalog.store import Store
from stylefacet.errors import StoreCorrupt
from tests.catalog.rows import E1, make_row

_ID, _CHANGES = t.products.c.id, t.changes.c
_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)


@pytest.mark.parametrize("way", ["reading", "writing", "glancing"])
@pytest.mark.parametrize("lengths", [(1,), (3, 8), (8, 3), (1000, 3)])
def test_each_length_of_a_list_finds_its_own_rows(store: Store, way: str, lengths: tuple[int, ...]):
    store.write_rows([make_row(f"p{n}", str(n)) for n in range(6)], E1)
    query = Prepared(select(_ID).where(_ID.in_(_WANTED)))

    with getattr(store._database, way)() as reader:
        found = [query.rows(reader, wanted=[f"p{n}" for n in range(3, 3 + k)]) for k in lengths]

    assert [sorted(rows) for rows in found] == [
        [(f"p{n}",) for n in range(3, min(3 + k, 6))] for k in lengths
    ]


def test_values_may_stand_in_a_statement_twice_and_times_come_as_stored(store: Store):
    store.write_rows([make_row("p1", "1"), make_row("p2", "2")], E1)
    twice = Prepared(
        union_all(
            select(_ID, t.products.c.create_time).where(_ID.in_(_WANTED)),
            select(_CHANGES.product_id, _CHANGES.sequence).where(
                _CHANGES.product_id.in_(_WANTED), _CHANGES.sequence == bindparam("sequence")
            ),
        )
    )

    with store._database.glancing() as reader:
        rows = sorted(twice.rows(reader, wanted=["p1", "p2"], sequence=1))

    times = [t.read_time(number) for _, number in rows if number > 1]
    assert [id for id, _ in rows] == ["p1", "p1", "p2", "p2"]
    assert times == [store.get_product(id).create_time for id in ("p1", "p2")]


def test_a_glance_sees_one_moment(shared_url, now):
    query = Prepared(select(_ID).where(_ID.in_(_WANTED)))
    with Store(shared_url, now) as store, store._database.glancing() as reader:
        assert not query.rows(reader, wanted=["p1"])
        store.write_rows([make_row("p1", "1")], E1)
        assert not query.rows(reader, wanted=["p1"])


def test_a_glance_at_a_damaged_file_says_so(tmp_path, now):
    with Store(f"sqlite:///{tmp_path / 'catalog.db'}", now) as store:
        store.write_rows([make_row(f"p{n}", str(n)) for n in range(300)], E1)
    path = tmp_path / "catalog.db"
    with Store(f"sqlite:///{path}", now) as store:
        path.write_bytes(path.read_bytes()[:4096] + b"\x5a" * (path.stat().st_size - 4096))
        with pytest.raises(StoreCorrupt):
            store.get_product("p7")
