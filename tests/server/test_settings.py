import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from stylefacet.errors import SettingInvalid
from stylefacet.server.settings import Settings
from stylefacet.server.settings_sources import (
    CLIENT_VARIABLES,
    hide_passwords,
    load_settings,
    read_settings,
)

EXAMPLE = Path(__file__).parents[2] / "deploy" / "stylefacet.toml"


def test_server_opens_to_others_only_when_told_so():
    with pytest.raises(SettingInvalid, match="who may come in"):
        Settings(address="0.0.0.0:50051")
    assert Settings(address="0.0.0.0:50051", allow_insecure=True).allow_insecure


@pytest.mark.parametrize("address", ["", "50051", "host:", ":1", "host:99999", "host:x"])
def test_address_that_is_none_is_refused(address: str):
    with pytest.raises(SettingInvalid, match="HOST:PORT"):
        Settings(address=address)


def test_flags_beat_environment_beats_file(tmp_path: Path):
    file = tmp_path / "stylefacet.toml"
    file.write_text('worker_count = 1\nstream_depth = 1\naddress = "127.0.0.1:1"\n')
    environment = {"STYLEFACET_WORKER_COUNT": "2", "STYLEFACET_STREAM_DEPTH": "2", "HOME": "/x"}

    settings = load_settings({"worker_count": 3, "stream_depth": None}, environment, file)

    assert (settings.worker_count, settings.stream_depth) == (3, 2)
    assert settings.address == "127.0.0.1:1"


def test_unknown_setting_names_the_nearest_known(tmp_path: Path):
    file = tmp_path / "stylefacet.toml"
    file.write_text("worker_cuont = 1\n")

    with pytest.raises(SettingInvalid, match="did you mean worker_count"):
        load_settings({}, {}, file)


@pytest.mark.parametrize("value", ["many", "1.5", "", "-1"])
def test_setting_of_the_wrong_type_is_refused(value: str):
    with pytest.raises(SettingInvalid, match="worker_count"):
        load_settings({}, {"STYLEFACET_WORKER_COUNT": value})


def test_a_folder_to_import_from_must_be_there(tmp_path: Path):
    settings = load_settings({}, {"STYLEFACET_IMPORT_ROOT": str(tmp_path)})
    assert (settings.import_root, load_settings({}, {}).import_root) == (tmp_path, None)
    with pytest.raises(SettingInvalid, match="there is no folder"):
        load_settings({"import_root": tmp_path / "none"}, {})


def test_example_file_shows_every_setting_and_its_default():
    shown = tomllib.loads(EXAMPLE.read_text())

    assert set(shown) == {field.name for field in fields(Settings)}
    assert load_settings({}, {}, EXAMPLE) == Settings()


def test_each_value_tells_where_it_comes_from(tmp_path: Path):
    file = tmp_path / "stylefacet.toml"
    file.write_text("worker_count = 1\nstream_depth = 1\n")
    environment = {"STYLEFACET_STREAM_DEPTH": "2", "STYLEFACET_TOKEN": "the client's"}

    sources = read_settings({"address": "127.0.0.1:1"}, environment, file).sources

    assert sources["worker_count"] == f"file {file}"
    assert sources["stream_depth"] == "environment STYLEFACET_STREAM_DEPTH"
    assert (sources["address"], sources["bundle"]) == ("command line", "default")


def test_passwords_are_not_shown():
    url = "postgresql://shop:s3cr@t@db:5432/shop?password=s3cret"
    shown = read_settings({"database_url": url}, {}).shown()

    assert "s3cr" not in str(shown)
    assert hide_passwords(url) == "postgresql://shop:***@db:5432/shop?password=***"


def test_limits_that_contradict_each_other_are_refused():
    with pytest.raises(SettingInvalid, match="does not fit a message"):
        Settings(max_message_bytes=1000)
    with pytest.raises(SettingInvalid, match="what clients send at most"):
        Settings(max_message_bytes=2**30)


@pytest.mark.parametrize("name", ["call_deadline_s", "shutdown_grace_s"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_seconds_that_are_none_are_refused(name: str, value: str):
    with pytest.raises(SettingInvalid, match=name):
        load_settings({}, {f"STYLEFACET_{name.upper()}": value})


def test_half_a_key_pair_is_refused(tmp_path: Path):
    with pytest.raises(SettingInvalid, match="there is no file"):
        Settings(tls_cert=tmp_path / "cert.pem")
    (tmp_path / "cert.pem").touch()
    with pytest.raises(SettingInvalid, match="tls_key: is missing"):
        Settings(tls_cert=tmp_path / "cert.pem")


def test_links_of_a_kubernetes_service_are_no_settings():
    links = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_GRPC", "PORT", "PORT_50051_TCP_ADDR")
    environment = {f"STYLEFACET_{link}": "10.0.0.1" for link in links}

    assert load_settings({}, environment) == Settings()
    with pytest.raises(SettingInvalid, match="no such setting"):
        load_settings({}, {"STYLEFACET_SERVICE": "x"})


def test_no_setting_is_taken_for_a_link_or_for_the_client_s():
    names = [f"STYLEFACET_{field.name.upper()}" for field in fields(Settings)]
    values = {name: "" for name in names if name.endswith(("_CERT", "_FILE", "_CA", "_DIR"))}

    assert not set(names) & CLIENT_VARIABLES
    sources = read_settings({}, values).sources
    assert all(sources[n.removeprefix("STYLEFACET_").lower()].endswith(n) for n in values)
