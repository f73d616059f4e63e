"""Codes whose merit is known by construction: the label itself, noise, two labels in one."""

import numpy as np
import pytest

from stylefacet.errors import InvalidField
from stylefacet_training.evaluation.attributes import Labels, attribute_facts, judge, judge_blocks
from stylefacet_training.evaluation.named import draw_examples, example_counts
from stylefacet_training.evaluation.representations import Representation

COLOURS, NECKS = np.array(["blue", "green", "red"]), np.array(["crew", "hood", "polo", "v"])
COUNT = 400


def draw_labels(seed):
    rng = np.random.default_rng(seed)
    return {
        "colour": COLOURS[rng.integers(3, size=COUNT)],
        "neck": NECKS[rng.integers(4, size=COUNT)],
    }


@pytest.fixture
def labels() -> Labels:
    return Labels(draw_labels(0), draw_labels(1))


def code_of(values, names, seed, noise=0.1):
    """Returns the label as a one-hot code beside eight dimensions of noise as large."""
    rng = np.random.default_rng(seed)
    exact = np.eye(len(names))[np.searchsorted(names, values)]
    code = np.hstack([exact, rng.normal(size=(COUNT, 8))])
    return (code + rng.normal(scale=noise, size=code.shape)).astype(np.float32)


def representation_of(labels, *attributes):
    names = {"colour": COLOURS, "neck": NECKS}
    parts = [
        np.hstack([code_of(part[a], names[a], seed) for a in attributes])
        for seed, part in ((5, labels.fit), (6, labels.judged))
    ]
    return Representation("ours", *parts)


def test_a_code_that_holds_the_label_is_found_by_name(labels):
    row = judge(representation_of(labels, "neck"), labels, seed=0, draw_count=3)

    assert row.named_20["neck"].figure.precision_at_10 > 0.95
    assert row.named_all["neck"].figure.mean_average_precision > 0.95
    assert row.named_20["neck"].figure.carried_count == 3
    # The noise beside the label spoils the distance over the whole code.
    assert row.whole["neck"].precision_at_10 < row.named_20["neck"].figure.precision_at_10


def test_a_label_that_the_code_does_not_hold_stays_at_chance(labels):
    row = judge(representation_of(labels, "neck"), labels, seed=0, draw_count=3)

    chance = attribute_facts(labels)["colour"].chance
    assert row.named_20["colour"].figure.precision_at_10 == pytest.approx(
        chance.precision_at_10, abs=0.05
    )
    assert row.named_20["colour"].figure.carried_count == 0


def test_a_search_by_one_of_two_separate_labels_leaks_nothing(labels):
    row = judge(representation_of(labels, "neck", "colour"), labels, seed=0, draw_count=2)

    # Independent labels: a perfect search by one finds the other at chance, and so does this.
    assert row.named_all["neck"].leak["colour"] == pytest.approx(0.0, abs=0.05)
    assert set(row.named_all["neck"].leak) == {"colour"}


def test_a_code_that_confounds_two_labels_leaks(labels):
    both = representation_of(labels, "neck", "colour")
    # One direction for two labels: the neck cannot be asked for without the colour.
    mixed = np.concatenate([both.fit, both.judged])[:, :1] + 0
    mixed += np.concatenate([both.fit, both.judged])[:, 12:13] * 0.8
    confounded = Representation("confounded", mixed[:COUNT], mixed[COUNT:])

    row = judge(confounded, labels, seed=0, draw_count=2)

    assert row.named_all["neck"].leak["colour"] > 0.1


def test_facts_name_values_with_few_examples(labels):
    few = labels.fit["neck"].copy()
    few[:] = "crew"
    few[:7], few[7] = "v", "polo"
    facts = attribute_facts(Labels({"neck": few}, {"neck": labels.judged["neck"]}))["neck"]

    assert facts.few_examples == {"polo": 1, "v": 7}
    assert facts.unseen_values == ["hood", "polo"]
    assert facts.query_count == COUNT


def test_the_base_of_a_leak_is_chance_for_independent_labels(labels):
    facts = attribute_facts(labels)

    base = facts["neck"].leak_base["colour"]
    assert base == pytest.approx(facts["colour"].chance.precision_at_10, abs=0.03)


def test_blocks_are_judged_without_any_label(labels):
    codes = code_of(labels.judged["neck"], NECKS, 3)

    figures = judge_blocks({"collar": codes[:, :4], "noise": codes[:, 4:]}, labels)

    assert figures["collar"]["neck"].precision_at_10 > 0.95
    assert figures["noise"]["neck"].precision_at_10 < 0.4


def test_draws_hold_twenty_of_each_value_and_depend_on_the_seed_alone(labels):
    values = labels.fit["neck"]
    draw = draw_examples(values, 20, seed=4, draw=1)

    assert example_counts(draw.values) == dict.fromkeys(NECKS.tolist(), 20)
    assert np.array_equal(values[draw.positions], draw.values)
    assert np.array_equal(draw.positions, draw_examples(values, 20, 4, 1).positions)
    assert not np.array_equal(draw.positions, draw_examples(values, 20, 4, 2).positions)


def test_a_single_example_is_not_drawn():
    values = np.array(["a", "a", "", "b", "a", "c", "c"])

    assert draw_examples(values, None, 0, 0).positions.tolist() == [0, 1, 4, 5, 6]


def test_one_value_cannot_be_fitted(labels):
    alike = Labels({"neck": np.full(COUNT, "v")}, {"neck": labels.judged["neck"]})

    with pytest.raises(InvalidField, match="two values"):
        judge(representation_of(labels, "neck"), alike, seed=0, draw_count=1)
