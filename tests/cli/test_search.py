import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.conftest import photo


def test_table_shows_what_each_feature_adds(filled: Run):
    result = filled("search", "--product", "p0", "--weight", "collar=1", "--weight", "sleeve=0.5")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].split() == ["#", "product", "category", "distance", "collar", "sleeve"]
    assert len(lines) == 11
    assert lines[1].count("%") == 2


def test_json_hits_add_up(filled: Run):
    result = filled("search", "--product", "p0", "--weight", "collar=1", "--json")

    document = json.loads(result.stdout)
    hit = document["hits"][0]
    assert len(document["hits"]) == 10
    assert hit["features"]["collar"]["contribution"] == pytest.approx(hit["squared_distance"])
    assert document["sequence_number"] > 0


def test_photo_file_finds_the_product_it_shows(filled: Run, tmp_path: Path):
    (tmp_path / "query.png").write_bytes(photo(9))

    result = filled("search", "--image", tmp_path / "query.png", "--limit", "1", "--json")

    assert json.loads(result.stdout)["hits"][0]["product_id"] == "p9"


def test_filter_and_style_narrow_the_hits(filled: Run):
    filtered = filled("search", "--product", "p0", "--filter", 'category = "dress"', "--json")
    grouped = filled("search", "--product", "p0", "--group-by-style", "--json")

    assert {h["category"] for h in json.loads(filtered.stdout)["hits"]} == {"dress"}
    styles = [h["style_id"] for h in json.loads(grouped.stdout)["hits"]]
    assert len(styles) == len(set(styles))


def test_sheet_is_drawn_with_the_query_and_the_hits(filled: Run, tmp_path: Path):
    sheet = tmp_path / "new" / "sheet.png"

    result = filled("search", "--product", "p0", "--weight", "collar=1", "--sheet", sheet)

    assert result.exit_code == 0
    with Image.open(sheet) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")


def test_nothing_found_is_said_and_no_failure(filled: Run):
    result = filled("search", "--product", "p0", "--filter", 'category = "shoe"')

    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing found" in result.stderr


def test_vectors_of_good_photos_are_written(filled: Run, tmp_path: Path):
    for name, content in (("a.png", photo(1)), ("b.png", b"text"), ("c.png", photo(2))):
        (tmp_path / name).write_bytes(content)
    out = tmp_path / "vectors.jsonl"

    result = filled("embed", *(tmp_path / n for n in ("a.png", "b.png", "c.png")), "--out", out)

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert result.exit_code == 1
    assert result.stderr.count("failed: ") == 1
    assert [Path(row["file"]).name for row in rows] == ["a.png", "c.png"]
    assert all(len(row["mean"]) == 8 for row in rows)


def test_encoder_describes_itself(filled: Run):
    listed = json.loads(filled("encoders", "list", "--json").stdout)
    shown = filled("encoders", "describe").stdout

    assert [block["block"] for block in listed[0]["blocks"]] == ["collar", "sleeve", "body"]
    assert listed[0]["encoder_id"] in shown
