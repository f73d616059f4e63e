import numpy as np
import pytest
import torch
from torch import Tensor

from stylefacet.bundle import LatentBlock
from stylefacet_training.models.base import Posterior, VariationalModel
from stylefacet_training.plots import draw_plots
from stylefacet_training.traversals import (
    QUANTILES,
    block_encounters,
    block_moves,
    typical_code,
)


class TwoHalves(VariationalModel):
    """The upper half of the picture shows the first block's red, the lower the second's green."""

    height_px, width_px = 24, 16
    blocks = (LatentBlock("top", 0, 2), LatentBlock("bottom", 2, 4))

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def encode(self, pixels: Tensor) -> Posterior:
        raise NotImplementedError

    def decode(self, z: Tensor) -> Tensor:
        picture = torch.zeros(len(z), self.height_px, self.width_px, 3)
        picture[:, :12, :, 0] = torch.sigmoid(z[:, 0])[:, None, None]
        picture[:, 12:, :, 1] = torch.sigmoid(z[:, 2])[:, None, None]
        return picture


class Readable(TwoHalves):
    """The same, and the codes of its own pictures."""

    def encode(self, pixels: Tensor) -> Posterior:
        shares = (pixels.float() / 255.0).clamp(0.01, 0.99)
        mean = torch.zeros(len(pixels), 4)
        mean[:, 0], mean[:, 2] = shares[:, 0, 0, 0].logit(), shares[:, -1, 0, 1].logit()
        return Posterior(mean, torch.zeros_like(mean))


@pytest.fixture
def mean():
    return np.random.default_rng(0).standard_normal((200, 4)).astype(np.float32)


def test_a_block_moves_its_own_part_from_end_to_end_and_nothing_else(mean):
    moves = block_moves(TwoHalves(), mean)

    assert {(move.block, move.number) for move in moves} >= {("top", 1), ("bottom", 1)}
    top = next(move.pictures for move in moves if move.block == "top" and move.view == "whole")
    assert len(top) == len(QUANTILES)
    reds = top[:, 0, 0, 0].astype(int)
    assert abs(reds[-1] - reds[0]) > 100
    assert (np.diff(reds) >= 0).all() or (np.diff(reds) <= 0).all()
    assert (top[:, 12:] == top[:1, 12:]).all()


def test_garments_met_on_a_way_lie_nearest_to_it(mean):
    model = Readable()
    garments = np.zeros((40, 24, 16, 3), np.uint8)
    garments[:, :12, :, 0] = np.linspace(0, 255, 40).round()[:, None, None]
    garments[:, 12:, :, 1] = 128

    met = block_encounters(model, mean, garments)

    top = next(move.pictures for move in met if (move.block, move.number) == ("top", 1))
    reds = top[:, 0, 0, 0].astype(int)
    assert abs(reds[-1] - reds[0]) > 100
    assert (np.diff(reds) >= 0).all() or (np.diff(reds) <= 0).all()


def test_the_moved_garment_is_a_colourful_one_near_the_middle(mean):
    code = typical_code(TwoHalves(), mean)

    assert (mean == code).all(axis=1).any()
    distances = np.linalg.norm(mean - mean.mean(axis=0), axis=1)
    assert np.linalg.norm(code - mean.mean(axis=0)) <= np.sort(distances)[47]


def test_plots_of_a_model_with_blocks_move_blocks(mean):
    assert draw_plots(TwoHalves(), mean, seed=0)["traversal.png"].startswith(b"\x89PNG")
