"""Calls and streams that take too long, and those that may."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest

from stylefacet.client import StylefacetClient
from stylefacet.client.transport import Transport
from stylefacet.errors import (
    CallCutOff,
)
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.conftest import photo
from tests.server.strained import (
    EMBED,
    channel_to,
    one_then_none,
    retry_delay_s,
    serving,
)
from tests.server.stubs import connect, fails_with, never

AWAY = grpc.StatusCode.UNAVAILABLE
LATE = grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_concurrent_calls=2, shutdown_grace_s=0.2)


def test_call_that_outlasts_the_server_s_patience_fails(settings: Settings):
    request = encoder.EmbedImageRequest(content=photo(1))
    with (
        serving(replace(settings, call_deadline_s=1e-6)) as server,
        connect(server.address) as stubs,
        fails_with(LATE, "CALL_EXPIRED", "nothing was done"),
    ):
        stubs.encoder.EmbedImage(request)


def test_stream_that_rests_makes_room(settings: Settings):
    with (
        serving(replace(settings, stream_idle_s=0.3)) as server,
        connect(server.address) as stubs,
        never() as none,
    ):
        answers = stubs.encoder.StreamingEmbedImages(one_then_none(none))
        assert next(answers).embedding.mean
        with fails_with(AWAY, "STREAM_IDLE") as status:
            next(answers)

    assert retry_delay_s(status) > 0


def test_client_with_slow_rows_is_served_to_the_end(settings: Settings):
    def slowly() -> Iterator[bytes]:
        for n in range(3):
            time.sleep(0.5)
            yield photo(n)

    with (
        serving(replace(settings, stream_idle_s=0.2)) as server,
        StylefacetClient(server.address) as client,
    ):
        outcomes = list(client.embed_many(slowly()))

    assert [outcome.error for outcome in outcomes] == [None] * 3


def test_call_whose_message_never_comes_is_cut_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stylefacet.server.admission._CUT_OFF_AFTER_S", 0.1)
    with (
        serving(replace(settings, call_deadline_s=0.1)) as server,
        channel_to(server) as channel,
        never() as requests,
    ):
        call: Any = channel.stream_unary(EMBED)
        with pytest.raises(grpc.RpcError) as caught:
            call(requests, timeout=20)

    assert caught.value.code() is grpc.StatusCode.CANCELLED
    failure = Transport(server.address).failure(caught.value, 20)
    assert isinstance(failure, CallCutOff)
