import numpy as np
import torch

from stylefacet_training.novelty import MahalanobisNovelty


def test_novelty_is_the_squared_mahalanobis_distance_up_to_its_bound():
    rng = np.random.default_rng(2)
    mixing = rng.standard_normal((5, 5))
    mean = (rng.standard_normal((400, 5)) @ mixing + 3).astype(np.float32)

    found = MahalanobisNovelty(mean)(torch.from_numpy(mean)).numpy()

    gap = mean - mean.mean(axis=0)
    precision = np.linalg.inv(np.cov(gap.T, bias=True) + 0.01 * np.eye(5))
    distance = np.einsum("ni,ij,nj->n", gap, precision, gap)
    np.testing.assert_allclose(found, distance / np.percentile(distance, 99), rtol=1e-3)


def test_an_unused_dimension_does_not_make_a_photo_unheard_of():
    rng = np.random.default_rng(2)
    mean = rng.standard_normal((400, 3)).astype(np.float32)
    mean[:, 2] *= 1e-4

    found = MahalanobisNovelty(mean)(torch.tensor([[0.0, 0.0, 0.01]]))

    assert found.item() < 0.1
