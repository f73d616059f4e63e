"""Who is let in by token, at a real server on a real port."""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from stylefacet.errors import MethodUnclassed, SettingInvalid, TokenRejected
from stylefacet.server.access import HEALTH_SERVICE, SCOPES, AccessCheck
from stylefacet.server.runtime import Server, served_services
from stylefacet.server.settings import Settings
from stylefacet.server.tokens import Scope, Token, find_token, make_token, read_tokens, write_tokens
from stylefacet.server.watched import LOOK_EVERY_S
from stylefacet.v1 import catalog_service_pb2
from tests.conftest import photo
from tests.server.stubs import Stubs, connect, fails_with, never, upload_row

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DENIED, UNKNOWN = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED
LIST = catalog_service_pb2.ListProductsRequest()

Entries = tuple[tuple[str, str], ...]


def bearer(text: str) -> Entries:
    return (("authorization", f"Bearer {text}"),)


@pytest.fixture
def tokens_file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


@pytest.fixture
def secrets(tokens_file: Path) -> dict[Scope, str]:
    """The texts of a token of each scope."""
    made = {scope: make_token(f"a-{scope}", scope, NOW) for scope in Scope}
    write_tokens(tokens_file, [token for _, token in made.values()])
    return {scope: text for scope, (text, _) in made.items()}


@pytest.fixture
def settings(settings: Settings, tokens_file: Path, secrets: dict[Scope, str]) -> Settings:
    return replace(settings, tokens_file=tokens_file)


@pytest.fixture
def guarded(server: Server) -> Iterator[Stubs]:
    with connect(server.address) as stubs:
        yield stubs


def test_every_method_is_classed_as_reading_or_writing():
    served = {
        f"/{service.full_name}/{method.name}"
        for service in served_services()
        for method in service.methods
    }
    reflected = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

    assert served | {reflected} == set(SCOPES)
    assert not any(HEALTH_SERVICE in method for method in SCOPES)


def test_method_that_is_not_classed_is_refused_with_and_without_tokens():
    tokens = (make_token("t", Scope.WRITE, NOW)[1],)

    with pytest.raises(MethodUnclassed):
        AccessCheck(None, lambda: NOW).admit("/stylefacet.v1.New/Method", ())
    with pytest.raises(TokenRejected):
        AccessCheck(lambda: tokens, lambda: NOW).admit("/stylefacet.v1.New/Method", ())


def test_reader_reads_and_does_not_write(guarded: Stubs, secrets: dict[Scope, str]):
    reader = bearer(secrets[Scope.READ])
    request = catalog_service_pb2.DeleteProductRequest(name="products/p1")

    assert not guarded.catalog.ListProducts(LIST, metadata=reader).products
    with fails_with(DENIED, "TOKEN_SCOPE_INSUFFICIENT", "the write scope"):
        guarded.catalog.DeleteProduct(request, metadata=reader)
    with fails_with(DENIED, "TOKEN_SCOPE_INSUFFICIENT"):
        rows = iter([upload_row(1, photo(1))])
        list(guarded.catalog.UploadProducts(rows, metadata=reader))


def test_writer_writes_and_reads(guarded: Stubs, secrets: dict[Scope, str]):
    writer = bearer(secrets[Scope.WRITE])
    rows = iter([upload_row(1, photo(1))])
    answers = list(guarded.catalog.UploadProducts(rows, metadata=writer))

    assert [answer.status.code for answer in answers] == [0]
    assert len(guarded.catalog.ListProducts(LIST, metadata=writer).products) == 1


@pytest.mark.parametrize(
    "entries",
    [
        (),
        bearer(""),
        bearer("sf_" + "A" * 43),
        bearer("x" * 5000),
        (("authorization", "Basic c2VjcmV0"),),
        (("authorization", "Bearer"),),
    ],
    ids=["none", "empty", "wrong", "long", "basic", "bare"],
)
def test_no_token_and_a_wrong_one_are_refused_alike(guarded: Stubs, entries: Entries):
    with fails_with(UNKNOWN, "TOKEN_REJECTED") as caught:
        guarded.catalog.ListProducts(LIST, metadata=entries)
    with fails_with(UNKNOWN, "TOKEN_REJECTED"):
        list(guarded.encoder.StreamingEmbedImages(iter(()), metadata=entries))

    assert caught.message == "send a valid bearer token in the authorization metadata"


def test_two_tokens_in_one_call_are_refused(guarded: Stubs, secrets: dict[Scope, str]):
    with fails_with(UNKNOWN, "TOKEN_REJECTED"):
        guarded.catalog.ListProducts(LIST, metadata=bearer(secrets[Scope.READ]) + bearer("x"))


def test_method_that_does_not_exist_tells_a_stranger_nothing(
    server: Server, secrets: dict[Scope, str]
):
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary("/stylefacet.v1.CatalogService/Nothing")
        with fails_with(UNKNOWN, "TOKEN_REJECTED"):
            call(b"")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"", metadata=bearer(secrets[Scope.READ]))

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_health_needs_no_token_and_reflection_needs_one(server: Server, secrets: dict[Scope, str]):
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        reflect = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        with fails_with(UNKNOWN, "TOKEN_REJECTED"):
            list(reflect(iter([asked])))
        (told,) = reflect(iter([asked]), metadata=bearer(secrets[Scope.READ]))

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert "stylefacet.v1.CatalogService" in str(told)


def test_reflection_can_be_off(settings: Settings, secrets: dict[Scope, str]):
    server = Server(replace(settings, reflection=False))
    server.start()
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(server.address) as channel:
        reflect = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        with pytest.raises(grpc.RpcError) as caught:
            list(reflect(iter([asked]), metadata=bearer(secrets[Scope.READ])))
    server.stop()

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_tokens_change_while_the_server_runs(
    guarded: Stubs, tokens_file: Path, secrets: dict[Scope, str]
):
    text, token = make_token("new", Scope.READ, NOW)
    old = bearer(secrets[Scope.READ])
    guarded.catalog.ListProducts(LIST, metadata=old)
    write_tokens(tokens_file, [token])
    time.sleep(LOOK_EVERY_S + 0.1)

    guarded.catalog.ListProducts(LIST, metadata=bearer(text))
    with fails_with(UNKNOWN, "TOKEN_REJECTED"):
        guarded.catalog.ListProducts(LIST, metadata=old)


def test_broken_tokens_file_keeps_the_tokens_of_before(
    guarded: Stubs,
    tokens_file: Path,
    secrets: dict[Scope, str],
    caplog: pytest.LogCaptureFixture,
):
    tokens_file.write_text("[[tokens]]\nname = 'half")
    time.sleep(LOOK_EVERY_S + 0.1)
    with caplog.at_level(logging.ERROR, "stylefacet"):
        guarded.catalog.ListProducts(LIST, metadata=bearer(secrets[Scope.READ]))

    assert "changed files not used" in caplog.text


def test_tokens_are_named_and_not_told_in_the_log(
    guarded: Stubs, secrets: dict[Scope, str], caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG, "stylefacet"):
        guarded.catalog.ListProducts(LIST, metadata=bearer(secrets[Scope.READ]))
        with fails_with(UNKNOWN, "TOKEN_REJECTED"):
            guarded.catalog.ListProducts(LIST, metadata=bearer("sf_a-wrong-one"))

    told = "\n".join(str(vars(record)) for record in caplog.records)
    assert "a-read" in told
    assert secrets[Scope.READ] not in told
    assert "sf_a-wrong-one" not in told


def test_token_is_known_by_its_text_until_it_expires():
    text, token = make_token("t", Scope.READ, NOW, NOW + timedelta(days=1))
    others = [make_token(str(n), Scope.READ, NOW)[1] for n in range(3)]

    assert find_token([*others, token], text, NOW) == token
    assert find_token([*others, token], text, NOW + timedelta(days=1)) is None
    assert find_token([*others, token], text + "x", NOW) is None
    assert find_token([], text, NOW) is None


def test_file_holds_no_token_and_only_its_owner_reads_it(tokens_file: Path):
    text, token = make_token("night", Scope.WRITE, NOW, NOW + timedelta(days=9))
    write_tokens(tokens_file, [token])

    assert read_tokens(tokens_file) == (token,)
    assert text not in tokens_file.read_text()
    assert tokens_file.stat().st_mode & 0o777 == 0o600


DIGEST = "0" * 64
TABLE = "[[tokens]]\nname = 'a'\nscope = '{}'\nsha256 = '{}'\ncreated = {}\n"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("nonsense", "cannot be read"),
        ("other = 1", "more than"),
        ("tokens = 1", "more than"),
        ("[[tokens]]\nname = 'a'", "is missing"),
        (TABLE.format("all", DIGEST, "2026-01-01T00:00:00Z"), "all"),
        (TABLE.format("read", DIGEST, "2026-01-01"), "zone"),
        (TABLE.format("read", "x", "2026-01-01T00:00:00Z"), "malformed"),
        ("[[tokens]]\nsecret = 'x'", "'secret' is no key"),
    ],
)
def test_malformed_tokens_file_stops_the_start(settings: Settings, text: str, cause: str):
    assert settings.tokens_file is not None
    settings.tokens_file.write_text(text)

    with pytest.raises(SettingInvalid, match=cause):
        Server(settings)


def test_two_tokens_of_one_name_are_refused(tokens_file: Path):
    twice = [Token("t", Scope.READ, DIGEST, NOW)] * 2
    write_tokens(tokens_file, twice)

    with pytest.raises(SettingInvalid, match="twice"):
        read_tokens(tokens_file)


def test_message_of_a_stranger_is_not_waited_for(server: Server):
    with grpc.insecure_channel(server.address) as channel, never() as requests:
        call: Any = channel.stream_unary("/stylefacet.v1.EncoderService/EmbedImage")
        with fails_with(UNKNOWN, "TOKEN_REJECTED"):
            call(requests, timeout=5)
