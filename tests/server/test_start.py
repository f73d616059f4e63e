import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stylefacet.bundle import Bundle, write_bundle
from stylefacet.errors import BundleInvalid, EncoderMismatch, SettingInvalid, StoreCorrupt
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.server.stubs import connect
from tests.tiny_bundle import tiny_bundle_parts


def restart(settings: Settings) -> Server:
    server = Server(settings)
    server.start()
    return server


def test_catalogue_outlives_a_restart(settings: Settings):
    server = restart(settings)
    with connect(server.address) as stubs:
        stubs.upload(8)
        before = stubs.search("p0").similar_products
    server.stop()

    server = restart(settings)
    with connect(server.address) as stubs:
        after = stubs.search("p0").similar_products
    server.stop()

    assert after == before
    assert len(after) == 7


def test_two_servers_on_one_store_find_what_the_other_wrote(settings: Settings):
    first, second = restart(settings), restart(settings)
    with connect(first.address) as here, connect(second.address) as there:
        here.upload(8)
        found = there.search("p0").similar_products
    first.stop()
    second.stop()

    assert len(found) == 7


def test_port_in_use_is_named(server: Server, settings: Settings, tmp_path: Path):
    taken = Settings(data_dir=tmp_path / "b", bundle=settings.bundle, address=server.address)

    with pytest.raises(SettingInvalid, match="another server"):
        Server(taken)


def test_data_of_an_encoder_that_is_nowhere_is_refused(settings: Settings, other_bundle: Bundle):
    restart(settings).stop()
    # As a release did that kept no bundles.
    with closing(sqlite3.connect(settings.data_dir / "catalogue.db")) as database:
        database.execute("DELETE FROM encoder_files")
        database.execute("UPDATE encoders SET install_time = NULL")
        database.commit()

    with pytest.raises(EncoderMismatch, match="start it once with its own bundle"):
        Server(replace(settings, bundle=other_bundle.path))
    restart(settings).stop()


def test_folder_that_is_no_bundle_is_refused(tmp_path: Path):
    with pytest.raises(BundleInvalid, match=r"manifest\.json is missing"):
        Server(Settings(data_dir=tmp_path / "data", bundle=tmp_path, address="127.0.0.1:0"))


def test_file_that_is_no_database_is_refused(settings: Settings):
    settings.data_dir.mkdir()
    (settings.data_dir / "catalogue.db").write_bytes(b"no database" * 1000)

    with pytest.raises(StoreCorrupt):
        Server(settings)


def test_data_directory_that_is_a_file_is_refused(settings: Settings):
    settings.data_dir.write_text("a file")

    with pytest.raises(SettingInvalid, match="data_dir"):
        Server(settings)


def test_decoder_that_draws_nothing_stops_the_start(settings: Settings, tmp_path: Path):
    parts = tiny_bundle_parts(seed=0)
    swapped = write_bundle(tmp_path / "swapped", **(parts | {"decoder": parts["encoder"]}))

    with pytest.raises(BundleInvalid, match="decoder cannot be run"):
        Server(replace(settings, bundle=swapped.path))
