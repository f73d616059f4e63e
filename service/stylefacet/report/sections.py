"""Writes the report's sections in plain words, a function each; reckons nothing."""

from collections import Counter

from stylefacet.client import Product
from stylefacet.report.attributes import Attribute, Attributes
from stylefacet.report.duplicates import DuplicateGroup, DuplicateSet
from stylefacet.report.findings import Findings
from stylefacet.report.gaps import Gap
from stylefacet.report.markup import card, escaped, escaped_prose, thumbnails
from stylefacet.report.neighbourhoods import MAX_SPOT_PICTURES, Spot
from stylefacet.report.wording import clean, counted, joined

# What a crowded spot has in common is told when most of it has it and the catalogue has not.
_COMMON_SHARE = 0.6
_COMMON_LIFT = 1.5


def summary(findings: Findings) -> str:
    """Returns what matters, each point a sentence."""
    catalogue = findings.catalogue
    points = [
        f"{counted(len(catalogue.products), 'product')} with a photo, seen in "
        f"{joined([part.title.lower() for part in catalogue.parts])}."
    ]
    for found in findings.duplicates:
        if found.group_count:
            groups = counted(found.group_count, "group")
            points.append(
                f"{groups} of {found.grouped_product_count:,} products {_in_what(found)}."
            )
    if not any(found.group_count for found in findings.duplicates):
        points.append("No two products are near duplicates.")
    spots = findings.neighbourhoods.spots
    if spots:
        points.append(
            f"The most crowded spot holds {counted(len(spots[0].members), 'product')} where a "
            f"usual one holds {findings.neighbourhoods.usual_count + 1}."
        )
    for gap in findings.gaps[:2]:
        points.append(f"{_gap_sentence(gap)}")
    if catalogue.without_image_count:
        count = counted(catalogue.without_image_count, "product")
        points.append(f"{count} without a photo are not in this report.")
    return "<ul>" + "".join(f"<li>{escaped_prose(point)}</li>" for point in points) + "</ul>"


def coverage(findings: Findings) -> str:
    """Returns how the catalogue spreads over each property."""
    blocks = "".join(_spread(attribute, findings) for attribute in findings.attributes.shown)
    return blocks + _left_out(findings.attributes)


def _spread(attribute: Attribute, findings: Findings) -> str:
    counts = attribute.counts()
    known = int(counts.sum())
    rows = []
    for code, value in enumerate(attribute.values):
        share = counts[code] / max(known, 1)
        width = 100 * counts[code] / max(int(counts.max()), 1)
        rows.append(
            f'<tr><th scope="row"><bdi>{escaped(value)}</bdi></th>'
            f'<td class="number">{counts[code]:,}</td><td class="number">{share:.0%}</td>'
            f'<td class="bar"><svg viewBox="0 0 100 8" preserveAspectRatio="none" '
            f'role="img" aria-label="{share:.0%}"><rect width="{width:.1f}" height="8"/></svg></td>'
            f"<td>{thumbnails(attribute.examples[code], findings.catalogue.products)}</td></tr>"
        )
    missing = len(attribute.codes) - known
    remark = f"{counted(missing, 'product')} without this are left out. " if missing else ""
    if not attribute.named:
        remark += "Kinds are found by the encoder and have no names; the pictures show each. "
    largest = counts.max() / max(known, 1)
    remark += f"The largest holds {largest:.0%}."
    return (
        f'<div class="spread"><h3><bdi>{escaped(attribute.title)}</bdi></h3>'
        f"<p>{escaped_prose(remark)}</p><table>{''.join(rows)}</table></div>"
    )


def _left_out(attributes: Attributes) -> str:
    if not attributes.left_out:
        return ""
    names = joined([clean(text) for text in attributes.left_out])
    return f'<p class="aside">Not shown: {escaped_prose(names)}.</p>'


def gaps(findings: Findings) -> str:
    """Returns the combinations that are missing."""
    if not findings.gaps:
        return (
            "<p>None: no combination of two common properties is missing in a way that chance "
            "would not explain.</p>"
        )
    products = findings.catalogue.products
    rows = "".join(
        f"<li><p>{escaped_prose(_gap_sentence(gap))}</p><div class='pair'>"
        f"{_example_of(gap.first, gap.first_code, products)}"
        f"{_example_of(gap.second, gap.second_code, products)}</div></li>"
        for gap in findings.gaps
    )
    return (
        "<p>Two properties that are both common, and hardly ever on one product. Some exclude each "
        "other by their nature; the others may be room for a product.</p>"
        f'<ol class="gaps">{rows}</ol>'
    )


def _example_of(attribute: Attribute, code: int, products: tuple[Product, ...]) -> str:
    label = escaped(f"{attribute.title}: {attribute.values[code]}")
    pictures = thumbnails(attribute.examples[code], products)
    return f"<div><span><bdi>{label}</bdi></span>{pictures}</div>"


def _gap_sentence(gap: Gap) -> str:
    first = f"{clean(gap.first.title)}: {clean(gap.first.values[gap.first_code])}"
    second = f"{clean(gap.second.title)}: {clean(gap.second.values[gap.second_code])}"
    there = "No product has" if not gap.count else f"Only {gap.count} have"
    return (
        f"{there} both “{first}” and “{second}”; about {gap.expected_count:.0f} would, if the two "
        "were combined as freely as the rest."
    )


def crowded(findings: Findings) -> str:
    """Returns the most crowded spots, with what their products share."""
    found = findings.neighbourhoods
    if not found.spots:
        return "<p>None: no place holds twice as many products as a usual one.</p>"
    spots = "".join(_spot(spot, findings) for spot in found.spots)
    return (
        "<p>Where many products look much alike, one more is hard to tell from the rest, and one "
        f"less may not be missed.</p>{spots}"
    )


def _spot(spot: Spot, findings: Findings) -> str:
    products = findings.catalogue.products
    usual = findings.neighbourhoods.usual_count + 1
    sentence = (
        f"{counted(len(spot.members), 'product')} where a usual spot of this size holds {usual}."
    )
    common = _common(spot, findings.attributes)
    if common:
        sentence += f" What they share: {joined(common)}."
    shown = spot.members[:MAX_SPOT_PICTURES]
    cards = "".join(card(position, products[position]) for position in shown)
    return (
        f'<div class="group"><p class="lead">{escaped_prose(sentence)}</p>'
        f'<div class="cards">{cards}{_more(len(spot.members) - len(shown))}</div></div>'
    )


def _common(spot: Spot, attributes: Attributes) -> list[str]:
    found = []
    for attribute in attributes.shown:
        codes = attribute.codes[list(spot.members)]
        (code, count), *_ = Counter(codes.tolist()).most_common(1)
        if code < 0 or not attribute.named:
            continue
        share = count / len(codes)
        usual = float((attribute.codes == code).mean())
        if share >= max(_COMMON_SHARE, _COMMON_LIFT * usual):
            value = f"{clean(attribute.title)}: {clean(attribute.values[code])}"
            found.append(f"{value} ({share:.0%} of them, {usual:.0%} of all)")
    return found


def duplicates(findings: Findings) -> str:
    """Returns the groups of products that hardly differ, by what they differ in."""
    filled = [found for found in findings.duplicates if found.group_count]
    empty = [found for found in findings.duplicates if not found.group_count]
    blocks = "".join(_duplicate_set(found, findings) for found in filled)
    if empty:
        kinds = [_in_what(found) for found in empty]
        blocks += f'<p class="aside">No products {escaped_prose(joined(kinds, "or"))}.</p>'
    return blocks


def _in_what(found: DuplicateSet) -> str:
    return f"differ only in {found.part}" if found.part else "hardly differ at all"


def _duplicate_set(found: DuplicateSet, findings: Findings) -> str:
    title = f"Different only in {found.part}" if found.part else "Alike in everything"
    shown = len(found.groups)
    groups = "".join(_group(group, findings) for group in found.groups)
    largest = f", the largest {shown} shown" if found.group_count > shown else ""
    facts = (
        f"{counted(found.group_count, 'group')} of {found.grouped_product_count:,} products"
        f"{largest}: {found.rule}."
    )
    return (
        f'<h3>{escaped(title)}</h3><p class="aside">{escaped_prose(facts)}</p>'
        f'<div class="grid wide">{groups}</div>'
    )


def _group(group: DuplicateGroup, findings: Findings) -> str:
    products = findings.catalogue.products
    cards = "".join(
        card(p, products[p], f"style {products[p].style_id}" if products[p].style_id else "")
        for p in group.members
    )
    distances = ", ".join(f"{name} {d:.2f}" for name, d in group.distances.items())
    remarks = " ".join(group.remarks)
    return (
        f'<div class="group"><p class="lead">{escaped_prose(group.sentence)}</p>'
        f"<p>{escaped_prose(remarks)}</p>"
        f'<div class="cards">{cards}{_more(group.product_count - len(group.members))}</div>'
        f'<p class="aside">Distances: {escaped_prose(distances)}.</p></div>'
    )


def outliers(findings: Findings) -> str:
    """Returns the products that stand alone, each beside the one nearest to it."""
    products = findings.catalogue.products
    rows = []
    for found in findings.neighbourhoods.outliers:
        times = f"{found.remoteness:.1f} times as far from its neighbours as usual"
        sentence = f"{times}; it stands out the most in {found.part.lower()}."
        rows.append(
            f'<div class="group narrow"><p class="lead">{escaped_prose(sentence)}</p>'
            f'<div class="cards">{card(found.product, products[found.product])}'
            f"{card(found.nearest, products[found.nearest], 'nearest to it')}</div></div>"
        )
    return (
        "<p>The products farthest from all others. They may be what sets the catalogue apart, or a "
        "photo that went wrong: of the back, of a detail, of something else.</p>"
        f'<div class="grid">{"".join(rows)}</div>'
    )


def about(findings: Findings) -> str:
    """Returns what the report rests on, and where it shows less than all."""
    catalogue = findings.catalogue
    total = len(catalogue.products)
    facts = [
        f"Made {findings.make_time:%Y-%m-%d %H:%M} UTC with encoder {catalogue.encoder}, "
        f"catalogue at change {catalogue.sequence_number}."
    ]
    if findings.filter:
        facts.append(f"Only products that pass the filter {clean(findings.filter)}.")
    if len(findings.mapped) < total:
        facts.append(f"The map shows a random sample of {len(findings.mapped):,} of {total:,}.")
    if findings.neighbourhoods.measured_count < total:
        facts.append(
            "Crowded spots and outliers are those of a random sample of "
            f"{findings.neighbourhoods.measured_count:,}."
        )
    missing = len(findings.shown) - len(findings.pictures)
    if missing:
        facts.append(f"{counted(missing, 'picture')} are left out: not kept, or beyond 12 MiB.")
    facts.append(
        "Products are compared by their photos alone: what a photo does not show, such as how a "
        "fabric feels, is not in this report. A product with several photos lies in their middle."
    )
    return "".join(f"<p>{escaped_prose(fact)}</p>" for fact in facts)


def _more(count: int) -> str:
    return f'<p class="more">and {count:,} more</p>' if count > 0 else ""
