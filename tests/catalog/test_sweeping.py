"""Sweeping: what was made before a time goes, with all that hangs on it, and followers hear it."""

from datetime import datetime, timedelta

import pytest

from stylefacet.catalog.store import Store
from stylefacet.catalog.sweeping import MadeBefore
from tests.catalog.conftest import START
from tests.catalog.rows import E1, make_row

LATER = START + timedelta(hours=1)


def before(time: datetime) -> MadeBefore:
    """Returns what stands for all that was made before a time, whatever its key."""
    return MadeBefore(time, 2**62, 2**62)


@pytest.fixture
def filled(store: Store) -> Store:
    """A store of products a to d, each with a picture, and a second picture of a."""
    rows = [make_row(product_id, product_id) for product_id in "abcd"]
    store.write_rows([*rows, make_row("a", "second", "second")], E1)
    return store


def test_products_are_deleted_with_what_hangs_on_them(filled):
    count, sequence = filled.sweeper.delete_products(["b", "c", "unknown"], before(LATER))

    assert (count, sequence) == (2, 2)
    assert filled.sweeper.list_product_ids(before(LATER)) == ["a", "d"]
    changes = filled.changes_since(1)
    assert [(c.product_id, c.deleted) for c in changes] == [("b", True), ("c", True)]
    assert sum(len(rows.means) for rows in filled.all_image_rows("e1")) == 3


def test_images_are_deleted_and_their_products_stay(filled):
    assert filled.sweeper.delete_images([("a", "second"), ("b", "none")], before(LATER)) == (1, 2)

    assert [i.id for i in filled.list_images("a")[0]] != ["second"]
    assert [(c.product_id, c.deleted) for c in filled.changes_since(1)] == [("a", False)]


def test_what_was_made_since_is_spared(filled):
    assert filled.sweeper.delete_products(["a"], before(START)) == (0, 1)
    assert filled.sweeper.delete_images([("a", "second")], before(START)) == (0, 1)
    assert filled.sweeper.list_product_ids(before(START)) == []
    assert list(filled.sweeper.stream_images(before(START))) == []


def test_what_was_made_since_is_spared_though_a_clock_is_behind(filled):
    now = filled.sweeper.made_before(LATER)
    filled.write_rows([make_row("late", "late"), make_row("a", "third", "third")], E1)

    assert filled.sweeper.delete_products(["d", "late"], now)[0] == 1
    assert filled.sweeper.delete_images([("a", "second"), ("a", "third")], now)[0] == 1
    assert filled.get_product("late")
    assert ("a", "third") not in list(filled.sweeper.stream_images(now))


def test_images_are_listed_product_by_product(filled):
    names = list(filled.sweeper.stream_images(before(LATER)))

    assert [product_id for product_id, _ in names] == ["a", "a", "b", "c", "d"]
    assert ("a", "second") in names


def test_more_than_a_statement_takes_is_deleted(store):
    store.write_rows([make_row(f"p{n}", str(n)) for n in range(2100)], E1)

    assert store.sweeper.delete_products([f"p{n}" for n in range(2050)], before(LATER)) == (2050, 2)
    assert len(store.sweeper.list_product_ids(before(LATER))) == 50
