"""Sorts the catalogue by every label, feature and part of a garment; knows no HTML.

An attribute gives each product one of a few values. Labels and categories are the shop's own
words, fitted features the encoder's, numbers are cut into ranges, and a part of the garment, for
which nobody has words, into kinds of equal looks.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans

from stylefacet.report.catalogue import F32, Catalogue, Facet

I64 = npt.NDArray[np.int64]

# More values than these make no legend; the rarer ones are put together.
MAX_VALUE_COUNT = 12
MAX_ATTRIBUTE_COUNT = 24
KIND_COUNT = 6
RANGE_COUNT = 6
EXAMPLE_COUNT = 4
# A label that hardly any product has says little of the catalogue.
_MIN_LABELLED_SHARE = 0.1
# A label with nearly as many values as products is a name, not a property.
_MAX_DISTINCT_SHARE = 0.5
# k-means looks at no more; the others are sorted by what it found.
_KIND_SAMPLE = 10_000
OTHERS = "others"


class Source(StrEnum):
    """Where an attribute comes from."""

    CATEGORY = "category"
    LABEL = "label"
    NUMBER = "number"
    FEATURE = "feature"
    PART = "part"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property of every product: ``codes (n,)`` are positions in ``values``, -1 for none.

    ``examples`` are products that show a value best, by position in the catalogue.
    """

    name: str
    title: str
    source: Source
    values: tuple[str, ...]
    codes: I64
    examples: tuple[tuple[int, ...], ...]

    @property
    def named(self) -> bool:
        """Whether its values have names that somebody gave them."""
        return self.source is not Source.PART

    def counts(self) -> I64:
        """Returns how many products have each value, ``(values,)``."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of a catalogue, and in words which ones were left out."""

    shown: tuple[Attribute, ...]
    left_out: tuple[str, ...]


def find_attributes(catalogue: Catalogue) -> Attributes:
    """Returns what the catalogue can be sorted by, the shop's own words first."""
    whole = catalogue.whole()
    shown: list[Attribute] = []
    left_out: list[str] = []
    for name, source, texts in _texts(catalogue):
        why = _unusable(texts)
        if why:
            left_out.append(f"{name} ({why})")
        else:
            shown.append(_sorted_by(name, _titled(name, source), source, texts, whole))
    for facet in catalogue.facets:
        if facet.fitted and not facet.values:
            left_out.append(f"{facet.title} (this encoder does not see it)")
        elif not facet.fitted:
            shown.append(_kinds(facet))
    for name in _number_names(catalogue):
        ranged = _ranges(catalogue, name, whole)
        if ranged is not None:
            shown.append(ranged)
    left_out += [f"{attribute.title} (too many)" for attribute in shown[MAX_ATTRIBUTE_COUNT:]]
    return Attributes(tuple(shown[:MAX_ATTRIBUTE_COUNT]), tuple(left_out))


def _texts(catalogue: Catalogue) -> Iterator[tuple[str, Source, list[str]]]:
    """Yields every attribute that is made of texts, one a product, empty for none."""
    products = catalogue.products
    yield "category", Source.CATEGORY, [product.category for product in products]
    for name in sorted({name for product in products for name in product.labels}):
        yield name, Source.LABEL, [product.labels.get(name, "") for product in products]
    for facet in catalogue.facets:
        if facet.values:
            yield facet.title, Source.FEATURE, list(facet.values)


def _unusable(texts: Sequence[str]) -> str:
    """Returns why texts make no attribute; empty if they do."""
    filled = [text for text in texts if text]
    distinct = len(set(filled))
    if len(filled) < _MIN_LABELLED_SHARE * len(texts):
        return f"on {len(filled):,} products only"
    if distinct < 2:
        return "the same everywhere"
    if distinct > max(MAX_VALUE_COUNT, _MAX_DISTINCT_SHARE * len(filled)):
        return f"{distinct:,} different values"
    return ""


def _titled(name: str, source: Source) -> str:
    title = name.replace("_", " ")
    title = title[:1].upper() + title[1:]
    return f"{title} (predicted)" if source is Source.FEATURE else title


def _sorted_by(
    name: str, title: str, source: Source, texts: Sequence[str], whole: F32
) -> Attribute:
    ranked = [value for value, _ in Counter(text for text in texts if text).most_common()]
    values = ranked
    if len(ranked) > MAX_VALUE_COUNT:
        values = [*ranked[: MAX_VALUE_COUNT - 1], OTHERS]
    code_of = {value: min(code, len(values) - 1) for code, value in enumerate(ranked)}
    codes = np.array([code_of.get(text, -1) for text in texts])
    return Attribute(name, title, source, tuple(values), codes, _examples(codes, values, whole))


def _kinds(facet: Facet) -> Attribute:
    """Returns a part of the garment cut into kinds, the largest first."""
    x = facet.coordinates
    rng = np.random.default_rng(0)
    sample = x if len(x) <= _KIND_SAMPLE else x[rng.choice(len(x), _KIND_SAMPLE, replace=False)]
    kind_count = min(KIND_COUNT, len(np.unique(sample, axis=0)))
    fit = KMeans(n_clusters=kind_count, n_init=3, random_state=0).fit(sample)
    found = np.asarray(fit.predict(x), np.int64)
    order = np.argsort(-np.bincount(found, minlength=kind_count), kind="stable")
    codes = np.argsort(order)[found]
    values = tuple(f"kind {letter}" for letter in "ABCDEFGH"[:kind_count])
    title = f"{facet.title} (by looks)"
    examples = _examples(codes, values, x)
    return Attribute(facet.feature_id, title, Source.PART, values, codes, examples)


def _number_names(catalogue: Catalogue) -> list[str]:
    return sorted({name for product in catalogue.products for name in product.numbers})


def _ranges(catalogue: Catalogue, name: str, whole: F32) -> Attribute | None:
    """Returns a number cut into ranges of equal width; none if it hardly varies or is rare."""
    numbers = np.array([product.numbers.get(name, np.nan) for product in catalogue.products])
    known = np.isfinite(numbers)
    if known.sum() < _MIN_LABELLED_SHARE * len(numbers):
        return None
    # A few extreme ones would leave all others in one range.
    low, high = np.quantile(numbers[known], [0.02, 0.98])
    if not low < high:
        return None
    edges = np.linspace(low, high, RANGE_COUNT + 1)[1:-1]
    codes = np.where(known, np.searchsorted(edges, numbers, side="right"), -1)
    texts = [f"{edge:.3g}" for edge in edges]
    inner = [f"{a} to {b}" for a, b in itertools.pairwise(texts)]
    values = (f"under {texts[0]}", *inner, f"{texts[-1]} and more")
    title = _titled(name, Source.NUMBER)
    return Attribute(name, title, Source.NUMBER, values, codes, _examples(codes, values, whole))


def _examples(codes: I64, values: Sequence[str], x: F32) -> tuple[tuple[int, ...], ...]:
    """Returns the products nearest to the middle of each value, the nearest first."""
    found = []
    for code in range(len(values)):
        members = np.flatnonzero(codes == code)
        if not len(members):
            found.append(())
            continue
        away = np.square(x[members] - x[members].mean(axis=0)).sum(axis=1)
        nearest = members[np.argsort(away, kind="stable")[:EXAMPLE_COUNT]]
        found.append(tuple(nearest.tolist()))
    return tuple(found)
