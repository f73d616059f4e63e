from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import combinations

import pytest

from stylefacet.app.comparison import Comparison, FeatureComparison, ProductPair
from stylefacet.app.comparison_text import describe
from stylefacet.catalog.entities import Product

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def product(name: str) -> Product:
    return Product(f"id-{name}", name, "top", {}, {}, "", "", NOW, NOW, 1)


def comparison(names: str, distances: Mapping[str, list[float]]) -> Comparison:
    """Products named by letters; the distances of each feature in the order of the pairs."""
    pairs = [
        ProductPair(
            *numbers,
            "i",
            "j",
            1.0,
            tuple(
                FeatureComparison(f, f, row[n], row[n], row[n] <= 0.1, "", "")
                for f, row in distances.items()
            ),
        )
        for n, numbers in enumerate(combinations(range(len(names)), 2))
    ]
    return Comparison(tuple(map(product, names)), tuple(pairs), 1)


@pytest.mark.parametrize(
    ("names", "distances", "sentence"),
    [
        (
            "AB",
            {"collar": [0.1], "sleeve": [0.9]},
            "A and B are alike in collar, and differ most in sleeve.",
        ),
        ("AB", {"collar": [0.1], "sleeve": [0.0]}, "A and B are alike in collar and sleeve."),
        (
            "AB",
            {"collar": [0.7], "sleeve": [0.9]},
            "The two are alike in no feature; they differ most in sleeve.",
        ),
        # pairs: AB, AC, BC
        (
            "ABC",
            {"collar": [0.1, 0.8, 0.9], "sleeve": [1.0, 0.3, 0.9]},
            "A and B are alike in collar; C is closest to A in sleeve.",
        ),
        ("ABC", {"Neck": [0.0, 0.1, 0.1]}, "A, B and C are alike in neck."),
        ("ABC", {"fit": [0.9, 1.0, 0.9]}, "No two are alike in any feature."),
        (
            "ABC",
            {"fit": [0.9, 1.0, 0.0], "hem": [0.9, 0.3, 0.9]},
            "B and C are alike in fit; C is closest to A in hem.",
        ),
        ("AB", {f: [0.0] for f in "cdefg"}, "A and B are alike in c, d, e and 2 more."),
    ],
)
def test_what_stands_out_is_said(names: str, distances: Mapping[str, list[float]], sentence: str):
    assert describe(comparison(names, distances)) == sentence


def test_values_are_named_where_there_are_any():
    alike = FeatureComparison("neck", "Neckline", 0.2, 0.1, True, "crew", "crew")
    apart = FeatureComparison("sleeve", "Sleeve length", 1.2, 0.8, False, "long", "short")
    pair = ProductPair(0, 1, "i", "j", 1.0, (alike, apart))

    sentence = describe(Comparison((product("A"), product("B")), (pair,), 1))

    expected = (
        "A and B are alike in neckline (crew), and differ most in sleeve length (long and short)."
    )
    assert sentence == expected


def test_products_of_one_name_are_told_by_id():
    twins = comparison("AA", {"collar": [0.0]})

    assert describe(Comparison((product("A"), product("A")), twins.pairs, 1)).startswith("id-A and")


def test_long_names_give_way_to_ids():
    pairs = comparison("AB", {"collar": [0.0]}).pairs
    long_name = product("a top with a name as long as a sentence")

    sentence = describe(Comparison((product("A"), long_name), pairs, 1))

    assert sentence == f"id-A and {long_name.id} are alike in collar."
