"""The filter language: what it accepts, where it faults, and that SQL means what Python means."""

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylefacet.catalog.entities import Product, ProductUpdate
from stylefacet.catalog.filter import (
    MAX_COMPARISON_COUNT,
    MAX_DEPTH,
    MAX_LENGTH,
    TEXT_FIELDS,
    And,
    Comparison,
    Field,
    Kind,
    Node,
    Not,
    Operator,
    Or,
    Presence,
    format_filter,
    matches,
    parse_filter,
)
from stylefacet.catalog.store import Store
from stylefacet.errors import FilterInvalid
from tests.catalog.rows import make_fields

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def product(**changes) -> Product:
    fields = make_fields(**changes)
    return Product(
        fields.id,
        fields.display_name,
        fields.category,
        fields.labels,
        fields.numbers,
        fields.style_id,
        "1",
        NOW,
        NOW,
        1,
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('category = "top"', True),
        ("category=top", True),
        ("category != 'top'", False),
        ("price < 50", True),
        ("numbers.price >= 9.5", True),
        ("price > 9.5", False),
        ("price = -1e3", False),
        ("labels.colour = red", True),
        ("labels.'colour':*", True),
        ("labels.hem:*", False),
        ("NOT labels.hem:*", True),
        ('labels.hem != "wide"', True),
        ("numbers.weight < 5", False),
        ("id = p1 AND price < 50 AND NOT labels.season = SS19", True),
        ('price < 50 AND (labels.colour = "red" OR labels.colour = "blue")', True),
        ('price < 5 AND (labels.colour = "red" OR labels.colour = "blue")', False),
    ],
)
def test_filter_means_what_it_says(expression, expected):
    node = parse_filter(expression)
    assert node is not None
    assert matches(node, product()) is expected


@pytest.mark.parametrize("expression", ["", "  \n"])
def test_a_blank_filter_keeps_everything(expression):
    assert parse_filter(expression) is None


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("category", 8),
        ("category =", 10),
        ("category = top price = 5", 15),
        ("price < cheap", 8),
        ('price < "5"', 8),
        ("category < top", 9),
        ("category:*", 8),
        ("labels = red", 7),
        ("labels.colour red", 14),
        ("shop.colour = red", 0),
        ("(price < 5", 10),
        ("price < 5)", 9),
        ("a = 1 AND b = 2 OR c = 3", 16),
        ("a = 1 AND", 9),
        ("NOT", 3),
        ('category = "top', 11),
        ("price < 1e999", 8),
        ("price ~ 5", 6),
        ('category = "a\x00b"', 11),
        ("AND = 5", 0),
    ],
)
def test_a_fault_names_its_position(expression, position):
    with pytest.raises(FilterInvalid) as caught:
        parse_filter(expression)
    assert caught.value.metadata["position"] == str(position)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("(" * (MAX_DEPTH + 1) + "a = 1", "nested deeper"),
        ("NOT " * (MAX_DEPTH + 1) + "a = 1", "nested deeper"),
        (" OR ".join(["a = 1"] * (MAX_COMPARISON_COUNT + 1)), "comparisons"),
        ("a = 1" + " " * MAX_LENGTH, "longer than"),
    ],
)
def test_a_filter_out_of_bounds_is_refused(expression, why):
    with pytest.raises(FilterInvalid, match=why):
        parse_filter(expression)


# What `is_storable` lets through.
letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))
words = st.text(letters, min_size=1, max_size=6)
keys = st.sampled_from(["a", "b", "AND", "labels", "size 2"]) | words
texts = st.sampled_from(["", "x", "y", 'say "x"', "\\"]) | words
numbers = st.sampled_from([0.0, 1.0, -2.5]) | st.floats(allow_nan=False, allow_infinity=False)


def _comparisons() -> st.SearchStrategy[Node]:
    column = st.sampled_from(TEXT_FIELDS).map(lambda name: Field(Kind.TEXT, name))
    label = keys.map(lambda key: Field(Kind.LABEL, key))
    number = keys.map(lambda key: Field(Kind.NUMBER, key))
    equal = st.sampled_from([Operator.EQ, Operator.NE])
    return st.one_of(
        st.builds(Comparison, column | label, equal, texts),
        st.builds(Comparison, number, st.sampled_from(list(Operator)), numbers),
        st.builds(Presence, label | number),
    )


def _combined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, several) | st.builds(Or, several)


nodes = st.recursive(_comparisons(), _combined, max_leaves=8)


@given(nodes)
def test_a_printed_filter_parses_to_the_same_tree(node):
    assert parse_filter(format_filter(node)) == node


def fault_position(text) -> int:
    """Returns where a text faults; zero when it is a filter."""
    try:
        parse_filter(text)
    except FilterInvalid as error:
        return int(error.metadata["position"])
    return 0


@given(st.text(max_size=60) | st.text(string.printable, max_size=60))
def test_any_text_is_parsed_or_refused(text):
    assert 0 <= fault_position(text) <= len(text)


catalogues = st.lists(
    st.fixed_dictionaries(
        {
            "display_name": texts,
            "category": texts,
            "style_id": st.sampled_from(["", "x", "y"]),
            "labels": st.dictionaries(keys, texts, max_size=3),
            "numbers": st.dictionaries(keys, numbers, max_size=3),
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(catalogues, st.lists(nodes, min_size=1, max_size=8))
def test_sql_selects_what_python_matches(catalogue, filters):
    with Store("sqlite://", lambda: NOW) as store:
        stored = store.batch_update(
            [
                ProductUpdate(make_fields(f"p{number}", **changes), allow_missing=True)
                for number, changes in enumerate(catalogue)
            ]
        )
        for node in filters:
            _, keys = store.select_product_keys(node)
            found = {product.id for product in store.products_by_keys(keys.tolist()).values()}
            assert found == {product.id for product in stored if matches(node, product)}
