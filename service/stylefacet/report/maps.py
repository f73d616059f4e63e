"""Lays products out on two axes; knows coordinates only, no pictures."""

import numpy as np
import numpy.typing as npt
from sklearn.manifold import TSNE

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

# About how many neighbours t-SNE tries to keep; its usual choice.
_PERPLEXITY = 30.0


def lay_out_by_variance(x: F32, shown: npt.NDArray[np.int64]) -> tuple[F64, float]:
    """Returns the places ``(shown, 2)`` on the two principal axes of all rows of ``x (n, d)``.

    The second result is the share of the variance that the two axes hold.
    """
    centred = x - x.mean(axis=0, dtype=np.float64)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(x))
    # Eigenvalues come in ascending order.
    axes = axes[:, ::-1][:, :2]
    # The sign of an axis is free; this one makes equal catalogues equal pictures.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    places = centred[shown] @ axes
    if places.shape[1] == 1:
        places = np.column_stack([places, np.zeros(len(places))])
    total = float(variances.sum())
    return places, float(variances[-2:].sum()) / total if total > 0 else 1.0


def lay_out_by_neighbours(x: F32) -> F64:
    """Returns the places ``(n, 2)`` that t-SNE gives the rows of ``x (n, d)``, n at least 3.

    Source: van der Maaten and Hinton 2008; started from the principal axes, seeded.
    """
    if not np.ptp(x, axis=0).any():
        return np.zeros((len(x), 2))
    start, _ = lay_out_by_variance(x, np.arange(len(x)))
    # The paper's authors' advice for a start: small against the final spread.
    start = (start / max(float(start[:, 0].std()), 1e-9) * 1e-4).astype(np.float32)
    perplexity = min(_PERPLEXITY, (len(x) - 1) / 3)
    model = TSNE(n_components=2, init=start, perplexity=perplexity, random_state=0)
    return np.asarray(model.fit_transform(x), np.float64)


def fit_to_square(places: F64) -> F64:
    """Returns places between 0 and 1, both axes in one scale, the smaller one centred."""
    low, high = places.min(axis=0), places.max(axis=0)
    extent = max(float((high - low).max()), 1e-9)
    return np.asarray((places - (low + high) / 2) / extent + 0.5, np.float64)
