import json
from pathlib import Path

import pytest

from stylefacet.cli.features import read_examples
from stylefacet.errors import InvalidField
from tests.cli.conftest import Run


def test_features_are_made_shown_and_deleted(filled: Run):
    made = filled("features", "create", "outline", "--block", "body", "--json")
    listed = json.loads(filled("features", "list", "--json").stdout)
    deleted = filled("features", "delete", "outline")

    assert json.loads(made.stdout)["dimensions"] == [5, 6, 7]
    assert [f["feature_id"] for f in listed] == ["body", "collar", "outline", "sleeve"]
    assert deleted.exit_code == 0
    assert filled("features", "get", "outline").exit_code == 1


def test_feature_is_fitted_from_a_manifest_and_predicted(filled: Run, shop: Path):
    maps = ("--map", "sku=product_id", "--map", "category=value")
    fitted = filled("features", "fit", "kind", "--from", shop, *maps, "--json")
    predicted = filled("predict", "--product", "p1", "--json")

    assert fitted.exit_code == 0, fitted.stderr
    assert json.loads(fitted.stdout)["values"] == ["dress", "top"]
    assert [p["feature_id"] for p in json.loads(predicted.stdout)] == ["kind"]


def test_prediction_without_fitted_features_says_how_to_get_one(filled: Run):
    result = filled("predict", "--product", "p1")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "features fit" in result.stderr


def test_examples_are_read_by_their_columns(tmp_path: Path):
    table = tmp_path / "l.csv"
    table.write_text("sku,value,x\n1,polo,a\n2,,b\n3,crew,c\n1,polo,d\n")

    assert read_examples(table, ["sku=product_id"]) == {"1": "polo", "3": "crew"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sku,value\n1,polo\n", "no column product_id; it has sku, value"),
        ("product_id,value\n1,polo\n1,crew\n", "line 3: 1 is crew here and polo before"),
        ("product_id,value\n1,\n", "no row with both"),
        ("product_id,value\n1\n", "line 2: row: has 1 cells"),
    ],
)
def test_examples_that_mislead_are_refused(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "l.csv").write_text(text)

    with pytest.raises(InvalidField, match=complaint):
        read_examples(tmp_path / "l.csv", [])


def test_update_adds_examples_and_shows_the_new_version(filled: Run, tmp_path: Path):
    first, more = tmp_path / "first.csv", tmp_path / "more.csv"
    first.write_text("product_id,value\n" + "".join(f"p{n},v{n % 2}\n" for n in range(10)))
    more.write_text("product_id,value\np10,v0\n")
    filled("features", "fit", "luck", "--from", first)
    tried = filled("features", "update", "luck", "--refit", "--dry-run", "--json")
    words = ("--from", more, "--keep-examples", "--description", "Guesswork", "--json")
    updated = json.loads(filled("features", "update", "luck", *words).stdout)
    examples = json.loads(filled("features", "examples", "luck", "--json").stdout)

    assert "nothing was changed" in tried.stderr
    assert (updated["version"], updated["description"]) == (2, "Guesswork")
    assert {"product_id": "p10", "value": "v0"} in examples
    assert len(examples) == 11


def test_update_of_nothing_is_refused(filled: Run):
    assert filled("features", "update", "luck").exit_code == 2
