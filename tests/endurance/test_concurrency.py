"""A few seconds of callers side by side, and what must be noticed of what they see."""

import sys

import pytest

from stylefacet.client import Product
from stylefacet.client.values import Hit
from tests.endurance.concurrency import Notes, check_hits, run, table, with_value
from tests.endurance.site import new_site

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def hit(product: Product, image_id: str) -> Hit:
    return Hit(product, f"products/{product.product_id}/images/{image_id}", 0.5, ())


def test_a_whole_product_is_no_fault():
    notes = Notes()
    check_hits(notes, (hit(with_value("owner4-1", "v7"), "v7"), hit(Product("example-1"), "x")))

    assert notes.faults == []


def test_a_product_of_two_writes_is_a_fault():
    notes = Notes()
    labels = {"first": "v7", "second": "v8", "third": "v8"}
    notes.value_of(Product("shared-1", display_name="v8", labels=labels), "read")

    assert notes.faults == ["read: half of shared-1: ['v7', 'v8']"]


def test_a_product_with_the_image_of_another_write_is_a_fault():
    notes = Notes()
    check_hits(notes, (hit(with_value("owner4-1", "v7"), "v6"),))

    assert notes.faults == ["search: half of owner4-1: v7 with the image of v6"]


@pytest.mark.parametrize("with_postgresql", [False, True], ids=["sqlite", "postgresql"])
def test_callers_side_by_side_see_whole_products_and_single_registers(with_postgresql: bool):
    with new_site(with_postgresql) as site:
        result, _ = run(site, 0.06, seed=1)

    grown = ("rss_mib", "thread_count", "descriptor_count")
    assert [fault for fault in result.faults if not fault.startswith(grown)] == []
    for what in ("read", "write", "search", "own product made, found and deleted"):
        assert result.counts[what] > 0
    assert "| faults |" in table(result)
