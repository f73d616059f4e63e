"""Fits named features from labelled latent vectors; knows neither photos nor products.

A fit is a linear discriminant analysis (Fisher 1936), steadied in two ways because 20 examples a
value cannot settle a covariance of 96 dimensions: every latent dimension is first scaled by the
share of its spread between values that is more than noise, so that dimensions that say nothing
of the feature drop out; then the covariance within values is shrunk towards a sphere. The sphere
is that of the latent vector: an encoder gives large variance to what it is sure of.

The discriminants tell values apart. For searching, the dimensions that say most of the feature
stand beside them as they are: what few examples cannot settle, such as how alike two V-necks are,
the encoder knows without any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField
from stylefacet.features.projection import Projection, fit_scale

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

# Shares of the sphere that cross-validation chooses from.
SHRINKAGES = (0.1, 0.3, 0.5, 0.7, 0.9)
FOLD_COUNT = 5
# Standard errors above chance from which on a feature counts as carried.
CARRIED_Z = 3.0
NEIGHBOUR_COUNT = 10
# Latent dimensions beside the discriminants, and the power of their reliability that scales them.
# Chosen on tune parts of two catalogues; see training/README.md.
COMPANION_COUNT = 8
COMPANION_POWER = 4
# Examples a value up to which they count as much as the discriminants; from there on they count
# less, as the error of a mean does.
COMPANION_EXAMPLES = 3
# Share of the largest square under which a direction counts as empty.
_EMPTY = 1e-12
_BIN_COUNT = 10
_TEMPERATURES = np.geomspace(0.02, 5.0, 25)


@dataclass(frozen=True, slots=True)
class FitQuality:
    """How well a fit does on examples it was not fitted on; shares in 0..1."""

    balanced_accuracy: float
    chance_accuracy: float
    precision_at_10: float
    chance_precision_at_10: float
    carried: bool
    example_count: int
    # Expected calibration error over held-out examples; None of a fit of an earlier release.
    calibration_error: float | None = None


@dataclass(frozen=True, slots=True)
class FittedFeature:
    """A projection whose leading coordinates tell values apart, and what prediction needs.

    ``centres`` is ``(c, l)``: the mean of each value's examples in the ``l`` leading scaled
    coordinates, the discriminants. ``sharpness`` turns squared distances to them into logarithms of
    probability. The other coordinates are for searching alone.
    """

    projection: Projection
    values: tuple[str, ...]
    centres: F64
    sharpness: float
    quality: FitQuality

    def probabilities(self, means: F32) -> F64:
        """Returns calibrated probabilities ``(n, c)`` of latent vectors ``(n, d)``."""
        coordinates = self.projection.coordinates(means)[:, : self.discriminant_count]
        distances = _squared_distances(coordinates.astype(np.float64), self.centres)
        return _softmax(-self.sharpness * distances)

    @property
    def discriminant_count(self) -> int:
        """How many of the coordinates, from the first on, tell values apart."""
        return int(self.centres.shape[1])

    def rescaled(self, scale: float) -> "FittedFeature":
        """Returns the same feature in coordinates of another scale; predictions stay."""
        factor = scale / self.projection.scale
        return replace(
            self,
            projection=replace(self.projection, scale=scale),
            centres=self.centres * factor,
            sharpness=self.sharpness / factor**2,
        )

    def to_model(self) -> dict[str, object]:
        """Returns all but the projection as values that JSON carries."""
        return {
            "values": list(self.values),
            "centres": self.centres.tolist(),
            "sharpness": self.sharpness,
            "quality": asdict(self.quality),
        }

    @classmethod
    def from_model(cls, projection: Projection, model: Mapping[str, object]) -> "FittedFeature":
        """Returns the feature that :meth:`to_model` was called on."""
        return cls(
            projection,
            tuple(cast("list[str]", model["values"])),
            np.array(model["centres"], dtype=np.float64),
            cast("float", model["sharpness"]),
            FitQuality(**cast("dict[str, float]", model["quality"])),  # type: ignore[arg-type]
        )


def fit_values(
    means: F32,
    values: Sequence[str],
    population_covariance: F64,
    seed: int = 0,
    companion_count: int = COMPANION_COUNT,
) -> FittedFeature:
    """Returns the feature that tells the values of labelled latent vectors ``(n, d)`` apart.

    At most ``companion_count`` latent dimensions stand beside the discriminants.

    ``population_covariance`` is ``(d, d)``, that of the vectors to be searched: it sets the
    scale. Cross-validation chooses the shrinkage and measures the quality.

    Raises:
        InvalidField: for fewer than two values, or fewer than two examples of one.
    """
    names, labels = np.unique(np.asarray(values), return_inverse=True)
    _check_examples(names, labels)
    wide = means.astype(np.float64)
    folds = _folds(labels, seed)
    parts = [_Part.of(wide, labels, folds != fold) for fold in range(FOLD_COUNT)]
    scores = [_cross_validate(wide, labels, parts, s, companion_count) for s in SHRINKAGES]
    best = max(range(len(scores)), key=lambda i: scores[i].log_likelihood)

    examples = _Examples(wide, labels)
    discriminants = examples.discriminants(SHRINKAGES[best])
    companions = examples.companions(discriminants, companion_count)
    matrix = np.vstack([discriminants, companions]).astype(np.float32)
    scale = fit_scale("the fit", matrix, population_covariance)
    projection = Projection(matrix, scale)
    leading = projection.coordinates(means)[:, : len(discriminants)].astype(np.float64)
    return FittedFeature(
        projection,
        tuple(str(name) for name in names),
        _class_means(leading, labels),
        # Found for unscaled coordinates.
        scores[best].sharpness / scale**2,
        _quality(scores[best], labels),
    )


@dataclass(frozen=True, slots=True)
class _Score:
    predicted: Labels
    precisions: F64
    sharpness: float
    log_likelihood: float
    calibration_error: float


def _check_examples(names: npt.NDArray[np.str_], labels: Labels) -> None:
    if len(names) < 2:
        raise InvalidField("examples", f"show {len(names)} value; give two values or more")
    counts = np.bincount(labels)
    if counts.min() < 2:
        value = names[counts.argmin()]
        raise InvalidField("examples", f"show {value!s} once; give two examples of it or more")


def _folds(labels: Labels, seed: int) -> Labels:
    """Returns a fold for each example, such that every value is spread over the folds."""
    rng = np.random.default_rng(seed)
    folds = np.empty(len(labels), np.int64)
    for label in range(labels.max() + 1):
        mine = rng.permutation(np.flatnonzero(labels == label))
        folds[mine] = np.arange(len(mine)) % FOLD_COUNT
    return folds


class _Examples:
    """Labelled vectors, decomposed once: discriminants at any shrinkage then cost next to nothing.

    ``mixed = (1 - shrinkage) * within + shrinkage * sphere * I`` has the eigenvectors of
    ``within`` at every shrinkage, and outside their span it is a multiple of the identity. They
    are found from the smaller of ``residuals.T @ residuals`` and ``residuals @ residuals.T``.
    """

    def __init__(self, wide: F64, labels: Labels) -> None:
        counts = np.bincount(labels)
        centres = _class_means(wide, labels)
        self._reliability = _reliability(wide, labels, centres)
        self._wide, self._value_count = wide, len(counts)
        residuals = (wide - centres[labels]) * self._reliability
        centres = centres * self._reliability
        self._spread = centres - centres.mean(axis=0)
        freedom = max(len(wide) - len(counts), 1)
        self._sphere = max(float((residuals**2).sum()) / freedom / wide.shape[1], 1e-12)
        self._rank = min(len(counts) - 1, wide.shape[1])
        n, d = residuals.shape
        if n < d:
            squares, vectors = np.linalg.eigh(residuals @ residuals.T)
            kept = squares > _EMPTY * max(squares[-1], 1e-300)
            # (r, d): what is missing of the span carries nothing.
            axes = (vectors[:, kept] / np.sqrt(squares[kept])).T @ residuals
            squares = squares[kept]
        else:
            squares, vectors = np.linalg.eigh(residuals.T @ residuals)
            axes = vectors.T
        self._axes, self._variances = axes, np.maximum(squares, 0.0) / freedom

    def discriminants(self, shrinkage: float) -> F64:
        """Returns the ``(k, d)`` map to at most one coordinate fewer than there are values."""
        sphere = shrinkage * self._sphere
        along = self._spread @ self._axes.T
        beside = self._spread - along @ self._axes
        # (c, d): spread @ inverse(mixed)
        solved = along / ((1 - shrinkage) * self._variances + sphere) @ self._axes
        solved += beside / sphere
        squares, vectors = np.linalg.eigh(solved @ self._spread.T)
        squares, vectors = squares[::-1][: self._rank], vectors[:, ::-1][:, : self._rank]
        kept = squares > _EMPTY * max(squares[0], 1e-300)
        strengths = np.sqrt(squares[kept])
        return np.asarray((vectors[:, kept] / strengths).T @ solved * self._reliability)

    def companions(self, discriminants: F64, count: int) -> F64:
        """Returns the ``(m, d)`` map to what stands beside discriminants ``(k, d)``.

        They are at most ``count`` dimensions, those of largest spread after scaling by a power of
        their reliability. Together they spread as the discriminants do, and less where there are
        many examples.
        """
        variances = self._wide.var(axis=0)
        weights = self._reliability**COMPANION_POWER
        spreads = weights**2 * variances
        chosen = np.sort(np.argsort(-spreads, kind="stable")[:count])
        chosen = chosen[spreads[chosen] > 0]
        matrix = np.zeros((len(chosen), self._wide.shape[1]))
        matrix[np.arange(len(chosen)), chosen] = weights[chosen]
        spread = float((self._wide @ discriminants.T).var(axis=0).sum())
        share = min(1.0, COMPANION_EXAMPLES * self._value_count / len(self._wide))
        return np.asarray(matrix * np.sqrt(share * spread / max(spreads[chosen].sum(), 1e-30)))


def _reliability(wide: F64, labels: Labels, centres: F64) -> F64:
    """Returns the share of each dimension's spread between values that noise does not explain.

    It is ``max(0, 1 - 1/F)``, ``(d,)``, with the F of a one-way analysis of variance; the
    positive part of James and Stein's estimator (Efron and Morris 1973, section 2).
    """
    counts = np.bincount(labels)
    within = ((wide - centres[labels]) ** 2).sum(axis=0) / max(len(wide) - len(counts), 1)
    deviations = centres - wide.mean(axis=0)
    between = (counts[:, None] * deviations**2).sum(axis=0) / (len(counts) - 1)
    share = np.maximum(1.0 - within / np.maximum(between, 1e-30), 0.0)
    # Where nothing stands out of the noise there is nothing to choose by.
    return share if share.any() else np.ones_like(share)


@dataclass(frozen=True, slots=True)
class _Part:
    """The examples outside a fold, which is ``~kept``; none where they do not show every value."""

    kept: npt.NDArray[np.bool_]
    examples: _Examples | None

    @classmethod
    def of(cls, wide: F64, labels: Labels, kept: npt.NDArray[np.bool_]) -> "_Part":
        whole = not kept.all() and len(np.unique(labels[kept])) == labels.max() + 1
        return cls(kept, _Examples(wide[kept], labels[kept]) if whole else None)


def _cross_validate(
    wide: F64, labels: Labels, parts: Sequence[_Part], shrinkage: float, companion_count: int
) -> _Score:
    distances = np.full((len(labels), labels.max() + 1), np.inf)
    precisions = np.full(len(labels), np.nan)
    for part in parts:
        if part.examples is None:
            continue
        kept, held = part.kept, ~part.kept
        discriminants = part.examples.discriminants(shrinkage)
        coordinates = wide @ discriminants.T
        centres = _class_means(coordinates[kept], labels[kept])
        distances[held] = _squared_distances(coordinates[held], centres)
        beside = wide @ part.examples.companions(discriminants, companion_count).T
        searched = np.hstack([coordinates, beside])
        precisions[held] = _precisions(searched[held], labels[held], searched[kept], labels[kept])
    judged = np.isfinite(distances).all(axis=1)
    predicted = np.where(judged, distances.argmin(axis=1), -1)
    likelihoods = [
        float(
            np.log(_softmax(-s * distances[judged])[range(judged.sum()), labels[judged]] + 1e-12)
            @ (1.0 / np.bincount(labels)[labels[judged]])
        )
        for s in _TEMPERATURES
    ]
    best = int(np.argmax(likelihoods))
    sharpness = float(_TEMPERATURES[best])
    chances = _softmax(-sharpness * distances[judged])
    error = _calibration_error(chances, labels[judged])
    return _Score(predicted, precisions, sharpness, likelihoods[best], error)


def _calibration_error(chances: F64, labels: Labels) -> float:
    """Returns the expected calibration error of predictions ``(n, c)``; 0 for none.

    Source: Guo et al. 2017 ("On Calibration of Modern Neural Networks"), equation 3, ten bins.
    """
    if not len(labels):
        return 0.0
    confidence = chances.max(axis=1)
    gap = (chances.argmax(axis=1) == labels) - confidence
    bins = np.minimum((confidence * _BIN_COUNT).astype(np.int64), _BIN_COUNT - 1)
    sums = np.bincount(bins, weights=gap, minlength=_BIN_COUNT)
    return float(np.abs(sums).sum() / len(labels))


def _precisions(queries: F64, asked: Labels, gallery: F64, labels: Labels) -> F64:
    """Returns for each query the share of its nearest examples that have its value."""
    count = min(NEIGHBOUR_COUNT, len(gallery))
    shares = np.empty(len(queries))
    for start in range(0, len(queries), 512):
        part = slice(start, start + 512)
        nearest = np.argpartition(_squared_distances(queries[part], gallery), count - 1, axis=1)
        shares[part] = (labels[nearest[:, :count]] == asked[part, None]).mean(axis=1)
    return shares


def _quality(score: _Score, labels: Labels) -> FitQuality:
    counts = np.bincount(labels)
    correct = np.bincount(labels, weights=score.predicted == labels) / counts
    chance = 1.0 / len(counts)
    # Standard error of a balanced accuracy that is guessed.
    error = float(np.sqrt((chance * (1 - chance) / counts).sum()) / len(counts))
    accuracy = float(correct.mean())
    return FitQuality(
        balanced_accuracy=accuracy,
        chance_accuracy=chance,
        precision_at_10=float(np.nanmean(score.precisions)),
        chance_precision_at_10=float((counts / counts.sum()) @ (counts / counts.sum())),
        carried=bool(accuracy > chance + CARRIED_Z * error),
        example_count=len(labels),
        calibration_error=score.calibration_error,
    )


def _class_means(points: F64, labels: Labels) -> F64:
    sums = np.zeros((labels.max() + 1, points.shape[1]))
    np.add.at(sums, labels, points)
    return sums / np.bincount(labels)[:, None]


def _squared_distances(points: F64, others: F64) -> F64:
    cross = points @ others.T
    squares = (points**2).sum(axis=1)[:, None] - 2 * cross + (others**2).sum(axis=1)
    return np.asarray(np.maximum(squares, 0.0))


def _softmax(logits: F64) -> F64:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
