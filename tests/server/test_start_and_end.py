"""How a server starts to answer, and how it leaves."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest

from stylefacet.app.follower import IndexFollower
from stylefacet.client import StylefacetClient
from stylefacet.errors import (
    StoreUnreachable,
)
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.conftest import photo
from tests.server.strained import (
    EMBED,
    NOT_SERVING,
    SERVING,
    channel_to,
    full,
    health_of,
    retry_delay_s,
    serving,
)
from tests.server.stubs import connect, fails_with, upload_row

AWAY = grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_concurrent_calls=2, shutdown_grace_s=0.2)


def test_server_is_not_serving_until_its_index_is_warm(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    warm, load = threading.Event(), IndexFollower.load
    monkeypatch.setattr(IndexFollower, "load", lambda self: (warm.wait(20), load(self)))
    server = Server(settings)
    starting = threading.Thread(target=server.start)
    starting.start()
    early = health_of(server.address), health_of(server.address, "stylefacet.v1.CatalogService")
    with connect(server.address) as stubs, fails_with(AWAY, "INDEX_LOADING") as status:
        stubs.search("p0")
    with StylefacetClient(server.address) as client:
        threading.Timer(0.5, warm.set).start()
        encoders = list(client.list_encoders())
    starting.join()
    late = health_of(server.address)
    server.stop()

    assert early == (NOT_SERVING, NOT_SERVING)
    assert retry_delay_s(status) > 0
    assert (len(encoders), late) == (1, SERVING)


def test_server_whose_index_cannot_be_filled_lets_go_of_its_port(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    def fail(follower: IndexFollower) -> None:
        raise StoreUnreachable("here")

    with monkeypatch.context() as patch:
        patch.setattr(IndexFollower, "load", fail)
        broken = Server(settings)
        with pytest.raises(StoreUnreachable):
            broken.start()

    assert broken.wait(0)
    with serving(replace(settings, address=broken.address)) as server:
        assert health_of(server.address) == SERVING


def test_leaving_server_tells_health_and_goes_on_for_the_notice(settings: Settings):
    server = Server(replace(settings, shutdown_notice_s=2.0))
    server.start()
    with connect(server.address) as stubs:
        leaving = threading.Thread(target=server.stop)
        leaving.start()
        time.sleep(0.3)
        told = health_of(server.address)
        answered = stubs.encoder.ListEncoders(encoder.ListEncodersRequest(), timeout=5)
        leaving.join()

    assert told == NOT_SERVING
    assert len(answered.encoders) == 1


def test_call_under_way_ends_well_while_the_server_leaves(settings: Settings):
    server = Server(replace(settings, shutdown_grace_s=10))
    server.start()
    content_is_there = threading.Event()

    def requests() -> Iterator[encoder.EmbedImageRequest]:
        content_is_there.wait(10)
        yield encoder.EmbedImageRequest(content=photo(1))

    with channel_to(server) as channel:
        method: Any = channel.stream_unary(
            EMBED,
            encoder.EmbedImageRequest.SerializeToString,
            encoder.EmbedImageResponse.FromString,
        )
        call = method.future(requests())
        time.sleep(1.0)
        leaving = threading.Thread(target=server.stop)
        leaving.start()
        time.sleep(0.3)
        content_is_there.set()
        answer = call.result(10)
        leaving.join(10)

    assert answer.embedding.mean
    assert not leaving.is_alive()


def test_stream_is_handed_on_while_the_server_leaves(settings: Settings):
    server = Server(replace(settings, shutdown_grace_s=10))
    server.start()
    go_on = threading.Event()

    def rows() -> Iterator[catalog.UploadProductsRequest]:
        yield upload_row(0, photo(0))
        go_on.wait(10)
        yield upload_row(1, photo(1))
        time.sleep(10)

    with connect(server.address) as stubs:
        answers = stubs.catalog.UploadProducts(rows())
        assert next(answers).row_number == 0
        leaving = threading.Thread(target=server.stop)
        leaving.start()
        time.sleep(0.3)
        go_on.set()
        started = time.monotonic()
        with fails_with(AWAY, "SHUTTING_DOWN"):
            list(answers)
        leaving.join(10)
        took_s = time.monotonic() - started

    assert took_s < 5


def test_end_takes_no_longer_than_the_grace(settings: Settings):
    server = Server(replace(settings, shutdown_grace_s=0.5))
    server.start()
    with full(server):
        started = time.monotonic()
        server.stop()
        took_s = time.monotonic() - started

    assert took_s < 5


def test_health_port_answers_in_plain_text_and_nothing_else(settings: Settings):
    with serving(replace(settings, health_address="127.0.0.1:0")) as server:
        assert health_of(server.health_address) == SERVING
        with full(server):
            assert health_of(server.health_address) == SERVING
        with connect(server.health_address) as stubs, pytest.raises(grpc.RpcError) as caught:
            stubs.encoder.ListEncoders(encoder.ListEncodersRequest())

    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
