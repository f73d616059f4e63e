"""Feature definitions and what they are under each encoder."""

from datetime import UTC, datetime

import numpy as np
import pytest

from stylefacet.bundle import FeatureKind
from stylefacet.catalog.entities import FeatureDefinition, FeatureRealisation
from stylefacet.errors import EtagMismatch, InvalidField, ResourceExists, ResourceMissing

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def definition(name="collar", display_name="Collar", examples=()):
    return FeatureDefinition(
        name, display_name, FeatureKind.PROJECTION, (1, 2), examples, "", NEVER, NEVER
    )


def realisation(feature="collar", encoder="e1", version=1):
    matrix = (np.arange(6).reshape(2, 3) / 7).astype(np.float32)
    return FeatureRealisation(feature, encoder, version, matrix, 0.3, {"quality": {"auc": 0.9}})


def test_a_feature_reads_back_whole(store):
    examples = (("p1", "crew"), ("p2", "V"))
    created = store.create_feature(definition(examples=examples), realisation())
    assert store.get_feature("collar") == created
    assert (created.examples, created.dimensions) == (examples, (1, 2))
    (found,) = store.list_realisations("e1")
    np.testing.assert_array_equal(found.matrix, realisation().matrix)
    assert (found.scale, found.version, found.model) == (0.3, 1, {"quality": {"auc": 0.9}})


def test_a_realisation_belongs_to_one_encoder(store):
    store.create_feature(definition(), realisation())
    assert store.list_realisations("e2") == []
    store.update_feature(definition(), realisation(encoder="e2", version=4))
    assert [found.version for found in store.list_realisations("e2")] == [4]
    assert [found.version for found in store.list_realisations("e1")] == [1]


def test_a_taken_name_is_refused(store):
    store.create_feature(definition(), None)
    with pytest.raises(ResourceExists, match="'collar'"):
        store.create_feature(definition(), None)


def test_a_bad_name_is_refused(store):
    with pytest.raises(InvalidField, match="name"):
        store.create_feature(definition("col lar"), None)


def test_update_heeds_the_etag_and_changes_it(store):
    created = store.create_feature(definition(), None)
    updated = store.update_feature(definition(display_name="Neck"), None, created.etag)
    assert updated.display_name == "Neck"
    assert updated.create_time == created.create_time < updated.update_time
    with pytest.raises(EtagMismatch):
        store.update_feature(definition(), None, created.etag)


def test_delete_takes_every_realisation(store):
    store.create_feature(definition(), realisation())
    store.delete_feature("collar")
    assert store.list_features() == []
    assert store.list_realisations("e1") == []
    with pytest.raises(ResourceMissing, match="'collar'"):
        store.delete_feature("collar")


def test_features_are_listed_by_name(store):
    for name in ("sleeve", "collar"):
        store.create_feature(definition(name), None)
    assert [feature.name for feature in store.list_features()] == ["collar", "sleeve"]


def test_feature_changes_have_sequence_numbers(store):
    store.create_feature(definition(), realisation())
    assert (store.sequence(), store.feature_sequence()) == (1, 1)
    with pytest.raises(ResourceExists):
        store.create_feature(definition(), None)
    assert (store.sequence(), store.feature_sequence()) == (1, 1)
    assert store.delete_feature("collar") == store.feature_sequence() == 2
