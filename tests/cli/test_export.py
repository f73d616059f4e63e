import csv
import json
import math
import sys
from pathlib import Path

import pytest

from stylefacet.cli.export_tables import guard_cell
from tests.cli.conftest import Run


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def fitted(filled: Run, tmp_path: Path) -> Run:
    """The shop with the feature `luck`, fitted on values that photos do not show."""
    labels = tmp_path / "labels.csv"
    labels.write_text("product_id,value\n" + "".join(f"p{n},v{n // 7}\n" for n in range(21)))
    assert filled("features", "fit", "luck", "--from", labels).exit_code == 0
    return filled


def test_csv_has_a_row_for_every_product_and_columns_for_every_feature(fitted: Run, tmp_path: Path):
    out = tmp_path / "features.csv"
    result = fitted("export", "--out", out)
    rows = read_csv(out)

    assert result.exit_code == 0, result.stderr
    assert "wrote 24 products in 4 features" in result.stderr
    assert [row["product_id"] for row in rows] == sorted(f"p{n}" for n in range(24))
    assert list(rows[0])[7:11] == ["body.version", "body.0", "body.1", "body.2"]
    assert all(math.isfinite(float(row["collar.2"])) for row in rows)
    assert {row["luck.value"] for row in rows} == {"not carried"}
    assert {row["luck.probability"] for row in rows} == {""}


def test_parquet_holds_what_csv_holds(fitted: Run, tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    fitted("export", "--out", tmp_path / "features.csv")
    result = fitted("export", "--out", tmp_path / "features.parquet")
    table = parquet.read_table(tmp_path / "features.parquet").to_pylist()
    rows = read_csv(tmp_path / "features.csv")

    assert result.exit_code == 0, result.stderr
    assert [list(row) for row in table] == [list(row) for row in rows]
    assert [row["body.1"] for row in table] == [pytest.approx(float(r["body.1"])) for r in rows]
    assert [row["category"] for row in table] == [row["category"] for row in rows]


def test_filter_and_features_limit_the_file(filled: Run, tmp_path: Path):
    out = tmp_path / "some.csv"
    words = ("--filter", 'category = "dress"', "--feature", "sleeve", "--json")
    result = filled("export", "--out", out, *words)

    assert json.loads(result.stdout)["product_count"] == 12
    assert len(read_csv(out)) == 12
    assert list(read_csv(out)[0])[7:] == ["sleeve.version", "sleeve.0", "sleeve.1"]


def test_name_that_looks_like_a_formula_is_made_harmless(filled: Run, tmp_path: Path):
    out = tmp_path / "features.csv"
    filled("products", "update", "p1", "--display-name", '=HYPERLINK("http://x")')
    filled("export", "--out", out)

    rows = {row["product_id"]: row for row in read_csv(out)}
    assert rows["p1"]["display_name"].startswith("'=HYPERLINK")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\uff1d"])
def test_every_beginning_of_a_formula_is_guarded(start: str):
    assert guard_cell(f"{start}1+1") == f"'{start}1+1"
    assert guard_cell(f"a{start}1") == f"a{start}1"


def test_failed_export_leaves_the_old_file(filled: Run, tmp_path: Path):
    out = tmp_path / "features.csv"
    out.write_text("yesterday")
    result = filled("export", "--out", out, "--filter", "category =")

    assert result.exit_code == 2
    assert out.read_text() == "yesterday"
    assert [path.name for path in tmp_path.glob("*features*")] == ["features.csv"]


def test_export_that_breaks_off_leaves_the_old_file(
    filled: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "features.csv"
    out.write_text("yesterday")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(out))

    monkeypatch.setattr("os.fsync", full)
    result = filled("export", "--out", out)

    assert (result.exit_code, out.read_text()) == (1, "yesterday")
    assert "No space left" in result.stderr
    assert not list(tmp_path.glob(".features*"))


def test_parquet_without_pyarrow_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("export", "--format", "parquet", "--out", tmp_path / "x.parquet")

    assert result.exit_code == 2
    assert "pip install 'stylefacet[parquet]'" in result.stderr


def test_file_in_no_folder_is_refused(run: Run, tmp_path: Path):
    result = run("export", "--out", tmp_path / "none" / "x.csv")

    assert result.exit_code == 2
    assert "folder that exists" in result.stderr


def test_empty_catalogue_gives_a_file_of_headings(run: Run, tmp_path: Path):
    result = run("export", "--out", tmp_path / "x.csv")

    assert result.exit_code == 0
    assert (tmp_path / "x.csv").read_text().startswith("product_id,display_name,category")
