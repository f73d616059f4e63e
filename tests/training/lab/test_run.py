"""Experiments of the list, run by their command on data that is small enough."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from stylefacet_training.cli import main
from stylefacet_training.lab.bench import Bench
from stylefacet_training.lab.digits import OBJECTIVES, SOURCE, synthetic
from stylefacet_training.lab.experiment import read_parts
from stylefacet_training.lab.families import FAMILIES, source
from stylefacet_training.terminal import Terminal


def test_a_run_says_that_it_is_quick_and_leaves_figures_and_pictures(data, tmp_path):
    out = tmp_path / "lab"
    words = ["lab", "run", "digits-networks", "--quick", "--only", "network-4"]

    shown = CliRunner().invoke(main, [*words, "--data", str(data), "--out", str(out)])

    assert shown.exit_code == 0, shown.output
    assert "the quick form (epochs 8), not what the document did" in shown.output
    folder = out / "digits-networks-quick"
    figures = read_parts(folder / "metrics.json")[1]["network-4"].figures
    assert figures["elbo"] == pytest.approx(figures["squared_error"] / 2 + figures["kl"])
    assert {path.stem for path in (folder / "pictures").iterdir()} == {
        "network-4-plane",
        "network-4-samples",
        "network-4-reconstructions",
    }


def test_reconstructions_of_an_objective_are_read_by_a_judge(data, tmp_path):
    few = replace(OBJECTIVES, quick={"data": (SOURCE,), "epochs": 2})
    out = tmp_path / "lab"

    few.perform(Bench(few, out, data, Terminal(), quick=True, only=("task",)))

    figures = read_parts(out / "digits-objectives-quick" / "metrics.json")[1]["task"].figures
    assert figures["squared_error_of_mean"] > 0
    assert 0 <= figures["readable_reconstructions"] <= 100


def test_synthetic_digits_are_drawn_near_the_means_of_their_classes(bench):
    trained = bench.train(bench.experiment.arms[0])
    means = np.array([[0.0, 0.0], [3.0, 3.0]], np.float32)

    pixels, classes = synthetic(trained, means, 30)

    assert pixels.shape == (30, 96, 64, 1)
    assert set(classes) == {0, 1}


def test_the_router_is_judged_on_photos_it_has_not_seen(monkeypatch, tmp_path):
    from stylefacet_training.lab import families

    two = {name: FAMILIES[name] for name in ("tops", "trousers")}
    monkeypatch.setattr(families, "FAMILIES", two)
    monkeypatch.setattr(families, "TRAINED", 8)
    monkeypatch.setattr(families, "QUICK_TRAINED", 8)
    monkeypatch.setattr(families, "JUDGED", 3)
    data = tmp_path / "data"
    _write_families(data, count=12)
    only = (*two, families.TOGETHER)
    bench = Bench(families.ROUTER, tmp_path / "lab", data, Terminal(), quick=True, only=only)

    families.ROUTER.perform(bench)

    figures = bench.parts["all"].figures
    right = [figures[f"{family}_by_reconstruction"] for family in two]
    assert figures["right_by_reconstruction"] == pytest.approx(np.mean(right))
    assert figures["loss_by_reconstruction"] <= figures["loss_right_route"]
    assert "first=8" not in source("tops", 0, 8)


def _write_families(data, count):
    """Writes photos of one colour a family, in the folders and columns of the real ones."""
    rows: dict[str, list[str]] = {"hm_tops": [], "hm_catalogue": []}
    for number, (folder, column, value) in enumerate(FAMILIES.values()):
        (data / folder / "images").mkdir(parents=True, exist_ok=True)
        for i in range(count):
            name = f"{value}{i:02}.png"
            picture = np.full((96, 64, 3), 255, np.uint8)
            picture[20:80, 10:54] = (30 * number, 10 * i, 200 - 20 * number)
            Image.fromarray(picture).save(data / folder / "images" / name)
            rows[folder].append(f"{name},{value}")
        table = f"filename,{column}\n" + "\n".join(rows[folder]) + "\n"
        (data / folder / "labels.csv").write_text(table)
