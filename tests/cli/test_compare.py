import json

import pytest

from tests.cli.conftest import Run


def test_table_has_a_line_for_each_feature_after_the_sentence(filled: Run):
    result = filled("compare", "p0", "p1", "p2")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0, result.stderr
    assert lines[0].endswith(".")
    assert [line.split()[0] for line in lines[2:]] == [
        "feature",
        "body",
        "collar",
        "sleeve",
        "whole",
    ]
    assert lines[3].count("%)") == 3


def test_many_products_have_a_line_for_each_pair(filled: Run):
    result = filled("compare", "p0", "p1", "p2", "p3")
    many = filled("compare", *(f"p{n}" for n in range(5)))

    assert len(result.stdout.splitlines()) == 2 + 1 + 4
    assert len(many.stdout.splitlines()) == 2 + 1 + 10


def test_json_has_the_whole_comparison(filled: Run):
    document = json.loads(filled("compare", "p0", "p1", "--weight", "collar=1", "--json").stdout)

    pair = document["pairs"][0]
    found = {feature["feature_id"]: feature["distance"] for feature in pair["features"]}
    assert sorted(found) == ["body", "collar", "sleeve"]
    assert pair["squared_distance"] == pytest.approx(found["collar"] ** 2)
    assert document["summary"]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [(("p0",), 2, "products"), (("p0", "p0"), 2, "twice"), (("p0", "nobody"), 1, "nobody")],
)
def test_products_that_cannot_be_compared_are_told(
    filled: Run, words: tuple[str, ...], code: int, complaint: str
):
    result = filled("compare", *words)

    assert result.exit_code == code
    assert complaint in result.stderr
