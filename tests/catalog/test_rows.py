"""Bulk rows: idempotent, bad rows alone, images and their inputs."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import update

from stylefacet.catalog import tables as t
from stylefacet.catalog.bulk import ImageGone
from stylefacet.catalog.entities import CatalogRow, ImageEmbedding, RowStatus
from stylefacet.errors import EncoderMismatch, InvalidField, ResourceExists, ResourceMissing
from tests.catalog.rows import E1, E2, digest, make_fields, make_image, make_mean, make_row

CREATED, UPDATED = RowStatus.CREATED, RowStatus.UPDATED
UNCHANGED, FAILED = RowStatus.UNCHANGED, RowStatus.FAILED


def statuses(outcome):
    return [row.status for row in outcome.rows]


def test_rows_create_products_with_images(store):
    outcome = store.write_rows([make_row("p1"), make_row("p2", "back", "back")], E1)
    assert statuses(outcome) == [CREATED, CREATED]
    assert [row.image_id for row in outcome.rows] == [digest("front")[:16], "back"]
    image = store.get_image("p2", "back")
    assert (image.content_sha256, image.width_px, image.height_px) == (digest("back"), 300, 400)
    assert store.get_product("p1").fields == make_fields("p1")


def test_the_same_rows_again_change_nothing(store):
    rows = [make_row("p1"), make_row("p2", "back")]
    first = store.write_rows(rows, E1)
    again = store.write_rows(rows, E1)
    assert statuses(again) == [UNCHANGED, UNCHANGED]
    assert again.sequence == first.sequence == store.sequence()


def test_another_picture_adds_an_image(store):
    store.write_rows([make_row("p1", "front")], E1)
    outcome = store.write_rows([make_row("p1", "back")], E1)
    assert statuses(outcome) == [UPDATED]
    assert len(store.list_images("p1")[0]) == 2


def test_two_rows_of_a_product_in_one_batch_add_two_images(store):
    outcome = store.write_rows([make_row("p1", "a"), make_row("p1", "b"), make_row("p1", "a")], E1)
    assert statuses(outcome) == [CREATED, UPDATED, UNCHANGED]
    assert len(store.list_images("p1")[0]) == 2


def test_changed_fields_update_and_a_mask_spares_the_others(store):
    store.write_rows([make_row("p1")], E1)
    row = replace(make_row("p1", category="dress", labels={}), mask=frozenset({"category"}))
    assert statuses(store.write_rows([row], E1)) == [UPDATED]
    product = store.get_product("p1")
    assert (product.category, product.labels) == ("dress", {"colour": "red"})


def test_a_row_may_have_no_image(store):
    assert statuses(store.write_rows([CatalogRow(make_fields(), None)], E1)) == [CREATED]


def test_bad_rows_fail_alone(store):
    store.write_rows([make_row("p0", "a", "front")], E1)
    outcome = store.write_rows(
        [
            make_row("good1", "x"),
            make_row("bad id"),
            make_row("p0", "b", "front"),
            make_row("p0", "a", "other"),
            make_row("p3", labels={"k": "x" * 100}),
            make_row("p4", encoder="e2"),
            make_row("good2", "y"),
        ],
        E1,
    )
    assert statuses(outcome) == [CREATED, *[FAILED] * 5, CREATED]
    kinds = [InvalidField, ResourceExists, ResourceExists, InvalidField, EncoderMismatch]
    assert [type(row.error) for row in outcome.rows[1:6]] == kinds
    assert [product.id for product in store.list_products()[0]] == ["good1", "good2", "p0"]


def test_a_vector_that_is_not_finite_is_refused(store):
    embedding = ImageEmbedding("e1", np.array([1, np.nan], np.float32), 0.0)
    row = CatalogRow(make_fields(), replace(make_image(), embedding=embedding))
    assert statuses(store.write_rows([row], E1)) == [FAILED]


def test_known_images_can_be_skipped_before_they_are_decoded(store):
    store.write_rows([make_row("p1"), make_row("p2")], E1)
    front = digest("front")
    image_id = front[:16]
    found = store.find_images([front, digest("new")], "e1")
    places = [(image.product_id, image.id) for image in found.pop(front)]
    assert places == [("p1", image_id), ("p2", image_id)]
    assert not found
    assert store.find_images([front], "e2") == {}


def test_a_known_image_needs_no_embedding(store):
    store.write_rows([make_row("p1")], E1)
    row = CatalogRow(make_fields(category="dress"), replace(make_image(), embedding=None))
    assert statuses(store.write_rows([row], E1)) == [UPDATED]


def test_an_unknown_image_without_embedding_stops_the_batch(store):
    row = CatalogRow(make_fields(), replace(make_image(), embedding=None))
    with pytest.raises(ImageGone):
        store.write_rows([make_row("p2", "b"), row], E1)
    assert store.list_products(None, "", 10) == ([], "")


def test_a_second_encoder_adds_its_embedding_to_the_same_image(store):
    store.write_rows([make_row("p1")], E1)
    assert statuses(store.write_rows([make_row("p1", encoder="e2")], E2)) == [UPDATED]
    assert len(store.list_images("p1")[0]) == 1
    for encoder in ("e1", "e2"):
        (_, embedding), *rest = store.list_embeddings("p1", encoder)
        np.testing.assert_array_equal(embedding.mean, make_mean(encoder=encoder))
        assert rest == []


def test_image_rows_come_in_columns(store):
    store.write_rows([make_row("p1", "a", style_id="s"), make_row("p2", "b", style_id="s")], E1)
    store.write_rows([make_row("p3", "c")], E1)
    (rows,) = store.all_image_rows("e1")
    assert rows.means.dtype == np.float32
    np.testing.assert_array_equal(rows.means[2], make_mean("c"))
    assert rows.style_keys[0] == rows.style_keys[1] > 0 > rows.style_keys[2]
    some = store.image_rows(rows.product_keys[1:2].tolist(), "e1")
    assert some.image_keys.tolist() == rows.image_keys[1:2].tolist()
    assert store.image_rows([999], "e1") is None


def test_all_image_rows_arrive_in_batches(store):
    store.write_rows([make_row(f"p{n}", str(n)) for n in range(25)], E1)
    batches = list(store.all_image_rows("e1", batch_size=10))
    assert [len(batch.means) for batch in batches] == [10, 10, 5]
    assert list(store.all_image_rows("unknown")) == []


def test_inputs_are_shared_and_kept_while_needed(store):
    store.write_rows([make_row("p1", "x", "i"), make_row("p2", "x", "i")], E1)
    store.delete_image("p1", "i")
    assert store.get_kept_input("p2", "i") == b"x"
    store.delete_image("p2", "i")
    store.write_rows([make_row("p3", "x", "i")], E1)
    assert store.get_kept_input("p3", "i") == b"x"


def test_a_damaged_input_is_mended_by_the_same_photo(store):
    store.write_rows([make_row("p1")], E1)
    with store._database.writing() as connection:
        connection.execute(update(t.kept_inputs).values(content=b"fro"))
    store.write_rows([make_row("p2")], E1)
    assert store.get_kept_input("p1", digest("front")[:16]) == b"front"


def test_an_image_without_kept_input_says_so(store):
    store.write_rows([CatalogRow(make_fields(), make_image("x", "i", kept=False))], E1)
    assert store.get_kept_input("p1", "i") is None


def test_an_absent_image_is_named(store):
    store.write_rows([make_row("p1")], E1)
    for call in (store.get_image, store.get_kept_input, store.delete_image):
        with pytest.raises(ResourceMissing, match="products/p1/images/none"):
            call("p1", "none")


def test_images_are_paged_in_order_of_id(store):
    store.write_rows([make_row("p1", str(n), f"i{n}") for n in range(5)], E1)
    first, after = store.list_images("p1", limit=3)
    rest, end = store.list_images("p1", after, limit=3)
    assert [image.id for image in first + rest] == ["i0", "i1", "i2", "i3", "i4"]
    assert end == ""
