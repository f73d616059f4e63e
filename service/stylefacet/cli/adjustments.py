"""The options of "like this, but ...": reads adjustments of a query and tells what they did."""

import math
from collections.abc import Mapping, Sequence

import click

from stylefacet.client import Adjustment, FeatureMove, QueryMove

# What is dragged along by less than this, in the feature's scale, is not worth a word.
_LEAST_TOLD = 0.1


def parse_pairs(
    ctx: click.Context, parameter: click.Parameter, texts: Sequence[str]
) -> dict[str, str]:
    """Returns what texts ``FEATURE=TEXT`` say of each feature."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value:
            raise click.BadParameter(f"{text!r} is not {parameter.metavar}")
        if name in pairs:
            raise click.BadParameter(f"{name} is named twice; say one thing of it")
        pairs[name] = value
    return pairs


def read_adjustments(
    toward: Mapping[str, str],
    borrow: Mapping[str, str],
    move: Mapping[str, str],
    order: Mapping[str, str],
    share: float | None,
) -> list[Adjustment]:
    """Returns the adjustments that the options ask for."""
    unmoved = sorted(set(order) - set(move))
    if unmoved:
        raise click.UsageError(f"--order is of use with --move alone; {unmoved[0]} is not moved")
    if share is not None and not (toward or borrow):
        raise click.UsageError("--share is of use with --toward or --borrow")
    adjustments = [Adjustment(name, value=value, share=share) for name, value in toward.items()]
    adjustments += [Adjustment(name, product=other, share=share) for name, other in borrow.items()]
    adjustments += [
        Adjustment(name, units=_units(name, text), order=_values(order.get(name, "")))
        for name, text in move.items()
    ]
    return adjustments


def title_of(adjustments: Sequence[Adjustment]) -> str:
    """Returns the adjustments in words, such as "but sleeve long"; empty for none."""
    parts = []
    for adjustment in adjustments:
        if adjustment.value is not None:
            parts.append(f"{adjustment.feature} {adjustment.value}")
        elif adjustment.product is not None:
            parts.append(f"{adjustment.feature} of {adjustment.product}")
        else:
            parts.append(f"{adjustment.feature} {adjustment.units:+g}")
    return f"but {' and '.join(parts)}" if parts else ""


def describe_move(move: QueryMove) -> list[str]:
    """Returns in lines how far the query moved, and what it dragged along."""
    asked = [feature for feature in move.features if feature.requested]
    dragged = [
        feature
        for feature in move.features
        if not feature.requested and feature.distance >= _LEAST_TOLD
    ]
    lines = [f"moved: {', '.join(map(_words, asked))}"]
    if dragged:
        dragged.sort(key=lambda feature: -feature.distance)
        lines.append(f"dragged along: {', '.join(map(_words, dragged))}")
    return lines


def _words(feature: FeatureMove) -> str:
    text = f"{feature.feature_id} {feature.distance:.2f}"
    if not feature.value_before:
        return text
    if feature.value_before == feature.value_after:
        return f"{text} (still {feature.value_after})"
    return f"{text} ({feature.value_before} to {feature.value_after})"


def _units(name: str, text: str) -> float:
    try:
        units = float(text)
    except ValueError:
        units = math.nan
    if not math.isfinite(units):
        raise click.UsageError(f"--move {name}={text} is no number, such as {name}=+1.5")
    return units


def _values(text: str) -> tuple[str, ...]:
    return tuple(value.strip() for value in text.split(",") if value.strip())
