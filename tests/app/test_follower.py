import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from stylefacet.app.follower import IndexFollower
from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.entities import CatalogRow, ImageEmbedding, NewImage, ProductFields
from stylefacet.catalog.store import Store
from stylefacet.errors import ChangeNotSeen
from stylefacet.search.index import SimilarityIndex

ENCODER = "e1"
D = 4


def new_year() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path}/c.db", new_year) as store:
        yield store


@pytest.fixture
def index() -> SimilarityIndex:
    index = SimilarityIndex(D)
    index.set_features({"all": np.eye(D, dtype=np.float32)})
    return index


def put(store: Store, *numbers: int) -> None:
    """Stores product p{n} with one image at n on the first axis."""
    rows = [
        CatalogRow(
            ProductFields(f"p{n}", "", "top", {}, {}, ""),
            NewImage("", f"{n:064x}", 10, 10, ImageEmbedding(ENCODER, position(n), 0.0)),
        )
        for n in numbers
    ]
    store.write_rows(rows, Assignment(ENCODER))


def position(number: float) -> np.ndarray:
    return np.array([number, 0, 0, 0], np.float32)


def nearest(store: Store, index: SimilarityIndex, number: float) -> list[str]:
    hits = index.search(position(number)[None], {"all": 1.0}, 2).hits
    products = store.products_by_keys(hit.product_key for hit in hits)
    return [products[hit.product_key].id for hit in hits]


def test_loaded_index_holds_what_the_store_holds(store: Store, index: SimilarityIndex):
    put(store, 1, 2, 3)
    IndexFollower(store, index, ENCODER).load()

    assert nearest(store, index, 2.9) == ["p3", "p2"]
    assert index.sequence == store.sequence()


def test_later_writes_are_followed(store: Store, index: SimilarityIndex):
    follower = IndexFollower(store, index, ENCODER)
    follower.load()
    put(store, 1, 2)
    put(store, 9)
    follower.catch_up()

    assert nearest(store, index, 8.0) == ["p9", "p2"]
    assert index.sequence == store.sequence()


def test_deletions_are_followed(store: Store, index: SimilarityIndex):
    put(store, 1, 2, 9)
    follower = IndexFollower(store, index, ENCODER)
    follower.load()
    store.delete_product("p9")
    follower.catch_up()

    assert nearest(store, index, 8.0) == ["p2", "p1"]


def test_product_deleted_and_made_again_is_found_where_it_is_now(
    store: Store, index: SimilarityIndex
):
    put(store, 1, 5)
    follower = IndexFollower(store, index, ENCODER)
    follower.load()
    store.delete_product("p5")
    put(store, 5, 6)
    follower.catch_up()

    assert nearest(store, index, 5.2) == ["p5", "p6"]
    assert index.image_count == 3


def test_vectors_of_another_encoder_are_not_loaded(store: Store, index: SimilarityIndex):
    put(store, 1, 2)
    IndexFollower(store, index, "e2").load()

    assert index.image_count == 0


def test_waiting_ends_when_another_writes_the_change(tmp_path: Path, index: SimilarityIndex):
    url = f"sqlite:///{tmp_path}/c.db"
    with Store(url, new_year) as store, Store(url, new_year) as other:
        follower = IndexFollower(store, index, ENCODER)
        writer = threading.Timer(0.2, put, (other, 1))
        writer.start()
        follower.wait_for(1, timeout_s=10)
        writer.join()

        assert nearest(store, index, 1) == ["p1"]


def test_waiting_for_a_change_that_does_not_come_ends(store: Store, index: SimilarityIndex):
    put(store, 1)
    with pytest.raises(ChangeNotSeen, match=r"change 2 .* the latest here is 1"):
        IndexFollower(store, index, ENCODER).wait_for(2, timeout_s=0.1)
