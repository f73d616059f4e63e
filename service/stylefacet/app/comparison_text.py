"""Says in a plain sentence what a comparison of products shows; measures nothing itself."""

from collections.abc import Sequence
from itertools import combinations

from stylefacet.app.comparison import Comparison, FeatureComparison

# In a feature, a product is called closer to the first only if it is so by this factor.
_CLEARLY = 1.25
_MOST_NAMED = 4
# Longer names bury what is said of them.
_LONGEST_NAME = 24


def describe(comparison: Comparison) -> str:
    """Returns an English sentence.

    First what products have in common, then which of them is closest to the first where none is
    like it, or, of two products, where they differ most.
    """
    names = _names(comparison)
    alike = _alike_groups(comparison)
    sentences = [
        f"{_join([names[n] for n in group])} are alike in {_join(features, _MOST_NAMED)}"
        for group, features in alike.items()
    ]
    if len(names) == 2:
        return _describe_two(comparison, sentences)
    if not sentences:
        sentences.append("no two are alike in any feature")
    sentences += [
        f"{names[number]} is closest to {names[0]} in {_join(features, _MOST_NAMED)}"
        for number, features in _closest_to_first(comparison).items()
    ]
    return _sentence("; ".join(sentences))


def _describe_two(comparison: Comparison, alike: Sequence[str]) -> str:
    apart = _most_different(comparison)
    if not alike:
        return _sentence(f"the two are alike in no feature; they differ most in {apart}")
    return _sentence(f"{alike[0]}, and differ most in {apart}" if apart else alike[0])


def _sentence(text: str) -> str:
    # Names stay as they are; only our own words begin with a capital.
    begins = text.startswith(("no two ", "the two "))
    return f"{text[0].upper() if begins else text[0]}{text[1:]}."


def _names(comparison: Comparison) -> list[str]:
    """Returns what to call each product: display names if short and different, else ids."""
    shown = [product.display_name for product in comparison.products]
    if len(set(shown)) == len(shown) and all(0 < len(name) <= _LONGEST_NAME for name in shown):
        return shown
    return [product.id for product in comparison.products]


def _alike_groups(comparison: Comparison) -> dict[tuple[int, ...], list[str]]:
    """Returns the largest groups of products that are pairwise alike, with the features."""
    groups: dict[tuple[int, ...], list[str]] = {}
    count = len(comparison.products)
    for position in range(len(comparison.pairs[0].features)):
        same = {
            (pair.first, pair.second) for pair in comparison.pairs if pair.features[position].alike
        }
        left = set(range(count))
        for size in range(count, 1, -1):
            for group in combinations(range(count), size):
                if left.issuperset(group) and same.issuperset(combinations(group, 2)):
                    left -= set(group)
                    groups.setdefault(group, []).append(_label(comparison, group, position))
    return dict(sorted(groups.items(), key=lambda item: (-len(item[0]), item[0])))


def _label(comparison: Comparison, group: Sequence[int], position: int) -> str:
    found = next(p for p in comparison.pairs if (p.first, p.second) == tuple(group[:2]))
    feature = found.features[position]
    return f"{_name(feature)} ({feature.value})" if feature.value else _name(feature)


def _most_different(comparison: Comparison) -> str:
    features = [feature for feature in comparison.pairs[0].features if not feature.alike]
    if not features:
        return ""
    worst = max(features, key=lambda feature: (feature.nearer_share, feature.distance))
    if worst.value:
        return f"{_name(worst)} ({worst.value} and {worst.other_value})"
    return _name(worst)


def _closest_to_first(comparison: Comparison) -> dict[int, list[str]]:
    """Returns by product the features in which it is clearly closest to the first, if not alike."""
    found: dict[int, list[str]] = {}
    with_first = [pair for pair in comparison.pairs if pair.first == 0]
    for position in range(len(with_first[0].features)):
        ranked = sorted(with_first, key=lambda pair: pair.features[position].distance)
        nearest, following = ranked[0].features[position], ranked[1].features[position]
        is_clear = following.distance >= _CLEARLY * nearest.distance
        if is_clear and not any(pair.features[position].alike for pair in with_first):
            found.setdefault(ranked[0].second, []).append(_name(nearest))
    return dict(sorted(found.items()))


def _name(feature: FeatureComparison) -> str:
    """Returns the feature's name as it stands inside a sentence."""
    name = feature.display_name
    # "Sleeve length" becomes "sleeve length", "V neck" and "UV" stay.
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def _join(words: Sequence[str], most: int | None = None) -> str:
    """Returns words as "a, b and c", counting those beyond ``most``."""
    kept = list(words)
    if most is not None and len(kept) > most:
        kept = [*kept[: most - 1], f"{len(words) - most + 1} more"]
    if len(kept) == 1:
        return kept[0]
    return f"{', '.join(kept[:-1])} and {kept[-1]}"
