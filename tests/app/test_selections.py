from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import event

from stylefacet.app import selections as selections_module
from stylefacet.app.selections import FilterSelections
from stylefacet.bundle import FeatureKind
from stylefacet.catalog.entities import FeatureDefinition
from stylefacet.catalog.store import Store
from stylefacet.errors import InvalidField
from tests.catalog.rows import E1, make_row

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RED = 'labels.colour = "red"'


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/catalogue.db", lambda: datetime.now(UTC)) as store:
        store.bind_encoder("e1")
        rows = [
            make_row(f"p{n}", str(n), labels={"colour": ("red", "blue")[n % 2]}) for n in range(10)
        ]
        store.write_rows(rows, E1)
        yield store


@pytest.fixture
def statements(store: Store) -> list[str]:
    asked: list[str] = []
    event.listen(
        store._database._engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: asked.append(statement),
    )
    return asked


def test_a_filter_asked_again_costs_no_statement(store: Store, statements: list[str]):
    selections = FilterSelections(store)
    first = selections.select(RED, store.sequence())
    statements.clear()

    again = selections.select(f" {RED} ", 1)

    assert first is not None
    assert (len(first), statements) == (5, [])
    np.testing.assert_array_equal(first, again)


def test_what_changed_is_selected_anew(store: Store):
    selections = FilterSelections(store)
    selections.select(RED, store.sequence())
    store.write_rows([make_row("new", "new")], E1)

    found = selections.select(RED, store.sequence())

    assert found is not None
    assert store.find_product_keys(["new"])["new"] in found


def test_one_who_looked_before_a_change_does_not_bring_the_old_back(store: Store):
    selections = FilterSelections(store)
    earlier = store.sequence()
    store.write_rows([make_row("new", "new")], E1)
    selections.select(RED, store.sequence())

    late, now = selections.select(RED, earlier), selections.select(RED, store.sequence())

    assert late is not None
    assert now is not None
    assert len(late) == len(now) == 6


def test_no_more_is_kept_than_allowed(store: Store, statements: list[str]):
    selections = FilterSelections(store, max_bytes=100)  # two of five keys each
    sequence = store.sequence()
    for text in (RED, 'labels.colour = "blue"', 'labels.colour = "red" AND category = "top"'):
        selections.select(text, sequence)
    statements.clear()

    selections.select('labels.colour = "blue"', sequence)
    kept_count = len(statements)
    selections.select(RED, sequence)

    assert (kept_count, len(statements) > 0) == (0, True)


def test_no_filter_selects_nothing_in_particular(store: Store):
    assert FilterSelections(store).select("  ", store.sequence()) is None


def test_a_bad_filter_is_refused(store: Store):
    with pytest.raises(InvalidField):
        FilterSelections(store).select("labels.colour = ", store.sequence())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (RED, 5),
        ('labels.colour != "red"', 5),
        ('labels.missing != "red"', 10),
        ("labels.colour:*", 10),
        ("labels.missing:*", 0),
        ("numbers.price < 9.6", 10),
        ("numbers.price >= 9.6", 0),
        ('NOT labels.colour = "red"', 5),
        (f'{RED} AND category = "top"', 5),
    ],
)
def test_keys_come_in_order_whatever_the_filter(store: Store, text: str, count: int):
    found = FilterSelections(store).select(text, store.sequence())

    assert found is not None
    assert len(found) == count
    assert (np.diff(found) > 0).all()


def _change(store: Store, kind: str) -> None:
    """Makes a change after which other products are red, or the same."""
    match kind:
        case "deleted":
            store.delete_product("p0")
        case "now passes":
            store.write_rows([make_row("p1", "1", labels={"colour": "red"})], E1)
        case "passes no more":
            store.write_rows([make_row("p4", "4", labels={"colour": "blue"})], E1)
        case "still passes":
            store.write_rows([make_row("p4", "4", labels={"colour": "red", "x": "y"})], E1)
        case "new":
            store.write_rows([make_row("new", "new"), make_row("newer", "newer")], E1)
        case "of a feature":
            store.create_feature(
                FeatureDefinition("f", "", FeatureKind.DIMENSIONS, (), (), "", NOW, NOW), None
            )


@pytest.mark.parametrize(
    "kind", ["deleted", "now passes", "passes no more", "still passes", "new", "of a feature"]
)
@pytest.mark.parametrize("text", [RED, "labels.missing:*", f"NOT {RED}", "labels.colour:*"])
def test_what_is_kept_follows_each_change(store: Store, statements: list[str], kind, text):
    selections = FilterSelections(store)
    selections.select(text, store.sequence())
    _change(store, kind)
    sequence = store.sequence()
    statements.clear()

    followed = selections.select(text, sequence)
    count = len(statements)
    again = selections.select(text, sequence)

    np.testing.assert_array_equal(followed, FilterSelections(store).select(text, sequence))
    assert again is followed
    assert 0 < count <= 4
    assert not any("aggregate" in each or "group_concat" in each for each in statements[:count])


def test_after_many_changes_all_is_selected_anew(store: Store, monkeypatch):
    monkeypatch.setattr(selections_module, "_MAX_CHANGE_COUNT", 2)
    selections = FilterSelections(store)
    selections.select(RED, store.sequence())
    store.write_rows([make_row(f"new{n}", f"new{n}") for n in range(3)], E1)

    found = selections.select(RED, store.sequence())

    np.testing.assert_array_equal(found, FilterSelections(store).select(RED, store.sequence()))
