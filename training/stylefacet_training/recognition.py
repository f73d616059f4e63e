"""Recognises a product by a picture: a frozen ImageNet network, a layer trained on triplets.

Source: thesis on log ends, section 5.4: EfficientNet (here lite0), maximum over space, a dense
layer of 1024, unit length, triplet loss with semi-hard mining, margin 0.6, Adam 1e-4. The base is
frozen, so its features are computed once, of a few augmented copies of each picture instead of a
new one an epoch. Knows no experiment and no file.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from stylefacet_training.config import TrainConfig
from stylefacet_training.loop import Learner, fit
from stylefacet_training.losses import Batch, Losses

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]

FEATURE_DIMS = 1280
EMBEDDING_DIMS = 1024
MARGIN = 0.6


class Recogniser(nn.Module):
    """The layer above the frozen features: ``(b, 1280)`` to unit vectors ``(b, 1024)``."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(FEATURE_DIMS, EMBEDDING_DIMS)

    def forward(self, features: Tensor) -> Tensor:
        """Returns embeddings of unit length."""
        return functional.normalize(self.dense(features), dim=1)


def semi_hard_loss(embeddings: Tensor, labels: Tensor, margin: float = MARGIN) -> Tensor:
    """Returns the mean triplet loss over all pairs of one label in a batch, a scalar.

    The negative of a pair is the nearest that is farther than the positive; where there is none,
    the farthest of all. Distances are squared. Source: Schroff et al. 2015, section 3.2.
    """
    distance = torch.cdist(embeddings, embeddings).square()  # (b, b)
    same = labels[:, None] == labels[None]
    anchors, positives = torch.nonzero(same & ~torch.eye(len(labels), dtype=torch.bool)).T
    if not len(anchors):
        return embeddings.sum() * 0.0
    apart = distance[anchors, positives]  # (t,)
    others = distance[anchors].masked_fill(same[anchors], float("inf"))  # (t, b)
    harder = others.masked_fill(others <= apart[:, None], float("inf")).amin(1)
    farthest = others.masked_fill(same[anchors], float("-inf")).amax(1)
    negative = torch.where(torch.isfinite(harder), harder, farthest)
    valid = torch.isfinite(negative)
    return functional.relu(apart - negative + margin)[valid].sum() / max(1, int(valid.sum()))


@dataclass(frozen=True, slots=True)
class TripletObjective:
    """Semi-hard triplet loss over a batch of items, each in several pictures.

    ``features`` is ``(n, k, 1280)``: n pictures in k augmented copies, of which each step draws
    one; ``labels`` ``(n,)`` says what they show; ``members`` ``(m, p)`` are the pictures of item
    m. A batch's ``index`` are items: it brings all p pictures of each.
    """

    model: Recogniser
    features: Tensor
    labels: Tensor
    members: Tensor

    def __call__(self, batch: Batch, epoch: float) -> Losses:
        """Returns the losses of a batch."""
        pictures = self.members[batch.index].flatten()
        copy = torch.randint(self.features.shape[1], (len(pictures),))
        embeddings = self.model(self.features[pictures, copy])
        loss = semi_hard_loss(embeddings, self.labels[pictures])
        return Losses(loss, loss.detach(), torch.zeros(0))


def train_recogniser(
    features: Features,
    labels: npt.NDArray[np.int64],
    members: npt.NDArray[np.int64],
    *,
    epochs: int,
    batch_size: int = 32,
) -> Recogniser:
    """Returns a recogniser trained on items of p pictures each, ``members`` ``(m, p)``.

    ``labels`` ``(n,)`` says which pictures show the same; an item may bring its own negative.
    """
    torch.manual_seed(0)
    model = Recogniser()
    objective = TripletObjective(
        model, torch.from_numpy(features), torch.from_numpy(labels), torch.from_numpy(members)
    )
    config = replace(TrainConfig(), epochs=epochs, batch_size=batch_size, learning_rate=1e-4)
    # The loop carries pictures; all that this objective looks at is their index.
    nothing = torch.zeros(len(members), 1)
    fit(Learner(model, objective, config), nothing, np.arange(len(members)), config)
    return model


@dataclass(frozen=True, slots=True)
class Recognition:
    """Shares of items: whose positive is the nearest of all positives; nearer than one negative.

    ``chance`` is that of the first; of the second it is a half.
    """

    first: float
    triplet: float
    chance: float


@torch.no_grad()
def recognised(
    model: Recogniser, anchors: Features, positives: Features, seed: int = 0
) -> Recognition:
    """Returns how often the positive of each anchor ``(m, 1280)`` is found among all positives."""
    one, other = (model(torch.from_numpy(part)) for part in (anchors, positives))
    distance = torch.cdist(one, other)
    own = distance.diagonal()
    first = float((distance.argmin(1) == torch.arange(len(own))).float().mean())
    # A negative an anchor: the positive of another item, drawn once.
    shift = np.random.default_rng(seed).integers(1, len(own), len(own))
    drawn = torch.from_numpy((np.arange(len(own)) + shift) % len(own))
    nearer = own < distance[torch.arange(len(own)), drawn]
    return Recognition(first, float(nearer.float().mean()), 1.0 / len(own))
