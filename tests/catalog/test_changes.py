"""The sequence: every change is seen once, in commit order, also among threads."""

import threading

from stylefacet.catalog.entities import ProductUpdate
from stylefacet.catalog.store import Store
from tests.catalog.rows import E1, make_fields, make_row


def upsert(store, product_id, **changes):
    fields = make_fields(product_id, **changes)
    store.update_product(ProductUpdate(fields, allow_missing=True))


def test_each_commit_has_the_next_number(store):
    upsert(store, "a")
    upsert(store, "b")
    assert store.write_rows([make_row("c")], E1).sequence == 3
    assert store.delete_product("a") == 4
    assert store.sequence() == 4


def test_a_product_appears_once_with_its_latest_change(store):
    upsert(store, "a")
    upsert(store, "b")
    upsert(store, "a", category="dress")
    changes = store.changes_since(0)
    assert [(c.sequence, c.product_id, c.deleted) for c in changes] == [
        (2, "b", False),
        (3, "a", False),
    ]


def test_a_deleted_product_leaves_a_tombstone_that_a_namesake_does_not_lift(store):
    upsert(store, "a")
    store.delete_product("a")
    upsert(store, "a")
    gone, back = store.changes_since(0)
    assert (gone.product_id, gone.deleted) == ("a", True)
    assert (back.product_id, back.deleted) == ("a", False)
    assert gone.product_key != back.product_key


def test_changes_of_one_commit_are_not_divided(store):
    store.write_rows([make_row(f"a{n}", str(n)) for n in range(5)], E1)
    store.write_rows([make_row(f"b{n}", str(n)) for n in range(5)], E1)
    first = store.changes_since(0, limit=3)
    assert [change.product_id for change in first] == ["a0", "a1", "a2", "a3", "a4"]
    rest = store.changes_since(first[-1].sequence, limit=3)
    assert [change.sequence for change in rest] == [2] * 5
    assert store.changes_since(2) == []


def test_a_new_image_is_a_change_of_its_product(store):
    store.write_rows([make_row("a", "x", "i")], E1)
    etag = store.get_product("a").etag
    store.write_rows([make_row("a", "y")], E1)
    assert [change.product_id for change in store.changes_since(1)] == ["a"]
    store.delete_image("a", "i")
    assert [change.product_id for change in store.changes_since(2)] == ["a"]
    assert store.get_product("a").etag == etag


def test_a_follower_misses_nothing_while_threads_write(shared_url, now):
    seen: dict[str, int] = {}
    with Store(shared_url, now) as store:

        def write(name: str) -> None:
            for number in range(15):
                upsert(store, f"{name}{number}")

        writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for writer in writers:
            writer.start()
        last = 0
        while any(writer.is_alive() for writer in writers) or store.sequence() > last:
            for change in store.changes_since(last, limit=2):
                seen[change.product_id] = change.sequence
                last = change.sequence
    assert len(seen) == 45
    assert sorted(seen.values()) == list(range(1, 46))
