"""Which latent means which factor, by measurement, as tables 5.5 and 5.6 of the thesis have it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

# |correlation| from which a factor is named in a latent's row, and named without brackets.
MINOR, MAJOR = 0.25, 0.5
# Variance of a latent's mean from which it takes part (encoding.ACTIVE_VARIANCE).
ACTIVE_VARIANCE = 0.01
_LETTERS = {"scale": "S", "horizontal": "H", "vertical": "V"}


def correlations(
    mean: npt.NDArray[np.float32], factors: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Returns |Spearman's correlation| of each latent with each factor, ``(d, f)``.

    0 for a latent that does not vary.
    """
    ranks = [np.argsort(np.argsort(x, axis=0), axis=0).astype(np.float64) for x in (mean, factors)]
    d = mean.shape[1]
    table = np.abs(np.corrcoef(ranks[0].T, ranks[1].T)[:d, d:])
    return np.asarray(np.where(mean.var(axis=0)[:, None] > ACTIVE_VARIANCE, table, 0.0))


def meaning_figures(table: npt.NDArray[np.float64], factors: Sequence[str]) -> dict[str, float]:
    """Returns the correlations ``(d, f)`` as figures: ``z1 scale`` and so on."""
    return {
        f"z{j + 1} {name}": float(value)
        for j, row in enumerate(table)
        for name, value in zip(factors, row, strict=True)
    }


def meanings(figures: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Yields each latent's name and what it means, of a part's figures."""
    rows: dict[str, list[tuple[str, float]]] = {}
    for key, value in figures.items():
        latent, _, factor = key.partition(" ")
        if latent[:1] == "z" and latent[1:].isdecimal():
            rows.setdefault(latent, []).append((_letter(factor), value))
    for latent, row in rows.items():
        yield latent, described([value for _, value in row], [letter for letter, _ in row])


def described(row: Sequence[float], letters: Sequence[str]) -> str:
    """Returns a latent's row as tables 5.5 and 5.6 write it: ``S + (V)``; N if it tells none."""
    ranked = sorted(zip(row, letters, strict=True), reverse=True)
    named = [
        letter if value >= MAJOR else f"({letter})" for value, letter in ranked if value >= MINOR
    ]
    return " + ".join(named) or ("N" if any(row) else "-")


def _letter(factor: str) -> str:
    """Returns S, H or V, with the colour's before it where there are three circles.

    A factor that is not a circle's keeps its name.
    """
    *colour, name = factor.split(" ")
    return "".join(word[0] for word in colour) + _LETTERS.get(name, name)
