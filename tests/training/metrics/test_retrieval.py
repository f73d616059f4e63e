import numpy as np
import pytest

from stylefacet_training.metrics.retrieval import (
    chance,
    oracle_precision_at_10,
    precision_at_10,
    retrieval,
)

# Six values of very different frequency, one too rare to be a query, and items without any.
NAMES = np.array(["", "crew", "v", "polo", "hood", "boat", "rare"])
ODDS = (0.1, 0.4, 0.2, 0.15, 0.08, 0.05, 0.02)


@pytest.fixture
def values() -> np.ndarray:
    return NAMES[np.random.default_rng(3).choice(len(NAMES), size=300, p=ODDS)]


def slow_loop(codes, values):
    """The same figures, one query and one item at a time."""
    items = [i for i, value in enumerate(values) if value]
    precisions, averages = [], []
    for query in items:
        if sum(values[i] == values[query] for i in items) < 10:
            continue
        others = [i for i in items if i != query]
        others.sort(key=lambda i: (float(((codes[i] - codes[query]) ** 2).sum()), i))
        relevant = [values[i] == values[query] for i in others]
        precisions.append(sum(relevant[:10]) / 10)
        hits = [sum(relevant[: k + 1]) / (k + 1) for k, yes in enumerate(relevant) if yes]
        averages.append(sum(hits) / len(hits))
    return np.mean(precisions), np.mean(averages), len(precisions), len(items)


@pytest.mark.parametrize("seed", [0, 1])
def test_retrieval_agrees_with_a_slow_loop(values, seed):
    codes = np.random.default_rng(seed).normal(size=(300, 5)) + (values == "polo")[:, None]

    found = retrieval(codes, values)

    precision, average, query_count, item_count = slow_loop(codes, values)
    assert found.precision_at_10 == pytest.approx(precision, abs=1e-12)
    assert found.mean_average_precision == pytest.approx(average, abs=1e-12)
    assert (found.query_count, found.item_count) == (query_count, item_count)


def test_ties_keep_the_stored_order(values):
    # Whole numbers have many equal distances, of which most are not zero.
    codes = np.random.default_rng(7).integers(0, 2, size=(300, 3)).astype(float)

    found = retrieval(codes + 0.3, values)

    assert found.precision_at_10 == pytest.approx(slow_loop(codes, values)[0], abs=1e-12)
    assert found.mean_average_precision == pytest.approx(slow_loop(codes, values)[1], abs=1e-12)


def test_the_fast_precision_is_the_same(values):
    codes = np.random.default_rng(5).integers(0, 4, size=(300, 3)).astype(float)

    assert precision_at_10(codes, values) == retrieval(codes, values).precision_at_10


def test_an_identity_code_reaches_the_oracle(values):
    codes = np.eye(len(NAMES))[np.searchsorted(np.sort(NAMES), values)]

    found = retrieval(codes, values)

    assert found.mean_average_precision == pytest.approx(1.0)
    assert found.precision_at_10 == pytest.approx(oracle_precision_at_10(values, values))
    assert found.precision_at_10 > 0.99


def test_a_constant_code_ranks_by_stored_order(values):
    constant = retrieval(np.full((300, 4), 0.1), values)

    assert constant.mean_average_precision == pytest.approx(
        slow_loop(np.zeros((300, 4)), values)[1], abs=1e-12
    )
    assert constant.mean_average_precision < chance(values).mean_average_precision + 0.03


def test_random_codes_come_near_chance(values):
    found = [
        retrieval(np.random.default_rng(seed).normal(size=(300, 4)), values) for seed in range(20)
    ]

    expected = chance(values)
    # Twenty means of some 260 queries each: their own mean lies within a hundredth.
    assert np.mean([f.precision_at_10 for f in found]) == pytest.approx(
        expected.precision_at_10, abs=0.01
    )
    assert np.mean([f.mean_average_precision for f in found]) == pytest.approx(
        expected.mean_average_precision, abs=0.01
    )


def test_a_duplicated_code_changes_nothing(values):
    codes = np.random.default_rng(2).normal(size=(300, 4)).astype(np.float32)

    assert retrieval(np.hstack([codes, codes]), values) == retrieval(codes, values)


def test_the_oracle_of_another_label_agrees_with_many_searches(values):
    rng = np.random.default_rng(11)
    by = np.where(values == "crew", "a", rng.choice(["a", "b", ""], size=300))
    by[:4] = "f"  # Fewer than ten items: their top ten is filled with others.
    codes = np.zeros((300, 12))
    codes[np.arange(300), np.searchsorted(["", "a", "b", "f"], by)] = 1
    # A little noise orders the items of one label, and otherwise for each query.
    trials = [
        precision_at_10(codes + rng.normal(scale=1e-3, size=codes.shape), values)
        for _ in range(100)
    ]

    assert np.mean(trials) == pytest.approx(oracle_precision_at_10(values, by), abs=0.004)


def test_an_independent_label_tells_no_more_than_chance():
    values = np.repeat(["a", "b"], 500)
    by = np.tile(["x", "y"], 500)

    assert oracle_precision_at_10(values, by) == pytest.approx(
        chance(values).precision_at_10, abs=1e-3
    )


def test_without_a_common_value_there_is_no_figure():
    values = np.array([f"value {i}" for i in range(20)])

    found = retrieval(np.zeros((20, 2)), values)

    assert np.isnan(found.precision_at_10)
    assert found.query_count == 0
