"""Codes whose scores are known: of 600 items with a number, a category, a circle, a number."""

import numpy as np
import pytest

from stylefacet_training.data.factor import FactorKind, FactorSpec

COUNT = 600


@pytest.fixture(scope="session")
def specs() -> tuple[FactorSpec, ...]:
    return (
        FactorSpec("length", FactorKind.CONTINUOUS, "share"),
        FactorSpec("collar", FactorKind.CATEGORICAL, "type", values=("a", "b", "c", "d")),
        FactorSpec("width", FactorKind.CONTINUOUS, "share", low=2.0, high=5.0),
    )


@pytest.fixture(scope="session")
def circle() -> FactorSpec:
    return FactorSpec("hue", FactorKind.CIRCULAR, "turns")


@pytest.fixture(scope="session")
def factors(specs) -> np.ndarray:
    rng = np.random.default_rng(7)
    return np.stack([spec.draw(COUNT, rng) for spec in specs], axis=1).astype(np.float64)


@pytest.fixture(scope="session")
def identity(factors) -> np.ndarray:
    """One dimension a factor, each of unit deviation."""
    return np.asarray((factors - factors.mean(axis=0)) / factors.std(axis=0))


@pytest.fixture(scope="session")
def constant() -> np.ndarray:
    return np.full((COUNT, 3), 0.25)


@pytest.fixture(scope="session")
def duplicated(identity) -> np.ndarray:
    """Every dimension twice."""
    return np.concatenate([identity, identity], axis=1)


@pytest.fixture(scope="session")
def mixed(identity) -> np.ndarray:
    """A rotation that spreads every factor over all dimensions."""
    rotation = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3
    return np.asarray(identity @ rotation)


@pytest.fixture(scope="session")
def noise() -> np.ndarray:
    return np.random.default_rng(5).standard_normal((COUNT, 3))


@pytest.fixture(scope="session")
def hue(circle) -> np.ndarray:
    """`(n, 1)` values on a circle."""
    return np.asarray(circle.draw(COUNT, np.random.default_rng(8)))[:, None]


@pytest.fixture(scope="session")
def hue_code(hue, noise) -> np.ndarray:
    """Cosine and sine of the hue, and a dimension that tells nothing."""
    turn = 2 * np.pi * hue[:, 0]
    return np.stack([np.cos(turn), np.sin(turn), noise[:, 0]], axis=1)
