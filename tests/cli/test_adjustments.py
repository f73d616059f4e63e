import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def depth(filled: Run) -> Run:
    """The shop with a feature of one latent dimension of the sleeve."""
    assert filled("features", "create", "depth", "--dimensions", "4").exit_code == 0
    return filled


def test_moved_query_says_what_it_drags_along(depth: Run):
    result = depth("search", "--like", "p0", "--move", "depth=+1.5", "--json")

    moves = {f["feature_id"]: f for f in json.loads(result.stdout)["query_move"]["features"]}
    assert moves["depth"]["distance"] == pytest.approx(1.5)
    assert "moved: depth 1.50" in result.stderr
    assert f"dragged along: sleeve {moves['sleeve']['distance']:.2f}" in result.stderr


def test_feature_of_another_product_is_borrowed(depth: Run, tmp_path: Path):
    sheet = tmp_path / "hits.png"
    words = ("--like", "p0", "--borrow", "collar=p7", "--weight", "collar=1")

    result = depth("search", *words, "--sheet", sheet, "--json")
    half = depth("search", *words, "--share", "0.5", "--json")

    assert json.loads(result.stdout)["hits"][0]["product_id"] == "p7"
    whole_move, half_move = (json.loads(r.stdout)["query_move"] for r in (result, half))
    assert half_move["latent_distance"] == pytest.approx(whole_move["latent_distance"] / 2)
    assert sheet.exists()


def test_search_moves_toward_a_value(filled: Run, shop: Path, tmp_path: Path):
    photos = [shop.parent / "images" / f"{n}.png" for n in range(24)]
    depths = [d["mean"][0] for d in json.loads(filled("embed", *photos, "--json").stdout)]
    ranked = sorted(range(24), key=lambda n: depths[n])
    lines = [f"p{n},{'flat' if i < 12 else 'deep'}" for i, n in enumerate(ranked)]
    (tmp_path / "labels.csv").write_text("\n".join(["product_id,value", *lines]) + "\n")
    filled("features", "fit", "depth", "--from", tmp_path / "labels.csv")

    result = filled("search", "--like", f"p{ranked[0]}", "--toward", "depth=deep")

    assert result.exit_code == 0, result.stderr
    assert "moved: depth" in result.stderr
    assert "(flat to deep)" in result.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--move", "depth=far"), "is no number"),
        (("--move", "depth"), "is not FEATURE=UNITS"),
        (("--move", "depth=1", "--move", "depth=2"), "twice"),
        (("--move", "depth=1", "--share", "0.5"), "--toward or --borrow"),
        (("--order", "depth=a,b"), "--move alone"),
        (("--move", "depth=1", "--toward", "depth=x"), "twice"),
        (("--toward", "depth=x"), "was not fitted"),
        (("--move", "collar=1"), "no axis"),
    ],
)
def test_unusable_adjustment_is_a_usage_error(depth: Run, words: tuple[str, ...], complaint: str):
    result = depth("search", "--like", "p0", *words)

    assert result.exit_code == 2, result.stderr
    assert complaint in result.stderr


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"encoder": "x"}', '{"mean": "abc"}', "text"])
def test_file_without_a_vector_is_a_usage_error(depth: Run, tmp_path: Path, text: str):
    (tmp_path / "v.json").write_text(text)

    result = depth("search", "--embedding", tmp_path / "v.json")

    assert result.exit_code == 2
    assert "as `embed` writes it" in result.stderr
