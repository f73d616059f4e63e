import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_report_is_written_and_its_facts_are_told(filled: Run, tmp_path: Path):
    out = tmp_path / "report.html"
    result = filled("report", "--out", out, "--json")
    told = json.loads(result.stdout)

    assert result.exit_code == 0, result.stderr
    assert "wrote 24 products" in result.stderr
    assert told["facts"]["picture_count"] == 24
    assert told["byte_count"] == out.stat().st_size
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_failed_report_leaves_the_old_file(filled: Run, tmp_path: Path):
    out = tmp_path / "report.html"
    out.write_text("yesterday")
    result = filled("report", "--out", out, "--filter", "category =")

    assert (result.exit_code, out.read_text()) == (2, "yesterday")
    assert result.stderr.count("\n") == 1


def test_report_that_breaks_off_leaves_the_old_file(
    filled: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "report.html"
    out.write_text("yesterday")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(out))

    monkeypatch.setattr("os.fsync", full)
    result = filled("report", "--out", out)

    assert (result.exit_code, out.read_text()) == (1, "yesterday")
    assert not list(tmp_path.glob(".report*"))


@pytest.mark.parametrize("name", ["none/report.html", "."])
def test_file_in_no_folder_is_refused_before_the_server_is_asked(
    run: Run, tmp_path: Path, name: str
):
    result = run("report", "--out", tmp_path / name)

    assert result.exit_code == 2
    assert "folder that exists" in result.stderr


def test_missing_scikit_learn_is_told_in_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    result = run("report", "--out", tmp_path / "report.html")

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "pip install 'stylefacet[report]'" in result.stderr


def test_empty_catalogue_makes_no_report(run: Run, tmp_path: Path):
    result = run("report", "--out", tmp_path / "report.html")

    assert result.exit_code == 2
    assert "0 products with a photo are in the catalogue" in result.stderr
    assert not (tmp_path / "report.html").exists()
