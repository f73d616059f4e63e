import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.conftest import photo


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path, formats=("PNG",)) as picture:
        return picture.size


def test_strip_is_drawn_for_a_product_a_photo_and_the_catalogue(filled: Run, tmp_path: Path):
    (tmp_path / "query.png").write_bytes(photo(9))
    starts = {"product": ("--of", "p3"), "photo": ("--image", tmp_path / "query.png"), "mean": ()}

    for name, start in starts.items():
        result = filled("traverse", "collar", *start, "--out", tmp_path / "new" / f"{name}.png")
        assert (result.exit_code, result.stdout) == (0, ""), result.stderr

    sizes = {name: size_of(tmp_path / "new" / f"{name}.png") for name in starts}
    assert len(set(sizes.values())) == 1
    assert sizes["mean"][0] > 7 * 144


def test_json_says_where_each_frame_lies(filled: Run, tmp_path: Path):
    out = tmp_path / "t.png"

    result = filled(
        "traverse", "sleeve", "--frames", "3", "--directions", "1", "--out", out, "--json"
    )

    document = json.loads(result.stdout)
    frames = document["traversals"][0]["frames"]
    assert [frame["position"] for frame in frames] == [-2, 0, 2]
    assert all(len(frame["mean"]) == 8 for frame in frames)


def test_frame_can_be_searched_by(filled: Run, tmp_path: Path):
    out = tmp_path / "t.png"
    document = json.loads(filled("traverse", "sleeve", "--out", out, "--json").stdout)
    frame = document["traversals"][0]["frames"][0]
    vector = {"encoder": document["encoder"], "mean": frame["mean"]}
    (tmp_path / "v.json").write_text(json.dumps(vector))

    sheet = tmp_path / "hits.png"
    result = filled("search", "--embedding", tmp_path / "v.json", "--json", "--sheet", sheet)

    assert len(json.loads(result.stdout)["hits"]) == 10
    assert size_of(sheet)[0] > 300


def test_order_sets_the_values_at_the_ends(filled: Run, shop: Path, tmp_path: Path):
    maps = ("--map", "sku=product_id", "--map", "labels.colour=value")
    # With these random labels the fit is not carried, which a picture would hide.
    assert filled("features", "fit", "hue", "--from", shop, *maps).exit_code == 0

    result = filled("traverse", "hue", "--order", "c0,c2", "--out", tmp_path / "t.png")

    assert result.exit_code == 1
    assert "does not carry" in result.stderr


def test_way_between_two_products_is_drawn(filled: Run, tmp_path: Path):
    out = tmp_path / "between.png"

    result = filled("interpolate", "p1", "p2", "--frames", "4", "--out", out)

    assert result.exit_code == 0, result.stderr
    assert size_of(out)[0] > 4 * 144


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("collar", "--of", "p1", "--image", "x.png"), "not both"),
        (("collar", "--reach", "99"), "reach"),
        (("collar", "--order", "a,b"), "order"),
        (("collar", "--path", "values"), "not fitted"),
        (("collar", "--image", "missing.png"), "cannot be read"),
    ],
)
def test_unusable_traversal_is_a_usage_error(
    filled: Run, tmp_path: Path, words: tuple[str, ...], complaint: str
):
    result = filled("traverse", *words, "--out", tmp_path / "t.png")

    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stderr.count("\n") == 1
