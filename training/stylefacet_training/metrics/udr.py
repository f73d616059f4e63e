"""Unsupervised disentanglement ranking: which model to keep, without labels.

Source: Duan et al. 2020, "Unsupervised Model Selection for Variational Disentangled
Representation Learning", equations 2 and 3, with Spearman correlation (UDR-S). It knows nothing
of factors or of how codes are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet_training.metrics.ground_truth import Matrix


@dataclass(frozen=True, slots=True)
class Udr:
    """Scores of m models trained alike from other seeds: higher is more agreed upon."""

    scores: Matrix
    """`(m,)` median agreement of each model with the others, 0 to 1."""
    pairs: Matrix
    """`(m, m)` agreement of each pair, NaN on the diagonal."""

    @property
    def best(self) -> int:
        """The index of the model to keep."""
        return int(self.scores.argmax())


def udr(
    representations: Sequence[npt.ArrayLike],
    informative: Sequence[npt.ArrayLike] | None = None,
) -> Udr:
    """Return how far each model's dimensions reappear, one to one, in the others.

    `representations` are m arrays `(n, d)` of the same n items; `informative` says for each
    which dimensions carry information (`active_units` does), by default those that vary.

    Raises:
        ValueError: with fewer than two models or other numbers of items.
    """
    codes = [np.asarray(code, np.float64) for code in representations]
    if len(codes) < 2 or len({len(code) for code in codes}) != 1:
        raise ValueError("want at least two representations of the same items")
    if informative is None:
        masks = [code.std(axis=0) > 1e-12 for code in codes]
    else:
        masks = [np.asarray(mask, np.bool_) for mask in informative]
    ranks = [_ranks(code) for code in codes]
    pairs = np.full((len(codes), len(codes)), np.nan)
    for i in range(len(codes)):
        for j in range(i + 1, len(codes)):
            similar = np.abs(ranks[i][:, masks[i]].T @ ranks[j][:, masks[j]])
            pairs[i, j] = pairs[j, i] = _agreement(similar)
    return Udr(np.nanmedian(pairs, axis=1), pairs)


def _ranks(codes: Matrix) -> Matrix:
    """Return ranks per column, centred and of unit length: their products are Spearman's."""
    order = codes.argsort(axis=0, kind="stable")
    ranks = np.empty_like(codes)
    np.put_along_axis(ranks, order, np.arange(len(codes), dtype=np.float64)[:, None], axis=0)
    ranks -= (len(codes) - 1) / 2
    return np.asarray(ranks / np.sqrt((ranks**2).sum(axis=0)))


def _agreement(similar: Matrix) -> float:
    """Return equation 3 for `(d_a, d_b)` similarities of informative dimensions."""
    if 0 in similar.shape:
        return 0.0
    strongest = similar.max(axis=0) ** 2 / np.maximum(similar.sum(axis=0), 1e-12)
    back = similar.max(axis=1) ** 2 / np.maximum(similar.sum(axis=1), 1e-12)
    return float((strongest.sum() + back.sum()) / sum(similar.shape))
