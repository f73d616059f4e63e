import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.conftest import photo

MAPS = ("--map", "file=image", "--map", "sku=product_id")


def test_import_tells_what_became_of_the_rows(run: Run, shop: Path):
    first = run("import", shop, *MAPS)
    second = json.loads(run("import", shop, *MAPS, "--json").stdout)

    assert first.exit_code == 0
    assert "24 created, 0 updated, 0 unchanged, 0 failed" in first.stdout
    assert (second["created"], second["unchanged"], second["failures"]) == (0, 24, [])


def test_manifest_fills_in_the_product(filled: Run):
    product = json.loads(filled("products", "get", "p5", "--json").stdout)

    assert (product["category"], product["labels"]) == ("top", {"colour": "c2"})
    assert product["style_id"] == "s1"


def test_bad_rows_are_listed_and_the_good_ones_are_in(run: Run, shop: Path):
    (shop.parent / "images" / "3.png").write_bytes(b"text")
    (shop.parent / "images" / "4.png").unlink()
    (shop.parent / "images" / "5.png").write_bytes(photo(5)[:60])

    result = run("import", shop, *MAPS)

    assert result.exit_code == 1
    assert "21 created, 0 updated, 0 unchanged, 3 failed" in result.stdout
    failed = [line for line in result.stderr.splitlines() if line.startswith("failed: ")]
    assert [line.split(":")[1].strip() for line in failed] == [
        "line 5 (p3)",
        "line 6 (p4)",
        "line 7 (p5)",
    ]
    assert run("products", "get", "p6").exit_code == 0
    assert run("products", "get", "p3").exit_code == 1


def test_many_failures_are_cut_short_on_a_terminal_and_whole_in_json(run: Run, shop: Path):
    for path in (shop.parent / "images").iterdir():
        path.write_bytes(b"text")

    shown = run("import", shop, *MAPS)
    whole = json.loads(run("import", shop, *MAPS, "--json").stdout)

    assert shown.stderr.count("failed: ") == 20
    assert "and 4 more" in shown.stderr
    assert len(whole["failures"]) == 24
    assert {f["reason"] for f in whole["failures"]} == {"IMAGE_UNDECODABLE"}


def test_folder_is_imported_by_file_names(run: Run, shop: Path):
    result = run("import", shop.parent / "images", "--category", "top")

    assert result.exit_code == 0
    assert json.loads(run("products", "get", "7", "--json").stdout)["category"] == "top"


def test_missing_column_stops_the_import(run: Run, shop: Path):
    result = run("import", shop)

    assert result.exit_code == 2
    assert "has no column product_id, image; it has file, sku" in result.stderr
    assert result.stderr.count("\n") == 1


def test_ignored_columns_are_told_once(run: Run, shop: Path):
    result = run("import", shop, *MAPS, "--map", "category=labels.kind", "--category", "top")
    other = run("import", shop, "--map", "file=image", "--map", "labels.colour=product_id")

    assert "ignored" not in result.stderr
    assert other.stderr.count("ignored columns: sku") == 1
