import json

from tests.cli.conftest import Run


def test_list_says_when_there_is_more(filled: Run):
    result = filled("products", "list", "--limit", "3", "--json")

    assert [p["product_id"] for p in json.loads(result.stdout)] == ["p0", "p1", "p10"]
    assert "there are more" in result.stderr


def test_list_obeys_the_filter(filled: Run):
    result = filled("products", "list", "--filter", 'labels.colour = "c1"', "--json")

    assert {p["labels"]["colour"] for p in json.loads(result.stdout)} == {"c1"}


def test_update_changes_what_it_names_and_nothing_else(filled: Run):
    words = ("--label", "season=ss26", "--label", "colour=", "--number", "price=9.5")
    result = filled("products", "update", "p1", *words, "--display-name", "One", "--json")

    product = json.loads(result.stdout)
    assert result.exit_code == 0
    assert product["labels"] == {"season": "ss26"}
    assert product["numbers"] == {"price": 9.5}
    assert (product["display_name"], product["category"]) == ("One", "top")


def test_missing_product_is_made_only_when_allowed(filled: Run):
    refused = filled("products", "update", "new", "--category", "top")
    made = filled("products", "update", "new", "--category", "top", "--allow-missing")

    assert (refused.exit_code, made.exit_code) == (1, 0)
    assert filled("products", "get", "new").stdout.startswith("product")


def test_deleted_product_and_images_are_gone(filled: Run):
    images = json.loads(filled("products", "images", "p1", "--json").stdout)
    result = filled("products", "delete", "p1")

    assert len(images) == 1
    assert result.exit_code == 0
    assert filled("products", "images", "p1").exit_code == 1
