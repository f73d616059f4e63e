import json

import pytest

from stylefacet_training.lab.bench import Bench
from stylefacet_training.lab.catalogue import EXPERIMENTS
from stylefacet_training.lab.experiment import read_parts
from stylefacet_training.terminal import Terminal


def test_an_experiment_leaves_settings_figures_and_pictures(bench):
    bench.experiment.perform(bench)

    name, parts = read_parts(bench.metrics)
    assert name == "circles-1"
    assert parts["plain"].figures["answer"] == 42.0
    assert parts["plain"].figures["epochs"] == 2
    assert parts["other"].settings["beta"] == 2.0
    assert json.loads((bench.folder / "plain" / "config.json").read_text())["latent_dims"] == 2
    assert (bench.folder / "pictures" / "other.png").is_file()


def test_a_finished_run_is_not_trained_again(bench, tmp_path):
    arm = bench.experiment.arms[0]
    first = bench.train(arm)
    summary = bench.folder / arm.name / "summary.json"
    stamp = summary.stat().st_mtime_ns

    again = bench.train(arm)

    assert summary.stat().st_mtime_ns == stamp
    assert again.figures() == first.figures()


def test_an_interrupted_experiment_keeps_what_was_finished(experiment, bench, tmp_path):
    bench.note_arm(bench.train(experiment.arms[0]))

    later = Bench(experiment, tmp_path / "lab", tmp_path, Terminal(), only=["other"])
    experiment.perform(later)

    assert set(read_parts(later.metrics)[1]) == {"plain", "other"}


def test_the_quick_form_lies_apart_and_is_marked(experiment, tmp_path):
    quick = Bench(experiment, tmp_path / "lab", tmp_path, Terminal(), quick=True)

    experiment.perform(quick)

    assert quick.folder.name == "circles-1-quick"
    assert all(part.quick for part in read_parts(quick.metrics)[1].values())
    assert read_parts(quick.metrics)[1]["plain"].figures["epochs"] == 1


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
def test_every_run_of_every_experiment_has_settings_that_can_be_used(experiment, tmp_path):
    for quick in (False, True):
        bench = Bench(experiment, tmp_path, tmp_path / "data", Terminal(), quick=quick)
        for arm in experiment.arms:
            assert "{data}" not in bench.config(arm).to_json()


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
def test_every_reading_is_of_a_run_or_a_part_that_is_made(experiment):
    assert len(set(experiment.parts)) == len(experiment.parts)
    assert {reading.part for reading in experiment.readings} <= set(experiment.parts)
