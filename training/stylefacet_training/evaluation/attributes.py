"""Attribute retrieval of representations on labelled photos; knows no file and no network.

Three questions of every representation and attribute: *whole*, by distance over all of the code;
*named*, by the feature that the product fits from labelled photos of the other part; and *leak*,
by how much a search for one attribute fixes the others too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet_training.evaluation.named import (
    MIN_EXAMPLES,
    Draw,
    Population,
    draw_examples,
    example_counts,
)
from stylefacet_training.evaluation.representations import Codes, Representation
from stylefacet_training.metrics.retrieval import (
    Retrieval,
    chance,
    oracle_precision_at_10,
    precision_at_10,
    retrieval,
)

Values = npt.NDArray[np.str_]
# Examples a value in the row that the goals are set in.
EXAMPLE_COUNT = 20


@dataclass(frozen=True, slots=True)
class Labels:
    """Values by attribute, ``(m,)`` of the photos to fit on and ``(n,)`` of those to judge."""

    fit: Mapping[str, Values]
    judged: Mapping[str, Values]

    @property
    def attributes(self) -> Sequence[str]:
        """The attributes in the order asked for."""
        return tuple(self.judged)


@dataclass(frozen=True, slots=True)
class Figure:
    """A retrieval figure: means over draws, and their standard deviation where there are several.

    ``carried_count`` of ``draw_count`` fits found more than chance in their own examples.
    """

    precision_at_10: float
    mean_average_precision: float
    precision_spread: float = 0.0
    average_precision_spread: float = 0.0
    draw_count: int = 1
    carried_count: int = 1

    @classmethod
    def of(cls, found: Retrieval) -> "Figure":
        """Returns the figure of a single ranking."""
        return cls(found.precision_at_10, found.mean_average_precision)

    @classmethod
    def over(cls, found: Sequence[Retrieval], carried_count: int) -> "Figure":
        """Returns mean and standard deviation over draws."""
        precisions = [one.precision_at_10 for one in found]
        averages = [one.mean_average_precision for one in found]
        several = len(found) > 1
        return cls(
            float(np.mean(precisions)),
            float(np.mean(averages)),
            float(np.std(precisions, ddof=1)) if several else 0.0,
            float(np.std(averages, ddof=1)) if several else 0.0,
            draw_count=len(found),
            carried_count=carried_count,
        )


@dataclass(frozen=True, slots=True)
class NamedFigures:
    """What searching by the fitted feature of an attribute gives.

    ``leak[b]`` is, for another attribute ``b``, the P@10 of ``b`` in rankings by this feature
    minus that of a perfect search by this attribute's label: the oracle that ranks items of the
    query's label first and is blind beyond it (``oracle_precision_at_10``). Queries and searched
    items are those with a value of both attributes; values of ``b`` with fewer than 10 of them
    are no queries. 0 is ideal. Above it, the feature also fixes ``b``; below, it misses so much
    of its own attribute that even what comes with it by correlation is lost.
    """

    figure: Figure
    leak: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One representation: figures by attribute."""

    name: str
    dimension_count: int
    whole: Mapping[str, Figure]
    named_20: Mapping[str, NamedFigures]
    named_all: Mapping[str, NamedFigures]


@dataclass(frozen=True, slots=True)
class AttributeFacts:
    """What an attribute's figures rest on, the same for every representation.

    ``leak_base[b]`` is the P@10 of another attribute ``b`` that a perfect search by this one gives:
    what ``NamedFigures.leak`` is counted from. ``few_examples`` holds the values with fewer than
    20 examples to fit on, with their number: all of them are used, so their draws hardly differ.
    A single example is not used at all.
    """

    query_count: int
    item_count: int
    value_count: int
    chance: Figure
    oracle_precision_at_10: float
    leak_base: Mapping[str, float]
    few_examples: Mapping[str, int]
    unseen_values: Sequence[str]


def attribute_facts(labels: Labels) -> Mapping[str, AttributeFacts]:
    """Returns counts, chance and the best possible figure, by attribute."""
    facts = {}
    for attribute, judged in labels.judged.items():
        blind = chance(judged)
        counts = example_counts(labels.fit[attribute])
        asked = example_counts(judged)
        facts[attribute] = AttributeFacts(
            query_count=blind.query_count,
            item_count=blind.item_count,
            value_count=len(asked),
            chance=Figure.of(blind),
            oracle_precision_at_10=oracle_precision_at_10(judged, judged),
            leak_base={
                other: oracle_precision_at_10(_of_both(labels, attribute, other), judged)
                for other in labels.attributes
                if other != attribute
            },
            few_examples={v: c for v, c in counts.items() if c < EXAMPLE_COUNT},
            unseen_values=[v for v in asked if counts.get(v, 0) < MIN_EXAMPLES],
        )
    return facts


def judge(
    representation: Representation,
    labels: Labels,
    *,
    seed: int,
    draw_count: int,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Row:
    """Returns all figures of one representation.

    Raises:
        InvalidField: when an attribute has fewer than two values to fit on.
    """
    population = Population(representation.fit)
    whole, few, full = {}, {}, {}
    for number, attribute in enumerate(labels.attributes):
        whole[attribute] = Figure.of(retrieval(representation.judged, labels.judged[attribute]))
        values = labels.fit[attribute]
        draws = [draw_examples(values, EXAMPLE_COUNT, seed, i) for i in range(draw_count)]
        few[attribute] = _named(population, representation.judged, labels, attribute, draws, seed)
        everything = [draw_examples(values, None, seed, 0)]
        full[attribute] = _named(
            population, representation.judged, labels, attribute, everything, seed
        )
        advance(number + 1, len(labels.attributes))
    return Row(representation.name, representation.dimension_count, whole, few, full)


def judge_blocks(
    features: Mapping[str, Codes], labels: Labels
) -> Mapping[str, Mapping[str, Figure]]:
    """Returns, by feature, how a search by that feature alone finds each attribute.

    ``features`` holds the coordinates ``(n, k)`` of the judged photos in features that need no
    example.
    """
    return {
        name: {a: Figure.of(retrieval(codes, labels.judged[a])) for a in labels.attributes}
        for name, codes in features.items()
    }


def _named(
    population: Population,
    judged: Codes,
    labels: Labels,
    attribute: str,
    draws: Sequence[Draw],
    seed: int,
) -> NamedFigures:
    fits = [population.fit(draw, judged, seed) for draw in draws]
    found = [retrieval(fit.coordinates, labels.judged[attribute]) for fit in fits]
    leaks = [_leak(fit.coordinates, labels, attribute) for fit in fits]
    return NamedFigures(
        Figure.over(found, sum(fit.carried for fit in fits)),
        {other: float(np.mean([leak[other] for leak in leaks])) for other in leaks[0]},
    )


def _leak(coordinates: Codes, labels: Labels, attribute: str) -> Mapping[str, float]:
    own = labels.judged[attribute]
    leak = {}
    for other in labels.attributes:
        if other != attribute:
            values = _of_both(labels, attribute, other)
            leak[other] = precision_at_10(coordinates, values) - oracle_precision_at_10(values, own)
    return leak


def _of_both(labels: Labels, attribute: str, other: str) -> Values:
    """Returns the judged photos' values of ``other``, empty where they have none of the first."""
    return np.where(labels.judged[attribute] != "", labels.judged[other], "")
