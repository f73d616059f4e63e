"""The report of the catalogue that the demo imports."""

from collections import Counter

import pytest

from stylefacet.client import StylefacetClient
from stylefacet.report import ReportFacts, ReportOptions, make_report
from stylefacet.report.pictures import MAX_PICTURE_BYTES
from tests.report.pages import Page


@pytest.fixture(scope="module")
def made(demo: StylefacetClient) -> tuple[Page, ReportFacts]:
    html, facts = make_report(demo, ReportOptions(map_count=200), lambda *_: None)
    return Page(html), facts


def test_all_products_are_counted_and_a_sample_is_on_the_map(
    made: tuple[Page, ReportFacts], demo: StylefacetClient
):
    page, facts = made
    count = sum(1 for _ in demo.list_products())

    assert (facts.product_count, facts.mapped_count) == (count, 200)
    assert f"A random sample of 200 of {count:,} products" in page.text["map"]


def test_every_label_is_covered_in_the_numbers_of_the_catalogue(
    made: tuple[Page, ReportFacts], demo: StylefacetClient
):
    coverage = " ".join(made[0].text["coverage"].split())
    collars = Counter(product.labels["collar"] for product in demo.list_products())

    for collar, count in collars.items():
        assert f"{collar} {count} {count / collars.total():.0%}" in coverage
    assert {"Category", "Collar", "Colour", "Pattern", "Sleeve", "Sleeve length"} <= {
        colouring["title"] for colouring in made[0].data["colourings"]
    }


def test_pictures_stay_within_their_bound(made: tuple[Page, ReportFacts]):
    page, facts = made
    pictures = page.data["pictures"].values()

    assert facts.picture_count == len(pictures) >= 200
    assert sum(map(len, pictures)) <= MAX_PICTURE_BYTES
