"""What a search reads of the store: its query before the ranking, its hits after it."""

import numpy as np
import pytest

from stylefacet.catalog.entities import Sequences
from stylefacet.catalog.store import Store
from stylefacet.errors import ResourceMissing
from tests.catalog.rows import E1, make_row


def test_a_query_tells_where_the_store_stood(store: Store):
    store.write_rows([make_row("p1", "1"), make_row("p2", "2")], E1)
    store.write_rows([make_row("p1", "3")], E1)

    found = store.read_query("p1", "e1")

    assert found.sequences == store.sequences() == Sequences(2, 0)
    assert {"p1": found.product_key} == store.find_product_keys(["p1"])
    for read, listed in zip(found.embeddings, store.list_embeddings("p1", "e1"), strict=True):
        assert read[0] == listed[0]
        np.testing.assert_array_equal(read[1].mean, listed[1].mean)


def test_images_that_an_encoder_has_not_seen_are_no_part_of_its_query(store: Store):
    store.write_rows([make_row("p1", "1")], E1)

    assert len(store.read_query("p1", "e1").embeddings) == 1
    assert store.read_query("p1", "e2").embeddings == []


def test_an_unknown_product_is_no_query(store: Store):
    with pytest.raises(ResourceMissing, match="p1"):
        store.read_query("p1", "e1")


def test_hits_whose_image_or_product_is_gone_are_left_out(store: Store):
    rows = [make_row(f"p{n}", str(n), labels={"n": str(n)}) for n in range(3)]
    store.write_rows([*rows, make_row("p2", "9")], E1)
    kept, lost = (name for name, _ in store.list_embeddings("p2", "e1"))
    store.delete_image("p2", lost)
    store.delete_product("p1")

    found = store.products_by_images(range(1, 9)).values()

    assert {(product.id, image) for product, image in found} == {
        ("p0", store.list_embeddings("p0", "e1")[0][0]),
        ("p2", kept),
    }
    assert all(product == store.get_product(product.id) for product, _ in found)
