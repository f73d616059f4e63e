import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest
from grpc_status import rpc_status
from hypothesis import given
from hypothesis import strategies as st

from stylefacet.client import RetryPolicy, StylefacetClient
from stylefacet.client.transport import Transport, error_of
from stylefacet.errors import (
    CallCutOff,
    CallTimedOut,
    FilterInvalid,
    IndexLoading,
    InvalidField,
    Overloaded,
    PageTokenStale,
    ResourceMissing,
    ServerUnreachable,
    StoreFull,
    StylefacetError,
)
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.server.status import internal_status, to_status
from stylefacet.v1.encoder_service_pb2 import ListEncodersRequest, ListEncodersResponse
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub

NOBODY = "127.0.0.1:1"


@pytest.mark.parametrize(
    "error",
    [
        FilterInvalid("a =", 3, "ends too early"),
        ResourceMissing("product", "4711"),
        PageTokenStale(),
        Overloaded(),
        IndexLoading(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_comes_back_as_the_class_the_server_raised(error: StylefacetError):
    found = error_of(to_status(error))

    assert type(found) is type(error)
    assert (found.message, found.metadata) == (error.message, error.metadata)
    assert found.retry_after_s == error.retry_after_s


def test_internal_error_carries_the_request_it_happened_in():
    found = error_of(internal_status("r1"))

    assert type(found) is StylefacetError
    assert found.metadata["request_id"] == "r1"


def test_nobody_listening_is_told_after_the_last_retry():
    waits: list[float] = []
    transport = Transport(NOBODY, sleep=waits.append, chance=lambda: 0.0)

    with pytest.raises(ServerUnreachable, match=r"127.0.0.1:1 \(connection refused\)"):
        transport.call(EncoderServiceStub(transport.channel).ListEncoders, ListEncodersRequest())

    transport.close()
    assert waits == [0.2, 0.4, 0.8]


@contextmanager
def answering(answer: Callable[[bytes, grpc.ServicerContext], bytes]) -> Iterator[str]:
    """A server whose encoders are listed by a function."""
    server = grpc.server(ThreadPoolExecutor(1))
    handler: Any = grpc.unary_unary_rpc_method_handler(answer)
    name = "stylefacet.v1.EncoderService"
    server.add_registered_method_handlers(name, {"ListEncoders": handler})
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@contextmanager
def cutting_off(count: int) -> Iterator[tuple[str, list[float]]]:
    """A server that ends so many calls without a reason; yields when calls came, too."""
    came_at_s: list[float] = []

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        came_at_s.append(time.monotonic())
        if len(came_at_s) <= count:
            context.cancel()
        return b""

    with answering(answer) as address:
        yield address, came_at_s


def list_encoders(transport: Transport) -> ListEncodersResponse:
    method = EncoderServiceStub(transport.channel).ListEncoders
    return transport.call(method, ListEncodersRequest())


def test_call_that_was_cut_off_is_sent_again_with_pauses():
    with cutting_off(2) as (address, came_at_s):
        transport = Transport(address, chance=lambda: 0.0)
        list_encoders(transport)
        transport.close()

    assert len(came_at_s) == 3
    assert came_at_s[1] - came_at_s[0] >= 0.2
    assert came_at_s[2] - came_at_s[1] >= 0.4


def test_call_that_is_always_cut_off_is_told_after_the_last_attempt():
    with cutting_off(9) as (address, came_at_s):
        transport = Transport(address, sleep=lambda _: None)
        with pytest.raises(CallCutOff, match="overloaded"):
            list_encoders(transport)
        transport.close()

    assert len(came_at_s) == RetryPolicy().attempts


@contextmanager
def refusing(count: int) -> Iterator[str]:
    """A server whose disk is full for so many calls."""
    left = iter(range(count))

    def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
        if next(left, None) is not None:
            context.abort_with_status(rpc_status.to_status(to_status(StoreFull("catalogue.db"))))
        return b""

    with answering(answer) as address:
        yield address


def test_a_wait_that_lasts_is_told_now_and_then(caplog: pytest.LogCaptureFixture):
    with refusing(20) as address:
        transport = Transport(address, timeout_s=10_000, sleep=lambda _: None)
        list_encoders(transport)
        transport.close()

    assert len(caplog.messages) == 2
    assert all("trying again in" in told for told in caplog.messages)


def test_a_moment_without_an_answer_is_not_told(caplog: pytest.LogCaptureFixture):
    with refusing(2) as address:
        transport = Transport(address, timeout_s=10_000, sleep=lambda _: None)
        list_encoders(transport)
        transport.close()

    assert caplog.messages == []


def test_calls_of_a_client_that_was_closed_are_not_sent_again():
    with cutting_off(9) as (address, came_at_s):
        transport = Transport(address)
        transport.sleep = lambda _: transport.close()
        with pytest.raises((CallCutOff, ValueError)):
            list_encoders(transport)

    assert len(came_at_s) == 1


@pytest.mark.parametrize(
    "address", ["", "here", ":1", "here:", "here:65536", "here:x", "http://here:1"]
)
def test_address_that_is_none_is_refused(address: str):
    with pytest.raises(InvalidField, match="is not HOST:PORT"):
        StylefacetClient(address)


def test_name_without_an_address_is_unreachable():
    with (
        StylefacetClient("no-such-host.invalid:1", retry=RetryPolicy(attempts=1)) as client,
        pytest.raises(ServerUnreachable, match="cannot be resolved"),
    ):
        client.get_encoder()


def test_call_is_sent_again_until_a_server_answers(settings: Settings):
    gone = Server(settings)
    gone.start()
    gone.stop()
    back: list[Server] = []
    transport = Transport(gone.address)

    def start_server(seconds: float) -> None:
        if not back:
            back.append(Server(replace(settings, address=gone.address)))
            back[0].start()
        time.sleep(seconds)

    transport.sleep = start_server
    reply = transport.call(
        EncoderServiceStub(transport.channel).ListEncoders, ListEncodersRequest()
    )

    transport.close()
    back[0].stop()
    assert len(reply.encoders) == 1


def test_deadline_ends_a_call_to_a_server_that_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with StylefacetClient(address, timeout_s=0.3) as client, pytest.raises(CallTimedOut):
            client.get_encoder()


@given(
    failures=st.integers(1, 100),
    told=st.none() | st.floats(0, 60),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_delay_keeps_to_its_bounds(failures: int, told: float | None, chance: float):
    policy = RetryPolicy()

    delay_s = policy.delay_s(failures, told, chance)

    assert delay_s >= max(told or 0.0, policy.first_delay_s / 2)
    assert delay_s <= max(told or 0.0, policy.max_delay_s)
