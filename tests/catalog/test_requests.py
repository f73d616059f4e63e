"""Writes that are only tried, and writes that are done once however often they are asked for."""

from datetime import datetime, timedelta

import pytest

from stylefacet.bundle import FeatureKind
from stylefacet.catalog.entities import FeatureDefinition, ProductUpdate, WriteTerms
from stylefacet.catalog.store import Store
from stylefacet.errors import RequestIdReused, ResourceExists, ResourceMissing
from tests.catalog.rows import E1, make_fields, make_image, make_row

TRIED = WriteTerms(validate_only=True)
ONCE = WriteTerms(request_id="r1", digest="d1")


def put(store: Store, terms: WriteTerms, **changes):
    return store.update_product(ProductUpdate(make_fields(**changes), allow_missing=True), terms)


def test_a_tried_write_answers_and_leaves_nothing(store):
    tried = put(store, TRIED)

    assert (tried.id, tried.etag, tried.sequence) == ("p1", "", 0)
    assert store.list_products() == ([], "")
    assert store.sequence() == 0


def test_tried_deletions_leave_what_they_name(store):
    image = store.write_rows([make_row()], E1).rows[0].image_id
    store.delete_image("p1", image, TRIED)
    store.delete_product("p1", terms=TRIED)

    assert store.get_image("p1", image).id == image
    assert store.sequence() == 1


def test_a_tried_image_is_not_added(store):
    put(store, WriteTerms())
    tried = store.add_image("p1", make_image(), E1, TRIED)

    assert tried.sequence == 0
    assert store.list_images("p1") == ([], "")


def test_a_tried_write_fails_as_the_write_would(store):
    with pytest.raises(ResourceMissing):
        store.delete_product("nobody", terms=TRIED)


def test_a_repeated_update_returns_the_first_answer(store):
    first = put(store, ONCE)
    put(store, WriteTerms(), display_name="Later")

    assert put(store, ONCE) == first
    assert store.get_product("p1").display_name == "Later"
    assert store.sequence() == 2


def test_a_repeated_deletion_is_no_failure(store):
    put(store, WriteTerms())

    assert store.delete_product("p1", terms=ONCE) == 2
    assert store.delete_product("p1", terms=ONCE) == 2


def test_a_repeated_image_is_that_of_the_first_time_even_when_it_is_gone(store):
    put(store, WriteTerms())
    first = store.add_image("p1", make_image(), E1, ONCE)
    store.delete_product("p1")

    assert store.find_image_answer(ONCE) == first
    assert store.add_image("p1", make_image(), E1, ONCE) == first


def test_a_request_id_is_not_for_another_request(store):
    put(store, ONCE)
    with pytest.raises(RequestIdReused, match="'r1'"):
        put(store, WriteTerms(request_id="r1", digest="d2"), display_name="Other")
    assert store.sequence() == 1


def test_a_failed_request_leaves_its_id_free(store):
    with pytest.raises(ResourceMissing):
        store.delete_product("p1", terms=ONCE)
    put(store, WriteTerms())

    assert store.delete_product("p1", terms=ONCE) == 2


def test_answers_are_forgotten_after_a_day(shared_url):
    clock = [datetime.fromisoformat("2026-11-21T12:00+00:00")]
    with Store(shared_url, lambda: clock[0]) as store:
        first = put(store, ONCE)
        clock[0] += timedelta(hours=25)
        put(store, WriteTerms(request_id="r2", digest="d2"), display_name="Later")

        assert put(store, ONCE, display_name="Again") != first


def test_a_picture_sent_again_is_returned_and_another_under_its_id_refused(store):
    put(store, WriteTerms())
    first = store.add_image("p1", make_image(image_id="front"), E1)

    assert store.add_image("p1", make_image(image_id="front"), E1) == first
    with pytest.raises(ResourceExists):
        store.add_image("p1", make_image("back", image_id="front"), E1)


def test_an_image_of_a_product_that_is_gone_does_not_bring_it_back(store):
    with pytest.raises(ResourceMissing):
        store.add_image("p1", make_image(), E1)
    assert store.list_products() == ([], "")


def test_a_repeated_feature_is_the_feature_as_it_is_now(store, now):
    feature = FeatureDefinition(
        "tint", "Tint", FeatureKind.PROJECTION, (), (("p1", "dark"),), "", now(), now(), "How dark"
    )
    first = store.create_feature(feature, None, ONCE)

    assert store.is_repeated(ONCE)
    assert store.create_feature(feature, None, ONCE) == first
    assert first.description == "How dark"


def test_a_tried_feature_is_not_there(store, now):
    feature = FeatureDefinition(
        "tint", "", FeatureKind.DIMENSIONS, (1,), (), "", now(), now(), "Two\nlines"
    )
    store.create_feature(feature, None, TRIED)

    assert store.list_features() == []


def test_products_tell_the_change_that_holds_their_latest_image(store):
    made = put(store, WriteTerms())
    added = store.add_image("p1", make_image(), E1)

    assert (made.sequence, added.sequence) == (1, 2)
    assert store.get_product("p1").sequence == 2
    assert store.get_product("p1").etag == made.etag


def test_products_of_a_style_are_found_if_they_have_an_image(store):
    store.write_rows([make_row(f"p{n}", str(n), style_id=f"s{n % 2}") for n in range(4)], E1)
    put(store, WriteTerms(), product_id="bare", style_id="s0")
    keys = store.find_product_keys(["p0", "p2"])

    assert sorted(store.find_of_styles(["s0", "t"], "e1")) == [
        (keys["p0"], "s0"),
        (keys["p2"], "s0"),
    ]
    assert store.find_of_styles(["s0"], "e2") == []
