import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from stylefacet.errors import ResourceExists, SettingInvalid, StoreCorrupt
from stylefacet_training.config import TrainConfig
from stylefacet_training.runs import RunFolder, load_checkpoint, load_population
from stylefacet_training.terminal import Terminal
from stylefacet_training.train import train


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]


def test_training_lowers_the_loss_on_held_out_photos(tiny_run):
    first, last = metrics(tiny_run)

    assert last["validation_generation"] < first["validation_generation"]


def test_a_run_reports_both_losses_of_both_parts_by_epoch(tiny_run):
    for row in metrics(tiny_run):
        for part in ("train", "validation"):
            assert row[f"{part}_generation"] > 0
            assert row[f"{part}_latent"] == pytest.approx(
                sum(row[f"{part}_latent_by_dimension"]), abs=1e-3
            )
            assert f"{part}_generation_last_batch" in row


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tiny_config, tiny_run, tmp_path):
    run = RunFolder(tmp_path)
    train(replace(tiny_config, epochs=1), run, Terminal(), resume=False)

    train(tiny_config, run, Terminal(), resume=True)

    resumed, whole = load_checkpoint(run), load_checkpoint(tiny_run)
    for name, weights in whole.model.items():
        # Sums on several threads may add up in another order.
        torch.testing.assert_close(resumed.model[name], weights, rtol=1e-4, atol=1e-5)
    assert len(metrics(run)) == 2


def test_a_checkpoint_carries_settings_seed_and_commit(tiny_config, tiny_run):
    checkpoint = load_checkpoint(tiny_run)

    assert checkpoint.config == tiny_config
    assert checkpoint.commit


def test_active_units_are_counted_at_the_end(tiny_run):
    summary = json.loads(tiny_run.summary.read_text())

    variance = load_population(tiny_run).mean.var(axis=0)
    assert summary["active_units"] == np.flatnonzero(variance > 0.01).tolist()
    assert summary["active_unit_count"] == len(summary["active_units"])


def test_a_run_is_not_overwritten(tiny_config, tiny_run):
    with pytest.raises(ResourceExists, match="--resume"):
        train(tiny_config, tiny_run, Terminal(), resume=False)


def test_a_resume_with_other_settings_is_refused(tiny_config, tiny_run):
    with pytest.raises(SettingInvalid, match=r"beta: is 9\.0"):
        train(replace(tiny_config, beta=9.0), tiny_run, Terminal(), resume=True)


def test_a_resume_to_fewer_epochs_is_refused(tiny_config, tiny_run):
    with pytest.raises(SettingInvalid, match="has had 2 already"):
        train(replace(tiny_config, epochs=1), tiny_run, Terminal(), resume=True)


def test_a_damaged_checkpoint_is_refused(tmp_path: Path, tiny_config: TrainConfig):
    run = RunFolder(tmp_path)
    run.checkpoint.write_bytes(b"half a checkpoint")

    with pytest.raises(StoreCorrupt, match=r"checkpoint\.pt"):
        train(tiny_config, run, Terminal(), resume=True)


def test_a_loss_that_is_no_longer_finite_stops_the_run(tiny_config, tmp_path):
    with pytest.raises(SettingInvalid, match="no longer finite"):
        train(
            replace(tiny_config, learning_rate=1e6), RunFolder(tmp_path), Terminal(), resume=False
        )
