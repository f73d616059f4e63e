"""Photos and messages that are too large, and calls without one."""

from dataclasses import replace
from typing import Any

import grpc
import pytest

from stylefacet.client import StylefacetClient
from stylefacet.errors import (
    ImageTooLarge,
    MessageTooLarge,
)
from stylefacet.limits import MAX_IMAGE_BYTES, MAX_MESSAGE_BYTES
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.conftest import photo
from tests.server.strained import (
    EMBED,
    channel_to,
    serving,
)
from tests.server.stubs import Stubs, fails_with

BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED
WRONG = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_concurrent_calls=2, shutdown_grace_s=0.2)


def test_photo_over_the_server_s_own_limit_is_refused(settings: Settings):
    content = photo(1)
    with (
        serving(replace(settings, max_image_bytes=len(content) - 1)) as server,
        StylefacetClient(server.address) as client,
    ):
        with pytest.raises(ImageTooLarge):
            client.embed(content)
        (outcome,) = client.embed_many([content])

    assert isinstance(outcome.error, ImageTooLarge)


def test_photo_of_too_many_pixels_is_refused(settings: Settings):
    with (
        serving(replace(settings, max_image_pixels=100)) as server,
        StylefacetClient(server.address) as client,
        pytest.raises(ImageTooLarge, match="pixels"),
    ):
        client.embed(photo(1))


def test_message_over_the_limit_is_named_as_such(server: Server):
    too_large = b"x" * (MAX_MESSAGE_BYTES + 1)
    with StylefacetClient(server.address) as client:
        with pytest.raises(MessageTooLarge):
            client.embed(too_large)
        outcomes = list(client.embed_many([photo(0), too_large, photo(1)]))

    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [ImageTooLarge]
    assert MAX_MESSAGE_BYTES > MAX_IMAGE_BYTES


def test_server_reads_no_message_over_its_limit(settings: Settings):
    limited = replace(settings, max_message_bytes=100_000, max_image_bytes=50_000)
    with serving(limited) as server, channel_to(server) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            Stubs(channel).encoder.EmbedImage(encoder.EmbedImageRequest(content=b"x" * 100_001))
        with StylefacetClient(server.address) as client, pytest.raises(MessageTooLarge):
            client.embed(b"x" * 100_001)

    assert caught.value.code() is BUSY


def test_call_without_its_message_is_refused(server: Server):
    with channel_to(server) as channel:
        call: Any = channel.stream_unary(EMBED)
        with fails_with(WRONG, "INVALID_FIELD", "request: is missing"):
            call(iter(()), timeout=10)
