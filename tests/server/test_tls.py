"""TLS and mutual TLS at a real server, with certificates made here."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from stylefacet.client import RetryPolicy, StylefacetClient, Tls
from stylefacet.errors import (
    InvalidField,
    ServerUnreachable,
    ServerUntrusted,
    SettingInvalid,
    StylefacetError,
)
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.server.watched import LOOK_EVERY_S
from tests.certificates import Authority, KeyPair

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def settings(settings: Settings, authority: Authority) -> Settings:
    pair = authority.issue("server")
    return replace(settings, tls_cert=pair.cert, tls_key=pair.key)


@pytest.fixture
def mutual(settings: Settings, authority: Authority) -> Settings:
    return replace(settings, tls_client_ca=authority.path)


def ask(address: str, tls: Tls | None) -> str:
    with StylefacetClient(address, tls=tls, retry=ONCE, timeout_s=10) as client:
        return client.get_encoder().display_name


def refusal(settings: Settings, tls: Tls | None) -> StylefacetError:
    """Starts a server, asks it in vain, and returns why."""
    server = Server(settings)
    server.start()
    try:
        with pytest.raises(StylefacetError) as caught:
            ask(server.address, tls)
    finally:
        server.stop()
    return caught.value


def trusting(authority: Authority, pair: KeyPair | None = None, name: str = "") -> Tls:
    if pair is None:
        return Tls(authority.path, server_name=name)
    return Tls(authority.path, pair.cert, pair.key)


def test_client_that_trusts_the_authority_comes_in(server: Server, authority: Authority):
    assert ask(server.address, trusting(authority)) == "tiny-0"
    assert ask(server.address, trusting(authority, name="localhost")) == "tiny-0"


def test_plaintext_to_a_tls_port_is_refused(settings: Settings):
    error = refusal(settings, None)

    assert isinstance(error, ServerUnreachable)
    assert "perhaps it asks for TLS" in error.message


def test_tls_to_a_plaintext_port_is_refused(settings: Settings, authority: Authority):
    error = refusal(replace(settings, tls_cert=None, tls_key=None), trusting(authority))

    assert isinstance(error, ServerUntrusted)
    assert "speaks no TLS" in error.message


def test_server_of_another_authority_is_not_trusted(settings: Settings, tmp_path: Path):
    error = refusal(settings, trusting(Authority(tmp_path, "other")))

    assert isinstance(error, ServerUntrusted)
    assert "its certificate is refused" in error.message


def test_server_of_another_name_is_not_trusted(settings: Settings, authority: Authority):
    error = refusal(settings, trusting(authority, name="elsewhere.example"))

    assert isinstance(error, ServerUntrusted)
    assert "another name" in error.message


def test_expired_certificate_of_a_server_is_not_trusted(authority: Authority):
    pair = authority.issue("old", expired=True)
    keys = [(pair.key.read_bytes(), pair.cert.read_bytes())]
    late = grpc.server(ThreadPoolExecutor(1))
    port = late.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(keys))
    late.start()
    with pytest.raises(ServerUntrusted, match="certificate has expired"):
        ask(f"127.0.0.1:{port}", trusting(authority))
    late.stop(None)


def test_server_does_not_start_with_an_expired_certificate(
    settings: Settings, authority: Authority
):
    pair = authority.issue("old", expired=True)

    with pytest.raises(SettingInvalid, match="certificate has expired; renew it"):
        Server(replace(settings, tls_cert=pair.cert, tls_key=pair.key))


def test_caller_with_a_certificate_is_named_in_the_log(
    mutual: Settings, authority: Authority, caplog: pytest.LogCaptureFixture
):
    server = Server(mutual)
    server.start()
    with caplog.at_level(logging.INFO, "stylefacet"):
        ask(server.address, trusting(authority, authority.issue("night-job")))
    server.stop()

    assert "night-job" in [vars(record).get("caller") for record in caplog.records]


def test_client_with_a_certificate_comes_in(mutual: Settings, authority: Authority):
    server = Server(mutual)
    server.start()
    name = ask(server.address, trusting(authority, authority.issue("client")))
    server.stop()

    assert name == "tiny-0"


@pytest.mark.parametrize("kind", ["none", "expired", "of another authority"])
def test_client_without_a_good_certificate_is_refused(
    mutual: Settings, authority: Authority, tmp_path: Path, kind: str
):
    pairs = {
        "none": None,
        "expired": authority.issue("late", expired=True),
        "of another authority": Authority(tmp_path, "other").issue("foreign"),
    }
    error = refusal(mutual, trusting(authority, pairs[kind]))

    assert isinstance(error, ServerUnreachable)
    assert str(tmp_path) not in error.message


def test_certificate_is_renewed_while_the_server_runs(
    server: Server, settings: Settings, authority: Authority
):
    new = Authority(settings.data_dir, "new")
    assert settings.tls_cert is not None
    assert settings.tls_key is not None
    pair = new.issue("server")
    settings.tls_cert.write_bytes(pair.cert.read_bytes())
    settings.tls_key.write_bytes(pair.key.read_bytes())
    time.sleep(LOOK_EVERY_S + 0.1)

    assert ask(server.address, trusting(new)) == "tiny-0"
    with pytest.raises(ServerUntrusted):
        ask(server.address, trusting(authority))


def test_certificate_without_its_key_is_not_taken_up(
    server: Server, settings: Settings, authority: Authority
):
    assert settings.tls_cert is not None
    settings.tls_cert.write_bytes(authority.issue("half").cert.read_bytes())
    time.sleep(LOOK_EVERY_S + 0.1)

    assert ask(server.address, trusting(authority)) == "tiny-0"


def test_files_that_are_no_key_pair_stop_the_start(settings: Settings, authority: Authority):
    other = authority.issue("other")

    with pytest.raises(SettingInvalid, match="no certificate and its unencrypted key"):
        Server(replace(settings, tls_key=other.key))
    with pytest.raises(SettingInvalid, match="holds no certificate"):
        Server(replace(settings, tls_client_ca=other.key))


def test_client_says_which_file_it_cannot_use(authority: Authority):
    pair = authority.issue("client")

    with pytest.raises(InvalidField, match="tls_key: is missing"):
        StylefacetClient(tls=Tls(authority.path, pair.cert))
    with pytest.raises(InvalidField, match="cannot be used as PEM"):
        StylefacetClient(tls=Tls(pair.key))


def test_address_is_open_to_others_with_tls_and_tokens_or_certificates(
    settings: Settings, mutual: Settings, tmp_path: Path
):
    (tmp_path / "tokens.toml").touch()
    tokens = tmp_path / "tokens.toml"

    assert replace(settings, address="0.0.0.0:0", tokens_file=tokens).has_tls
    assert replace(mutual, address="0.0.0.0:0").has_tls
    with pytest.raises(SettingInvalid, match="who may come in"):
        replace(settings, address="0.0.0.0:0")
    with pytest.raises(SettingInvalid, match="who may come in"):
        Settings(address="0.0.0.0:0", tokens_file=tokens)


def test_token_is_not_sent_unencrypted_to_another_machine():
    with pytest.raises(InvalidField, match="unencrypted"):
        StylefacetClient("shop.example:50051", "sf_x")
    StylefacetClient("shop.example:50051", "sf_x", allow_plaintext_token=True).close()
    StylefacetClient("127.0.0.1:50051", "sf_x").close()


def test_what_is_no_token_is_refused_and_not_repeated():
    with pytest.raises(InvalidField) as caught:
        StylefacetClient(token="sf_x\nsf_y")

    assert "sf_x" not in caught.value.message
