"""Backups taken while a server writes, and servers over what was restored from them."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stylefacet.app.backups import back_up, read_backup, restore
from stylefacet.errors import BackupInvalid, InvalidField, SettingInvalid, StoreCorrupt
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import catalog_service_pb2, product_pb2
from tests.conftest import photo
from tests.server.stubs import Stubs, connect, upload_row

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def stubs(server: Server):
    with connect(server.address) as stubs:
        yield stubs


@pytest.fixture
def backup(settings: Settings, stubs: Stubs, tmp_path: Path) -> Path:
    """A backup of 12 products."""
    stubs.upload(12)
    back_up(settings.store_url, settings.bundle, tmp_path / "backup", lambda: NOON)
    return tmp_path / "backup"


def restored(settings: Settings, data_dir: Path) -> Server:
    running = Server(replace(settings, data_dir=data_dir, bundle=data_dir / "bundle"))
    running.start()
    return running


def test_writes_go_on_during_a_backup_and_what_it_holds_is_whole(settings, stubs, tmp_path):
    stubs.upload(100)
    heard: list[tuple[int, int]] = []
    outcomes: list[int] = []

    def write_meanwhile(done_bytes: int, total_bytes: int) -> None:
        heard.append((done_bytes, total_bytes))
        number = 1000 + len(heard)
        (answer,) = stubs.catalog.UploadProducts(iter([upload_row(number, photo(number))]))
        outcomes.append(answer.outcome)

    taken = back_up(
        settings.store_url, settings.bundle, tmp_path / "backup", lambda: NOON, write_meanwhile
    )
    restore(tmp_path / "backup", tmp_path / "new")
    running = restored(settings, tmp_path / "new")
    with connect(running.address) as again:
        hits = again.search("p5", page_size=100).similar_products
        kept = again.catalog.GetProductImage(
            catalog_service_pb2.GetProductImageRequest(
                name=f"products/p7/images/{again.image_ids('p7')[0]}",
                view=product_pb2.PRODUCT_IMAGE_VIEW_THUMBNAIL,
            )
        )
    running.stop()

    assert len(heard) > 1
    assert set(outcomes) == {catalog_service_pb2.UploadProductsResponse.CREATED}
    assert heard[-1][0] == heard[-1][1]
    assert taken.catalogue.product_count == taken.catalogue.image_count == 100
    assert len(hits) == 99
    assert kept.thumbnail


def test_a_restored_server_answers_as_the_first_did(settings, stubs, backup, tmp_path):
    before = stubs.search("p3", page_size=11)
    restore(backup, tmp_path / "new")
    running = restored(settings, tmp_path / "new")
    with connect(running.address) as again:
        after = again.search("p3", page_size=11)
        again.upload(13)
        grown = again.search("p3", page_size=20)
    running.stop()

    assert after == before
    assert len(grown.similar_products) == 12


def test_the_manifest_tells_what_is_in_it(backup, server):
    document = json.loads((backup / "backup.json").read_text())

    assert document["create_time"] == "2026-11-21T12:00:00+00:00"
    assert document["catalogue"]["product_count"] == 12
    assert read_backup(backup).bundle_id == document["catalogue"]["encoder_id"]
    assert {"catalogue.db", "bundle/manifest.json"} <= set(document["files"])
    assert not list(backup.parent.glob(".*partial"))


@pytest.mark.parametrize("name", ["catalogue.db", "bundle/encoder.onnx"])
def test_a_damaged_backup_is_refused_and_nothing_is_left(backup, tmp_path, name):
    content = bytearray((backup / name).read_bytes())
    content[len(content) // 2] ^= 1
    (backup / name).write_bytes(content)
    with pytest.raises(BackupInvalid, match="is not what was backed up"):
        restore(backup, tmp_path / "new")

    assert list((tmp_path / "new").iterdir()) == []


def test_a_manifest_that_leads_elsewhere_is_refused(backup, tmp_path):
    text = (backup / "backup.json").read_text()
    (backup / "backup.json").write_text(text.replace("bundle/encoder.onnx", "../encoder.onnx"))

    with pytest.raises(BackupInvalid, match="damaged"):
        restore(backup, tmp_path / "new")


def test_a_backup_of_a_newer_release_is_refused(backup, tmp_path):
    document = json.loads((backup / "backup.json").read_text())
    document["catalogue"]["schema_version"] = 999
    (backup / "backup.json").write_text(json.dumps(document))

    with pytest.raises(BackupInvalid, match="newer than this release"):
        restore(backup, tmp_path / "new")


def test_neither_a_backup_nor_a_catalogue_is_overwritten(settings, backup):
    with pytest.raises(InvalidField, match="exists"):
        back_up(settings.store_url, settings.bundle, backup, lambda: NOON)
    with pytest.raises(InvalidField, match="holds a catalogue"):
        restore(backup, settings.data_dir)


def test_what_is_no_catalogue_is_not_backed_up(settings, tmp_path):
    (tmp_path / "text.db").write_text("no database" * 400)
    for url, error in (
        (f"sqlite:///{tmp_path / 'text.db'}", StoreCorrupt),
        (f"sqlite:///{tmp_path / 'none.db'}", StoreCorrupt),
        ("postgresql://me@localhost/shop", SettingInvalid),
    ):
        with pytest.raises(error):
            back_up(url, settings.bundle, tmp_path / "backup", lambda: NOON)

    assert not (tmp_path / "backup").exists()
