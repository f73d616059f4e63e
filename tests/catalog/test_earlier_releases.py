"""Catalogues that each earlier release wrote: all that is in them is found by this one.

`earlier_releases/vN.sql` is the dump of a database that the code of schema version N filled: two
products with images, a deleted one, a feature. Whoever raises the version adds a dump of the last.
"""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from stylefacet.catalog import tables as t
from stylefacet.catalog.entities import ProductUpdate
from stylefacet.catalog.store import Store
from stylefacet.errors import StoreCorrupt
from tests.catalog.rows import make_fields, make_mean

DUMPS = {
    int(path.stem.removeprefix("v")): path
    for path in Path(__file__).with_name("earlier_releases").glob("v*.sql")
}
VERSIONS = list(range(1, t.SCHEMA_VERSION))


@pytest.fixture(params=VERSIONS)
def url(request, tmp_path) -> str:
    """A database of an earlier schema version."""
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript(DUMPS[request.param].read_text())
    connection.close()
    return f"sqlite:///{tmp_path / 'old.db'}"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_earlier_version_has_a_dump_of_itself(version):
    assert f"INSERT INTO \"properties\" VALUES('schema_version','{version}')" in (
        DUMPS[version].read_text()
    )


def test_products_images_and_features_are_found(url, now):
    with Store(url, now) as store:
        listed, _ = store.list_products()
        (front,), _ = store.list_images("p1")
        (found,) = store.list_realisations("e1")

        assert [(p.id, p.style_id, p.labels) for p in listed] == [
            ("p1", "", {"colour": "red"}),
            ("p2", "s1", {"colour": "red"}),
        ]
        assert store.get_kept_input("p1", front.id) == b"front"
        assert store.get_feature("collar").examples == (("p1", "crew"),)
        assert (found.scale, found.version) == (0.3, 1)


def test_an_index_fills_from_it_and_follows_it(url, now):
    with Store(url, now) as store:
        (rows,) = store.all_image_rows("e1")
        deleted = [change.product_id for change in store.changes_since(0) if change.deleted]
        before = store.sequence()
        store.update_product(ProductUpdate(make_fields("p3"), allow_missing=True))

        np.testing.assert_array_equal(rows.means[0], make_mean("front"))
        assert (store.active_encoder(), len(rows.means), deleted) == ("e1", 2, ["gone"])
        assert [change.product_id for change in store.changes_since(before)] == ["p3"]


def test_a_migration_that_fails_leaves_the_earlier_version(url, now, tmp_path):
    old = sqlite3.connect(tmp_path / "old.db")
    old.execute(
        "CREATE TRIGGER stop BEFORE UPDATE ON properties BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    before = list(old.iterdump())
    with pytest.raises(StoreCorrupt, match="full"):
        Store(url, now)

    assert list(old.iterdump()) == before
    old.close()
