"""Makes the report: asks the server, reckons, fetches pictures, writes the page; knows no file."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from stylefacet.client import StylefacetClient
from stylefacet.report.attributes import Attributes, find_attributes
from stylefacet.report.catalogue import Catalogue, read_catalogue
from stylefacet.report.duplicates import DuplicateSet, find_duplicates
from stylefacet.report.findings import Findings, MapLayout
from stylefacet.report.gaps import find_gaps
from stylefacet.report.maps import fit_to_square, lay_out_by_neighbours, lay_out_by_variance
from stylefacet.report.neighbourhoods import (
    MAX_SPOT_PICTURES,
    Neighbourhoods,
    find_neighbourhoods,
    sample_positions,
)
from stylefacet.report.page import write_page
from stylefacet.report.pictures import fetch_pictures

# Told what is being done, and how many steps of how many are done.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What to report: ``map_count`` is the most products on the map, a sample of more.

    ``encoder`` says whose products, where several serve.
    """

    filter: str = ""
    map_count: int = 1000
    across_styles: bool = False
    encoder: str = ""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What a report covers, for whoever runs it from a script."""

    product_count: int
    mapped_count: int
    picture_count: int
    duplicate_group_count: int
    gap_count: int
    encoder: str
    sequence_number: int


def make_report(
    client: StylefacetClient, options: ReportOptions, progress: Progress
) -> tuple[str, ReportFacts]:
    """Returns the report as one HTML document, and what it covers.

    Raises:
        InvalidField: when fewer than 3 products have a photo.
    """
    progress("reading the catalogue", 0, 1)
    catalogue = read_catalogue(client, options.filter, options.encoder)
    attributes = find_attributes(catalogue)
    gaps = find_gaps(attributes.shown)
    neighbourhoods = find_neighbourhoods(catalogue)
    progress("looking for near duplicates", 0, 1)
    duplicates = find_duplicates(client, catalogue, options.filter, options.across_styles)
    progress("drawing the map", 0, 1)
    mapped = sample_positions(len(catalogue.products), options.map_count)
    layouts = _layouts(catalogue, mapped.tolist())
    needed = _needed(attributes, neighbourhoods, duplicates)
    shown = list(dict.fromkeys([*needed, *mapped.tolist()]))
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        progress("fetching pictures", done, len(shown))

    pictures = fetch_pictures(client, catalogue.products, shown, advance)
    findings = Findings(
        catalogue=catalogue,
        attributes=attributes,
        gaps=tuple(gaps),
        neighbourhoods=neighbourhoods,
        duplicates=tuple(duplicates),
        mapped=tuple(mapped.tolist()),
        layouts=layouts,
        shown=tuple(shown),
        pictures=pictures,
        filter=options.filter,
        make_time=datetime.now(UTC),
    )
    facts = ReportFacts(
        product_count=len(catalogue.products),
        mapped_count=len(mapped),
        picture_count=len(pictures),
        duplicate_group_count=sum(found.group_count for found in duplicates),
        gap_count=len(gaps),
        encoder=catalogue.encoder,
        sequence_number=catalogue.sequence_number,
    )
    return write_page(findings), facts


def _layouts(catalogue: Catalogue, mapped: list[int]) -> tuple[MapLayout, ...]:
    whole = catalogue.whole()
    positions = np.array(mapped)
    by_variance, share = lay_out_by_variance(whole, positions)
    return (
        MapLayout(
            "neighbourhoods (t-SNE)",
            "Products that look alike lie side by side. Islands are families of looks; how far "
            "one island lies from another, and how large it is, means nothing.",
            fit_to_square(lay_out_by_neighbours(whole[positions])),
        ),
        MapLayout(
            "overview (PCA)",
            "The two directions in which the catalogue varies the most: they hold "
            f"{share:.0%} of all differences, so products far apart here do differ, while "
            "neighbours may still differ in other ways.",
            fit_to_square(by_variance),
        ),
    )


def _needed(
    attributes: Attributes,
    neighbourhoods: Neighbourhoods,
    duplicates: Iterable[DuplicateSet],
) -> Iterator[int]:
    """Yields the products that the sections show, the most telling sections first."""
    for found in duplicates:
        for group in found.groups:
            yield from group.members
    for spot in neighbourhoods.spots:
        yield from spot.members[:MAX_SPOT_PICTURES]
    for outlier in neighbourhoods.outliers:
        yield from (outlier.product, outlier.nearest)
    for attribute in attributes.shown:
        for examples in attribute.examples:
            yield from examples
