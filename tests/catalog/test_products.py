"""Products: upsert, masks, etags, batches, paging, limits."""

from dataclasses import replace

import pytest

from stylefacet.catalog.entities import ProductUpdate
from stylefacet.catalog.filter import parse_filter
from stylefacet.errors import EtagMismatch, InvalidField, ResourceMissing
from tests.catalog.rows import E1, make_fields, make_row


def upsert(store, fields):
    return store.update_product(ProductUpdate(fields, allow_missing=True))


def test_a_stored_product_reads_back_whole(store):
    fields = make_fields(labels={"colour": "røð", "a b": ""}, numbers={"price": 0.1}, style_id="s")
    created = upsert(store, fields)
    assert store.get_product("p1") == created
    assert created.fields == fields
    assert created.create_time == created.update_time
    assert created.create_time.tzinfo is not None


def test_an_absent_product_is_named(store):
    with pytest.raises(ResourceMissing, match="'p9'"):
        store.get_product("p9")


def test_update_without_allow_missing_creates_nothing(store):
    with pytest.raises(ResourceMissing, match="allow_missing"):
        store.update_product(ProductUpdate(make_fields()))
    assert store.list_products() == ([], "")


def test_a_mask_takes_only_its_fields(store):
    before = upsert(store, make_fields())
    fields = make_fields(category="dress", labels={}, display_name="Other")
    after = store.update_product(ProductUpdate(fields, frozenset({"category", "labels"})))
    assert (after.category, after.labels, after.display_name) == ("dress", {}, "Top")
    assert after.etag != before.etag
    assert after.create_time == before.create_time < after.update_time


def test_a_change_to_nothing_new_changes_no_etag_and_no_sequence(store):
    before, sequence = upsert(store, make_fields()), store.sequence()
    assert upsert(store, make_fields()) == before
    assert store.sequence() == sequence


def test_an_old_etag_is_refused(store):
    old = upsert(store, make_fields())
    upsert(store, make_fields(category="dress"))
    with pytest.raises(EtagMismatch, match="products/p1"):
        store.update_product(ProductUpdate(make_fields(category="hat"), etag=old.etag))
    assert store.get_product("p1").category == "dress"


def test_a_product_made_again_has_another_etag(store):
    first = upsert(store, make_fields())
    store.delete_product("p1", first.etag)
    assert upsert(store, make_fields()).etag != first.etag


def test_a_batch_is_all_or_none_and_names_the_row(store):
    updates = [
        ProductUpdate(make_fields("p1"), allow_missing=True),
        ProductUpdate(make_fields("p2")),
    ]
    with pytest.raises(ResourceMissing) as caught:
        store.batch_update(updates)
    assert caught.value.metadata["index"] == "1"
    assert store.list_products() == ([], "")


def test_a_batch_may_name_a_product_once(store):
    with pytest.raises(InvalidField, match="twice"):
        store.batch_update([ProductUpdate(make_fields(), allow_missing=True)] * 2)


def test_a_batch_returns_products_in_its_order(store):
    ids = ["b", "a", "c"]
    updates = [ProductUpdate(make_fields(name), allow_missing=True) for name in ids]
    assert [product.id for product in store.batch_update(updates)] == ids


def test_pages_are_in_order_of_id_and_complete(store):
    ids = sorted(["a", "B", "_", "a-1", "a.1", "10", "9"])
    for product_id in reversed(ids):
        upsert(store, make_fields(product_id))
    first, after = store.list_products(limit=4)
    rest, end = store.list_products(after=after, limit=4)
    assert [product.id for product in first + rest] == ids
    assert end == ""


def test_a_filter_narrows_a_page(store):
    for number in range(10):
        upsert(store, make_fields(f"p{number}", numbers={"price": number}))
    page, after = store.list_products(parse_filter("price >= 4"), limit=3)
    assert [product.id for product in page] == ["p4", "p5", "p6"]
    assert after == "p6"


def test_delete_takes_images_and_unshared_inputs_and_leaves_the_rest(store):
    store.write_rows([make_row("p1", "shared"), make_row("p1", "own")], E1)
    store.write_rows([make_row("p2", "shared")], E1)
    store.delete_product("p1")
    with pytest.raises(ResourceMissing):
        store.get_product("p1")
    image = store.list_images("p2")[0][0]
    assert store.get_kept_input("p2", image.id) == b"shared"
    assert store.image_rows([1, 2], "e1").product_keys.tolist() == [2]
    upsert(store, make_fields("p1"))
    assert store.list_images("p1") == ([], "")


def test_delete_heeds_the_etag(store):
    upsert(store, make_fields())
    with pytest.raises(EtagMismatch):
        store.delete_product("p1", "ffff")
    assert store.get_product("p1").id == "p1"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "a/b"}, "id"),
        ({"id": "a\n"}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"display_name": "x" * 201}, "display_name"),
        ({"display_name": "a\x00"}, "display_name"),
        ({"category": "\ud800"}, "category"),
        ({"style_id": "a b"}, "style_id"),
        ({"labels": {f"k{n}": "" for n in range(65)}}, "labels"),
        ({"labels": {"": "x"}}, "labels"),
        ({"labels": {"k" * 64: "x"}}, "labels key"),
        ({"labels": {"k": "x" * 64}}, "labels.k"),
        ({"numbers": {"price": float("nan")}}, "numbers.price"),
        ({"numbers": {"price": float("inf")}}, "numbers.price"),
    ],
)
def test_a_product_over_a_limit_names_the_field(store, changes, field):
    with pytest.raises(InvalidField) as caught:
        upsert(store, replace(make_fields(), **changes))
    assert caught.value.metadata["field"] == field
    assert store.sequence() == 0


def test_an_unknown_field_in_a_mask_is_refused(store):
    with pytest.raises(InvalidField, match="etag"):
        store.update_product(ProductUpdate(make_fields(), frozenset({"etag"}), True))
