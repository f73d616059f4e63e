"""Asks the server for near duplicates and says in a sentence how they differ; knows no HTML."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stylefacet.client import NearDuplicateGroup, NearDuplicates, Product, StylefacetClient
from stylefacet.report.catalogue import Catalogue
from stylefacet.report.wording import clean, joined

MAX_GROUP_COUNT = 12
MAX_MEMBER_COUNT = 8
# Every part of the garment costs a search of its own.
MAX_PART_COUNT = 8


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Products that hardly differ: the positions of the first of them, and it all in words."""

    members: tuple[int, ...]
    product_count: int
    sentence: str
    remarks: tuple[str, ...]
    distances: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DuplicateSet:
    """Groups that differ in one part of the garment, or in none if ``part`` is empty."""

    part: str
    rule: str
    group_count: int
    grouped_product_count: int
    groups: tuple[DuplicateGroup, ...]


def find_duplicates(
    client: StylefacetClient, catalogue: Catalogue, filter: str = "", across_styles: bool = False
) -> list[DuplicateSet]:
    """Returns the groups alike in everything, then those that differ in one part alone."""
    parts = catalogue.parts[:MAX_PART_COUNT] if len(catalogue.parts) > 1 else ()
    titles = {part.feature_id: part.title.lower() for part in catalogue.parts}
    position_of = {p.product_id: position for position, p in enumerate(catalogue.products)}
    found = []
    for differing in ("", *(part.feature_id for part in parts)):
        started = client.find_near_duplicates(
            # Named, since a catalogue without blocks of its own is compared in all its features.
            alike=[name for name in titles if name != differing],
            different=[differing] if differing else [],
            filter=filter,
            leave_out_same_style=across_styles,
            max_group_count=MAX_GROUP_COUNT,
            encoder=catalogue.encoder,
        )
        answer = client.wait_for_operation(started.operation_id).duplicates
        assert answer is not None  # What else an operation of this kind could end with.
        groups = [
            _group(group, differing, titles, catalogue, position_of) for group in answer.groups
        ]
        found.append(
            DuplicateSet(
                part=titles.get(differing, ""),
                rule=_rule(answer, titles),
                group_count=answer.group_count,
                grouped_product_count=answer.grouped_product_count,
                groups=tuple(group for group in groups if group is not None),
            )
        )
    return found


def _rule(found: NearDuplicates, titles: Mapping[str, str]) -> str:
    near = joined([f"{titles[name]} {d:.2f}" for name, d in found.alike.items()])
    far = joined([f"{titles[name]} {d:.2f}" for name, d in found.different.items()])
    beyond = f", and at least {far} apart" if far else ""
    return f"within {near}{beyond}; 1 is the distance of two products drawn at random"


def _group(
    group: NearDuplicateGroup,
    differing: str,
    titles: Mapping[str, str],
    catalogue: Catalogue,
    position_of: Mapping[str, int],
) -> DuplicateGroup | None:
    # The search came after the export: what was added in between has no place in this report.
    members = [position_of[p.product_id] for p in group.products if p.product_id in position_of]
    if len(members) < 2:
        return None
    products = [catalogue.products[member] for member in members]
    gone = len(group.products) - len(members)
    count = group.product_count - gone
    alike = joined([word for name, word in titles.items() if name != differing])
    how = f"differ only in {titles[differing]}" if differing else "hardly differ at all"
    return DuplicateGroup(
        members=tuple(members[:MAX_MEMBER_COUNT]),
        product_count=count,
        sentence=f"By their photos, these {count} {how}: they are alike in {alike}.",
        remarks=_remarks(products, complete=count == len(products)),
        distances={titles[name]: distance for name, distance in group.limits.items()},
    )


def _remarks(products: Sequence[Product], complete: bool) -> tuple[str, ...]:
    """Returns what the shop itself knows of a group, a sentence each."""
    remarks = [_style_remark(products)]
    if not complete:
        remarks.append(f"What follows is of the first {len(products)}.")
    differing = []
    for name in sorted({name for product in products for name in product.labels}):
        counts = Counter(product.labels.get(name) or "none" for product in products)
        if len(counts) > 1:
            values = ", ".join(
                f"{clean(value)} ({count})" for value, count in counts.most_common(6)
            )
            differing.append(f"{clean(name)}: {values}")
    if differing:
        remarks.append(f"By your labels they differ in {'; '.join(differing)}.")
    prices = [p.numbers["price"] for p in products if "price" in p.numbers]
    if prices and min(prices) < max(prices):
        remarks.append(f"Prices from {min(prices):g} to {max(prices):g}.")
    return tuple(remarks)


def _style_remark(products: Sequence[Product]) -> str:
    styles = {product.style_id for product in products}
    if "" in styles:
        return "Not all of them name a style: they may take sales from each other."
    if len(styles) == 1:
        style = clean(next(iter(styles)))
        return f"All are of one style, {style}: variants of each other, as planned."
    return f"They are {len(styles)} different styles: they may take sales from each other."
