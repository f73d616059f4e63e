"""Two servers on one PostgreSQL database: what one writes the other finds within a second."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stylefacet.catalog import database
from stylefacet.catalog.entities import PLAIN_WRITE, ProductUpdate
from stylefacet.catalog.store import Store
from stylefacet.errors import Overloaded, SettingInvalid, StoreUnreachable
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import feature_pb2, product_pb2
from stylefacet.v1 import feature_service_pb2 as feature
from tests.catalog.rows import make_fields
from tests.conftest import photo
from tests.postgresql import Cluster, running_cluster
from tests.server.stubs import Stubs, connect, upload_row

# What another server has written is found within this time.
FOUND_WITHIN_S = 1.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def pair(settings: Settings, cluster: Cluster) -> Iterator[tuple[Stubs, Stubs]]:
    """Stubs of two servers that share a database and nothing else."""
    shared = replace(settings, database_url=cluster.new_database())
    servers = [Server(shared), Server(replace(shared, data_dir=settings.data_dir / "other"))]
    for server in servers:
        server.start()
    with connect(servers[0].address) as first, connect(servers[1].address) as second:
        yield first, second
    for server in servers:
        server.stop()


def new_year() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def found(stubs: Stubs, **fields) -> list[str]:
    return [hit.product.name for hit in stubs.search("p0", **fields).similar_products]


def test_products_of_one_are_found_by_the_other(pair: tuple[Stubs, Stubs]):
    one, other = pair
    one.upload(10)
    found(other)
    written = list(one.catalog.UploadProducts(iter([upload_row(77, photo(77))])))
    start = time.monotonic()
    names = found(other, page_size=100)

    assert time.monotonic() - start < FOUND_WITHIN_S
    assert "products/p77" in names
    assert other.search("p0").sequence_number >= written[0].sequence_number


def test_both_answer_alike_after_writes_by_both(pair: tuple[Stubs, Stubs]):
    for turn in range(6):
        writer = pair[turn % 2]
        rows = [upload_row(n, photo(n)) for n in range(turn * 5, turn * 5 + 5)]
        list(writer.catalog.UploadProducts(iter(rows)))
    pair[1].catalog.DeleteProduct(catalog.DeleteProductRequest(name="products/p3"))

    answers = [stubs.search("p0", weights={"collar": 1}, page_size=50) for stubs in pair]

    assert answers[0] == answers[1]
    assert len(answers[0].similar_products) == 28


def test_feature_of_one_is_searched_and_refreshed_by_the_other(pair: tuple[Stubs, Stubs]):
    one, other = pair
    one.upload(30)
    one.feature.CreateFeature(
        feature.CreateFeatureRequest(
            feature_id="sheen", feature=feature_pb2.Feature(dimensions=[1, 6])
        )
    )
    change = feature.UpdateFeatureRequest(
        feature=feature_pb2.Feature(name="features/sheen"), refresh_scale=True
    )

    assert len(found(other, weights={"sheen": 1})) == 20
    assert other.feature.UpdateFeature(change).version == 2
    listed = one.feature.GetFeature(feature.GetFeatureRequest(name="features/sheen"))
    assert listed.version == 2


def test_request_sent_again_to_the_other_server_is_done_once(pair: tuple[Stubs, Stubs]):
    pair[0].upload(2)
    request = catalog.DeleteProductRequest(name="products/p1", request_id="r-1")

    for stubs in pair:
        stubs.catalog.DeleteProduct(request)


def test_export_and_thumbnails_come_from_either_server(pair: tuple[Stubs, Stubs]):
    (answer,) = pair[0].upload(1)
    exports = [list(s.catalog.ExportFeatures(catalog.ExportFeaturesRequest())) for s in pair]
    image = pair[1].catalog.GetProductImage(
        catalog.GetProductImageRequest(
            name=answer.product_image, view=product_pb2.PRODUCT_IMAGE_VIEW_THUMBNAIL
        )
    )

    assert exports[0] == exports[1]
    assert image.thumbnail.startswith(b"\x89PNG")


def test_connection_that_breaks_is_told_and_the_next_call_has_another(cluster: Cluster):
    with Store(cluster.new_database(), new_year) as store:
        rows = store.export_pages(None, "e1", 1)
        store.update_product(ProductUpdate(make_fields("p1"), allow_missing=True))
        store.update_product(ProductUpdate(make_fields("p2"), allow_missing=True))
        next(rows)
        cluster.end_connections()

        with pytest.raises(StoreUnreachable, match="does not answer"):
            next(rows)
        assert store.sequence() == 2


def test_writer_that_hangs_holds_up_others_for_a_bounded_time(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 100)
    url = cluster.new_database()
    with Store(url, new_year) as store, Store(url, new_year) as other:
        change = ProductUpdate(make_fields("p1"), allow_missing=True)
        with store._writing(PLAIN_WRITE), pytest.raises(Overloaded):
            other.update_product(change)
        assert other.update_product(change).id == "p1"


def test_database_that_is_not_there_is_a_wrong_setting(cluster: Cluster):
    with pytest.raises(SettingInvalid, match="nowhere"):
        Store(cluster.url("nowhere"), new_year)
