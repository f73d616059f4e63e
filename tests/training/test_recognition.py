import numpy as np
import pytest
import torch

from stylefacet_training.augmentation import altered
from stylefacet_training.recognition import (
    FEATURE_DIMS,
    Recogniser,
    recognised,
    semi_hard_loss,
    train_recogniser,
)


def brute_force_loss(x: torch.Tensor, labels: list[int], margin: float) -> float:
    """The same by loops over triplets."""
    costs = []
    for a in range(len(x)):
        for p in range(len(x)):
            if a == p or labels[a] != labels[p]:
                continue
            near = float((x[a] - x[p]).square().sum())
            negatives = [
                float((x[a] - x[n]).square().sum()) for n in range(len(x)) if labels[n] != labels[a]
            ]
            harder = [d for d in negatives if d > near]
            costs.append(max(0.0, near - (min(harder) if harder else max(negatives)) + margin))
    return sum(costs) / len(costs)


def test_semi_hard_mining_chooses_what_a_loop_over_all_triplets_chooses():
    torch.manual_seed(0)
    labels = [0, 0, 1, 1, 1, 2, 3, 3]
    x = torch.nn.functional.normalize(torch.randn(8, 3), dim=1)

    found = semi_hard_loss(x, torch.tensor(labels), margin=0.6)

    assert found.item() == pytest.approx(brute_force_loss(x, labels, 0.6), rel=1e-5)


def test_a_batch_without_a_pair_costs_nothing():
    x = torch.randn(3, 4, requires_grad=True)

    loss = semi_hard_loss(x, torch.arange(3))

    assert loss.item() == 0.0
    loss.backward()


@pytest.fixture
def looks() -> tuple[np.ndarray, np.ndarray]:
    """Features of 60 items in two pictures each, whose likeness drowns in what is not theirs."""
    rng = np.random.default_rng(0)
    features = 3 * rng.normal(size=(120, 1, FEATURE_DIMS)).astype(np.float32)
    own = rng.normal(size=(60, 20)).astype(np.float32)
    features[:, 0, :20] += 6 * np.concatenate([own, own])
    return features, np.stack([np.arange(60), np.arange(60, 120)], 1)


def test_a_recogniser_learns_what_tells_items_apart(looks):
    features, members = looks
    labels = np.concatenate([np.arange(60), np.arange(60)])
    torch.manual_seed(0)
    before = recognised(Recogniser(), features[:60, 0], features[60:, 0])

    model = train_recogniser(features, labels, members, epochs=20)

    after = recognised(model, features[:60, 0], features[60:, 0])
    assert after.first > before.first + 0.2
    assert after.chance == pytest.approx(1 / 60)


def test_alterations_keep_the_size_and_the_background():
    pixels = np.full((3, 40, 30, 3), 230, np.uint8)
    pixels[:, 10:30, 8:22] = (200, 30, 30)

    found = altered(pixels, np.random.default_rng(0))

    assert found.shape == pixels.shape
    assert not (found == pixels).all(axis=(1, 2, 3)).any()
    # The corner is background in every copy, darker or lighter.
    assert np.ptp(found[:, 0, 0].astype(int), axis=1).max() < 12
