"""The report of a real server's catalogue: its sections, its numbers, its names."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from stylefacet.client import StylefacetClient
from stylefacet.errors import InvalidField
from stylefacet.report import ReportOptions, make_report
from stylefacet.report.page import MAX_REPORT_BYTES
from tests.report.conftest import COLOURS, PRODUCT_COUNT, product
from tests.report.pages import Page

SECTIONS = ("summary", "map", "duplicates", "coverage", "gaps", "crowded", "outliers", "about")


def silent(*_: object) -> None:
    pass


def report_of(client: StylefacetClient, options: ReportOptions | None = None) -> Page:
    html, _ = make_report(client, options or ReportOptions(), silent)
    assert len(html.encode()) < MAX_REPORT_BYTES
    return Page(html)


def whole(client: StylefacetClient) -> np.ndarray:
    rows = [row for row in client.export_features().products if row.places]
    return np.array([[c for place in row.places for c in place.coordinates] for row in rows])


@pytest.fixture(scope="module")
def html(shop: StylefacetClient) -> str:
    text, _ = make_report(shop, ReportOptions(), silent)
    return text


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_every_section_is_there_and_says_something(page: Page):
    assert [t[1]["id"] for t in page.tags if t[0] == "section"] == list(SECTIONS)
    assert all(len(page.text[section].split()) > 10 for section in SECTIONS)
    assert "80 products with a photo" in page.text["summary"]
    assert "1 product without a photo" in page.text["summary"]


def test_nothing_is_loaded_from_elsewhere(page: Page):
    links = [a.get("src") or a.get("href") for _, a in page.tags if "src" in a or "href" in a]
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)

    assert all(link is not None and link.startswith("#") for link in links)
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_coverage_counts_what_the_catalogue_has(page: Page):
    expected = [COLOURS[n % 4] for n in range(PRODUCT_COUNT)]
    coverage = " ".join(page.text["coverage"].split())

    for colour in COLOURS:
        assert f"{colour} {expected.count(colour)} 25%" in coverage
    assert "dress 40 50%" in coverage
    assert "Collar (by looks) Kinds are found" in coverage


def test_codes_of_the_map_are_those_of_the_catalogue(page: Page):
    colour = next(c for c in page.data["colourings"] if c["title"] == "Colour")
    values = [colour["values"][code] for code in colour["codes"]]

    assert values == [product(n).labels["colour"] for n in range(PRODUCT_COUNT)]
    assert [p["id"] for p in page.data["products"]] == [f"p{n:02}" for n in range(PRODUCT_COUNT)]


def test_overview_is_the_principal_axes_of_the_export(shop: StylefacetClient, page: Page):
    x = whole(shop) - whole(shop).mean(axis=0)
    _, lengths, axes = np.linalg.svd(x, full_matrices=False)
    expected = x @ axes[:2].T
    places = np.array(page.data["layouts"][1]["places"])

    # Signs and scale are free; four digits are written.
    for axis in range(2):
        likeness = np.corrcoef(expected[:, axis], places[:, axis])[0, 1]
        assert abs(likeness) == pytest.approx(1, abs=1e-5)
    share = np.square(lengths[:2]).sum() / np.square(lengths).sum()
    assert f"{share:.0%} of all differences" in page.data["layouts"][1]["hint"]


def test_neighbours_on_the_tsne_map_are_neighbours_of_the_export(
    shop: StylefacetClient, page: Page
):
    x, places = whole(shop), np.array(page.data["layouts"][0]["places"])
    nearest = [np.argsort(np.square(x - row).sum(axis=1))[1] for row in x]
    drawn = [np.argsort(np.square(places - row).sum(axis=1))[1:6] for row in places]

    kept = np.mean([a in b for a, b in zip(nearest, drawn, strict=True)])
    assert kept > 0.8  # by chance 5 of 79


def test_outliers_are_the_products_farthest_from_their_five_nearest(
    shop: StylefacetClient, page: Page
):
    x = whole(shop)
    distances = np.sqrt(np.square(x[:, None] - x).sum(axis=2))
    remoteness = np.sort(distances, axis=1)[:, 1:6].mean(axis=1)
    first = remoteness.argmax()

    times = f"{remoteness[first] / np.median(remoteness):.1f}"
    assert re.findall(r"([\d.]+) times as far", page.text["outliers"])[0] == times
    cards = [a["data-picture"] for t, a in page.tags if t == "img"]
    assert str(first) in cards


def test_missing_combination_of_common_values_is_a_gap(page: Page):
    gaps = " ".join(page.text["gaps"].split())

    # 20 of 80 are knitted, 40 are tops.
    assert gaps.count(" both “") == 1
    assert "No product has both “Category: top” and “Fabric: knit”; about 10 would" in gaps


def test_duplicates_are_those_the_server_finds_and_told_in_a_sentence(
    shop: StylefacetClient, page: Page
):
    operation = shop.find_near_duplicates()
    found = shop.wait_for_operation(operation.operation_id).duplicates
    assert found is not None

    told = " ".join(page.text["duplicates"].split())
    assert found.group_count > 0
    groups = "1 group" if found.group_count == 1 else f"{found.group_count} groups"
    assert f"{groups} of {found.grouped_product_count} products" in told
    size = len(found.groups[0].products)
    assert f"By their photos, these {size} hardly differ at all: they are alike in" in told
    assert "Prices from" in told


def test_filter_and_map_size_limit_the_report(shop: StylefacetClient):
    options = ReportOptions(filter='category = "dress"', map_count=12)
    page = report_of(shop, options)

    assert "40 products with a photo" in page.text["summary"]
    assert len(page.data["products"]) == len(page.data["layouts"][0]["places"]) == 12
    assert "A random sample of 12 of 40 products" in page.text["map"]
    assert 'filter category = "dress"' in page.text["about"]


def test_hostile_names_stay_text(html: str, page: Page):
    assert html.count("</script>") == 2
    assert "\u202e" not in html
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]
    assert sum(tag == "img" and "src" in a for tag, a in page.tags) == 0
    assert "</script><img src=x onerror=" in page.text["coverage"]
    assert "</script><img src=x onerror=" in page.data["products"][7]["name"]


def test_every_picture_is_a_jpeg_and_is_there_once(page: Page):
    pictures = page.data["pictures"]
    needed = {a["data-picture"] for t, a in page.tags if t == "img"}

    assert needed <= set(pictures) == {str(n) for n in range(PRODUCT_COUNT)}
    head, _, body = pictures["0"].partition(",")
    with Image.open(io.BytesIO(base64.b64decode(body))) as picture:
        assert (head, picture.format) == ("data:image/jpeg;base64", "JPEG")
        assert picture.size == (24, 32)


def test_two_products_are_too_few(shop: StylefacetClient):
    with pytest.raises(InvalidField, match="2 products with a photo pass it"):
        make_report(shop, ReportOptions(filter="price < 12"), silent)


def test_three_products_are_enough(shop: StylefacetClient):
    page = report_of(shop, ReportOptions(filter="price < 13"))

    assert "3 products with a photo" in page.text["summary"]
    assert len(page.data["layouts"][0]["places"]) == 3
