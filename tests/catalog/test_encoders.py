"""Encoders in the store: bundles, which one serves what, and the commit that changes it."""

import numpy as np
import pytest

from stylefacet.bundle import FeatureKind
from stylefacet.catalog.assignment import EVERYTHING, Assignment, Scope
from stylefacet.catalog.encoder_store import WantedSwitch
from stylefacet.catalog.encoders import ProductsUncovered
from stylefacet.catalog.entities import (
    CatalogRow,
    FeatureDefinition,
    FeatureRealisation,
    ImageEmbedding,
    ProductUpdate,
)
from stylefacet.errors import EncodersChanged, OperationCancelled
from tests.catalog.conftest import START
from tests.catalog.rows import E1, E2, digest, make_fields, make_image, make_mean, make_row

KIND = "switch"


def embed(encoder_id, images):
    """Embeds kept inputs as the rows of these tests are embedded."""
    return {
        image.image_key: ImageEmbedding(
            encoder_id, make_mean(image.content.decode(), encoder_id), 0.25
        )
        for image in images
    }


def vector_count(store, encoder_id, scope=EVERYTHING) -> int:
    return sum(len(rows.means) for rows in store.all_image_rows(encoder_id, scope))


def wanted(store, earlier, later, **changes) -> WantedSwitch:
    operation = store.operations.create(KIND, {"later": later.to_json(), "validate_only": False})
    values = {"realisations": [], "feature_sequence": store.feature_sequence()}
    return WantedSwitch(operation.id, earlier, later, **(values | changes))


@pytest.fixture
def bound(store):
    """A store that e1 serves, with six images of e1 in two categories."""
    store.bind_encoder("e1")
    rows = [make_row(f"p{n}", str(n), category=("top", "dress")[n % 2]) for n in range(6)]
    store.write_rows(rows, E1)
    return store


def test_a_bundle_is_installed_once_and_listed_with_its_manifest(store):
    files = {"manifest.json": b"{}", "encoder.onnx": b"weights"}

    assert store.encoders.install("e1", files)
    assert not store.encoders.install("e1", {"manifest.json": b"other"})
    assert store.encoders.read_files("e1") == files
    assert store.encoders.read_files("e2") == {}
    (listed,) = store.encoders.list_installed()
    assert (listed.id, listed.manifest, listed.embedded_image_count) == ("e1", b"{}", 0)


def test_a_switch_embeds_what_is_left_and_is_one_commit(bound):
    sequence = bound.encoders.switch(wanted(bound, E1, E2), embed)
    (rows,) = bound.all_image_rows("e2")

    assert bound.active_encoder() == "e2"
    assert sequence == bound.sequence() == bound.feature_sequence()
    assert np.array_equal(rows.means[0], make_mean("0", "e2"))
    assert len(rows.means) == vector_count(bound, "e1") == 6
    (switch,) = bound.encoders.list_switches()
    assert (switch.sequence, switch.earlier, switch.later) == (sequence, E1, E2)


def test_a_switch_that_was_made_is_not_made_again(bound):
    first = bound.encoders.switch(wanted(bound, E1, E2), embed)
    again = bound.encoders.switch(wanted(bound, E1, E2), embed)

    assert again == first
    assert len(bound.encoders.list_switches()) == 1


def test_a_cancelled_switch_is_refused_by_the_store(bound):
    switch = wanted(bound, E1, E2)
    bound.operations.request_cancel(switch.operation_id)

    with pytest.raises(OperationCancelled):
        bound.encoders.switch(switch, embed)
    assert bound.active_encoder() == "e1"


def test_a_switch_from_another_state_is_refused(bound):
    with pytest.raises(EncodersChanged):
        bound.encoders.switch(wanted(bound, E2, Assignment("e3")), embed)


def test_a_switch_waits_for_features_that_changed_and_for_many_images(bound, monkeypatch):
    stale = wanted(bound, E1, E2, feature_sequence=bound.feature_sequence() - 1)
    assert bound.encoders.switch(stale, embed) is None
    monkeypatch.setattr("stylefacet.catalog.encoder_store._LAST_IMAGE_COUNT", 5)
    assert bound.encoders.switch(wanted(bound, E1, E2), embed) is None
    assert bound.active_encoder() == "e1"


def test_a_failure_in_the_last_step_leaves_everything_as_it_was(bound):
    def fail(encoder_id, images):
        raise RuntimeError("the runtime broke")

    with pytest.raises(RuntimeError):
        bound.encoders.switch(wanted(bound, E1, E2), fail)
    assert bound.active_encoder() == "e1"
    assert list(bound.all_image_rows("e2")) == []


def test_realisations_come_with_the_switch(bound):
    definition = FeatureDefinition(
        "f", "", FeatureKind.PROJECTION, (), (("p0", "v"),), "", START, START
    )
    bound.create_feature(definition, None)
    made = FeatureRealisation("f", "e2", 3, np.eye(4, dtype=np.float32), 0.5, {"m": 1})
    bound.encoders.switch(wanted(bound, E1, E2, realisations=[made]), embed)

    (stored,) = bound.list_realisations("e2")
    assert (stored.version, stored.model) == (3, {"m": 1})
    assert stored.examples_digest == definition.examples_digest != ""


def test_rows_prepared_for_another_encoder_are_refused_and_nothing_is_stored(bound):
    bound.encoders.switch(wanted(bound, E1, E2), embed)
    before = bound.sequence()

    with pytest.raises(EncodersChanged):
        bound.write_rows([make_row("late")], E1)
    with pytest.raises(EncodersChanged):
        bound.add_image("p0", make_image("late"), E1)
    assert bound.sequence() == before
    assert bound.write_rows([make_row("late", encoder="e2")], E2).rows[0].error is None


def test_a_feature_of_an_encoder_that_no_longer_serves_is_refused(bound):
    bound.encoders.switch(wanted(bound, E1, E2), embed)
    late = FeatureDefinition("f", "", FeatureKind.DIMENSIONS, (0,), (), "", START, START)
    made = FeatureRealisation("f", "e1", 1, np.eye(4, dtype=np.float32), 0.5, {})

    with pytest.raises(EncodersChanged):
        bound.create_feature(late, made)
    assert bound.list_features() == []


def test_vectors_are_read_within_a_scope(bound):
    dresses = Scope(frozenset({"dress"}))
    rest = Scope(frozenset({"dress"}), excluded=True)

    assert [vector_count(bound, "e1", s) for s in (dresses, rest)] == [3, 3]
    keys = bound.find_product_keys(["p0", "p1"])
    assert bound.image_rows(keys.values(), "e1", dresses).product_keys.tolist() == [keys["p1"]]
    assert bound.image_rows([keys["p0"]], "e1", dresses) is None


def test_a_category_of_another_encoder_wants_its_images_seen_by_it(bound):
    later = E1.changed("e2", ["dress"])
    bound.encoders.switch(wanted(bound, E1, later), embed)
    change = ProductUpdate(make_fields("p0", category="dress"))

    with pytest.raises(ProductsUncovered) as caught:
        bound.update_product(change)
    assert caught.value.encoder_of == {"p0": "e2"}
    assert bound.get_product("p0").category == "top"
    missing = bound.encoders.list_missing_of(["p0"], "e2")
    bound.encoders.add_embeddings("e2", embed("e2", missing))
    assert bound.update_product(change).category == "dress"


def test_a_row_that_moves_a_product_wants_the_same(bound):
    later = E1.changed("e2", ["dress"])
    bound.encoders.switch(wanted(bound, E1, later), embed)
    moved = CatalogRow(make_fields("p0", category="dress"), make_image("new", encoder="e2"))

    with pytest.raises(ProductsUncovered):
        bound.write_rows([moved], later)
    assert bound.list_images("p0")[0][0].content_sha256 == digest("0")


def test_images_without_an_input_are_passed_over(store):
    store.bind_encoder("e1")
    store.write_rows([CatalogRow(make_fields("p1"), make_image(kept=False))], E1)
    later = E1.changed("e2", ["dress"])
    store.encoders.switch(wanted(store, E1, later), embed)

    counts = store.encoders.count("e2", EVERYTHING)
    assert (counts.image_count, counts.embedded_count, counts.lacking_input_count) == (1, 0, 1)
    assert store.update_product(ProductUpdate(make_fields("p1", category="dress"))).id == "p1"


def test_vectors_of_gone_images_and_second_ones_are_passed_over(bound):
    missing = bound.encoders.list_missing("e2", EVERYTHING, 0, 10)
    bound.delete_product("p0")
    vectors = embed("e2", missing)
    bound.encoders.add_embeddings("e2", vectors)
    bound.encoders.add_embeddings("e2", vectors)

    assert vector_count(bound, "e2") == 5


def test_missing_images_come_in_pages_by_key(bound):
    first = bound.encoders.list_missing("e2", EVERYTHING, 0, 4)
    rest = bound.encoders.list_missing("e2", EVERYTHING, first[-1].image_key, 4)

    keys = [image.image_key for image in (*first, *rest)]
    assert (len(first), len(rest)) == (4, 2)
    assert keys == sorted(set(keys))


def test_photos_seen_by_the_coming_encoder_bring_both_vectors(bound):
    image = make_image("new")
    more = (ImageEmbedding("e2", make_mean("new", "e2"), 0.25),)
    both = type(image)(
        image.id, image.content_sha256, 300, 400, image.embedding, image.kept_input, more
    )
    bound.write_rows([CatalogRow(make_fields("p9"), both)], E1)

    assert len(bound.list_embeddings("p9", "e2")) == 1
    state = bound.encoders.state(KIND)
    wanted(bound, E1, E2)
    assert (state.coming, bound.encoders.state(KIND).coming) == ((), (E2,))


def test_the_mark_changes_with_operations_and_switches(bound):
    marks = [bound.encoders.mark(KIND)]
    switch = wanted(bound, E1, E2)
    marks.append(bound.encoders.mark(KIND))
    bound.encoders.switch(switch, embed)
    marks.append(bound.encoders.mark(KIND))

    assert len(set(marks)) == 3


def test_an_encoder_is_deleted_with_vectors_and_features(bound):
    bound.encoders.install("e1", {"manifest.json": b"{}"})
    bound.encoders.switch(wanted(bound, E1, E2), embed)
    seen = []
    count = bound.encoders.delete("e1", KIND, lambda present, coming: seen.append(present))

    assert (count, seen) == (6, [E2])
    assert list(bound.all_image_rows("e1")) == []
    assert bound.encoders.list_installed() == []


@pytest.mark.parametrize(
    ("encoder", "categories", "expected"),
    [
        ("b", (), Assignment("b", {"x": "c"})),
        ("b", ("y",), Assignment("a", {"x": "c", "y": "b"})),
        ("a", ("x",), Assignment("a")),
        ("c", (), Assignment("c")),
    ],
)
def test_an_encoder_takes_over_categories_or_all_others(encoder, categories, expected):
    assert Assignment("a", {"x": "c"}).changed(encoder, categories) == expected


def test_scopes_divide_the_categories():
    assignment = Assignment("a", {"x": "b", "y": "c"})
    scopes = [assignment.scope_of(encoder_id) for encoder_id in assignment.encoder_ids]

    for category in ("x", "y", "z", ""):
        assert [scope.holds(category) for scope in scopes].count(True) == 1
    assert not assignment.scope_of("d").holds("x")
