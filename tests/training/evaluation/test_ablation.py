import re

import pytest
import torch

from stylefacet.errors import InvalidField
from stylefacet_training.ablation import LEVERS, AblationPlan, Lever, ablate, levers_named
from stylefacet_training.config import preset
from stylefacet_training.data.garments import write_garments
from stylefacet_training.evaluation.ablation_table import ablation_table
from stylefacet_training.models.catalogue import BLOCK_SHARES
from stylefacet_training.models.trunk import Trunk
from stylefacet_training.terminal import Terminal

CHOSEN = ("as shipped", "block sleeve alone", "block palette alone", "no pairs", "d 24")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return AblationPlan(
        write_garments(tmp_path_factory.mktemp("garments"), 160, seed=3).parent,
        "filename",
        ("labels.sleeve",),
        seeds=(0, 1),
        draw_count=1,
        levers=[lever for lever in LEVERS if lever.name in CHOSEN],
        cache=tmp_path_factory.mktemp("cache"),
    )


@pytest.fixture(scope="module")
def found(plan):
    return ablate(plan, preset("catalogue"), Terminal())


def test_every_lever_is_judged_over_every_seed(found):
    assert tuple(outcome.lever for outcome in found.outcomes) == CHOSEN
    assert [outcome.dimension_count for outcome in found.outcomes] == [96, 8, 34, 96, 24]
    assert all(len(outcome.whole["labels.sleeve"]) == 2 for outcome in found.outcomes)


def test_kept_features_give_the_same_figures(plan, found):
    assert len(list(plan.cache.iterdir())) == 1
    assert ablate(plan, preset("catalogue"), Terminal()) == found


def test_the_table_has_a_row_a_lever_and_differences_from_the_first(found):
    lines = ablation_table(found).splitlines()

    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == list(CHOSEN)
    assert lines[2].endswith("|  |  |")
    assert re.search(r"\| [+-]\d+\.\d ±\d+\.\d \| [+-]\d+\.\d ±\d+\.\d \|$", lines[3])


def test_a_lever_shares_out_all_dimensions():
    sizes = {lever.name: lever.sizes(96) for lever in LEVERS}

    assert sizes["as shipped"] == BLOCK_SHARES
    assert sizes["one block: the garment's maps"] == {"garment": 96}
    assert sizes["the same and a palette"] == {"garment": 62, "palette": 34}
    assert sum(Lever("x").sizes(48).values()) == 48


def test_a_random_trunk_is_fixed_by_its_seed_and_keeps_its_signal():
    pictures = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    maps = []
    for seed in (1, 1, 2):
        trunk = Trunk((5, 8))
        trunk.randomise(seed, pictures)
        maps.append(trunk(pictures)[1])

    assert torch.equal(maps[0], maps[1])
    assert not torch.equal(maps[0], maps[2])
    assert 0.3 < float(maps[0].std()) < 3.0


def test_levers_are_chosen_by_name_beside_the_encoder_as_shipped():
    assert [lever.name for lever in levers_named(["d 24"])] == ["as shipped", "d 24"]
    assert levers_named([]) == LEVERS
    with pytest.raises(InvalidField, match="d 24"):
        levers_named(["d 25"])
