import json

import pytest
from click.testing import CliRunner

from stylefacet.errors import StoreCorrupt
from stylefacet_training.cli import main
from stylefacet_training.lab import results
from stylefacet_training.lab.experiment import Part, parts_text
from stylefacet_training.lab.report import write_report
from stylefacet_training.lab.results import gather


@pytest.fixture
def alone(monkeypatch, experiment):
    """The list of experiments holds one."""
    monkeypatch.setattr(results, "EXPERIMENTS", (experiment,))


def store(folder, *, quick, answer):
    folder.mkdir(parents=True)
    part = Part({"answer": answer}, quick=quick)
    (folder / "metrics.json").write_text(parts_text("circles-1", {"plain": part}))


@pytest.mark.usefixtures("alone")
def test_the_report_puts_ours_beside_theirs(tmp_path):
    store(tmp_path / "circles-1", quick=False, answer=42.0)

    page, table = write_report(tmp_path, ())

    row = "| table 1 | the answer | 84 | 42 | 0.50 | Ours is <half>. |"
    assert row in table.read_text()
    assert "Ours is &lt;half&gt;." in page.read_text()
    assert "Of 2 training runs 1 were made" in page.read_text()


@pytest.mark.usefixtures("alone")
def test_a_full_run_counts_before_a_quick_one(tmp_path):
    store(tmp_path / "circles-1", quick=False, answer=42.0)
    store(tmp_path / "circles-1-quick", quick=True, answer=1.0)

    (found,) = gather(tmp_path, ())

    assert [row.ours for row in found.comparisons()] == [42.0, None]
    assert (found.full_count, found.quick_count) == (1, 0)


@pytest.mark.usefixtures("alone")
def test_a_quick_figure_says_that_it_is_one(tmp_path):
    store(tmp_path / "circles-1-quick", quick=True, answer=1.0)

    _, table = write_report(tmp_path, ())

    assert "Quick form" in table.read_text()
    assert "plain (quick)" in table.read_text()


@pytest.mark.usefixtures("alone")
def test_the_page_holds_its_pictures(tmp_path):
    store(tmp_path / "circles-1", quick=False, answer=42.0)
    (tmp_path / "circles-1" / "pictures").mkdir()
    (tmp_path / "circles-1" / "pictures" / "plane.png").write_bytes(b"picture")

    page, _ = write_report(tmp_path, ())

    assert "data:image/png;base64,cGljdHVyZQ==" in page.read_text()


@pytest.mark.usefixtures("alone")
def test_published_figures_stand_in_for_runs(tmp_path):
    store(tmp_path / "published", quick=False, answer=42.0)

    (found,) = gather(tmp_path / "lab", [tmp_path / "published" / "metrics.json"])

    assert found.parts["plain"].figures == {"answer": 42.0}


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "metrics.json").write_text("{}")

    with pytest.raises(StoreCorrupt, match=r"metrics\.json"):
        gather(tmp_path, ())


def test_the_list_tells_cost_and_progress(tmp_path):
    shown = CliRunner().invoke(main, ["lab", "list", "--json", "--out", str(tmp_path)])

    rows = {row["name"]: row for row in json.loads(shown.output)["experiments"]}
    assert len(rows["tops"]["arms"]) == 34
    assert rows["circles-1"]["done"] == 0


def test_an_unknown_experiment_names_the_nearest(tmp_path):
    shown = CliRunner().invoke(main, ["lab", "run", "circle-1", "--data", str(tmp_path)])

    assert shown.exit_code == 2
    assert "did you mean 'circles-1'?" in shown.output


def test_an_unknown_run_is_refused(tmp_path):
    shown = CliRunner().invoke(
        main, ["lab", "run", "tops", "--data", str(tmp_path), "--only", "d9-beta17"]
    )

    assert shown.exit_code == 2
    assert "there is no part of tops 'd9-beta17'" in shown.output
