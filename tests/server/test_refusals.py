"""What becomes of one call too many, and of health meanwhile."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from stylefacet.client import RetryPolicy, StylefacetClient
from stylefacet.errors import (
    Overloaded,
)
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.server.watching import CallWatch
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.conftest import photo
from tests.server.strained import (
    EMBED,
    SERVING,
    channel_to,
    full,
    health_of,
    retry_delay_s,
)
from tests.server.stubs import Stubs, fails_with, never

BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_concurrent_calls=2, shutdown_grace_s=0.2)


CALLS = {
    "unary": lambda stubs: stubs.encoder.ListEncoders(encoder.ListEncodersRequest()),
    "batch": lambda stubs: stubs.catalog.BatchUpdateProducts(
        catalog.BatchUpdateProductsRequest(requests=[{"allow_missing": True}])
    ),
    "stream down": lambda stubs: list(
        stubs.catalog.ExportFeatures(catalog.ExportFeaturesRequest())
    ),
    "stream both ways": lambda stubs: stubs.upload(3),
}


@pytest.mark.parametrize("kind", CALLS)
def test_calls_of_every_kind_are_refused_alike(server: Server, stubs: Stubs, kind: str):
    with full(server), fails_with(BUSY, "OVERLOADED") as status:
        CALLS[kind](stubs)

    # The client waits for the streams to be gone.
    with StylefacetClient(server.address) as client:
        kept = list(client.list_products())

    assert retry_delay_s(status) == 1.0
    assert kept == []


def test_refusals_take_no_thread_of_the_calls(
    server: Server, stubs: Stubs, monkeypatch: pytest.MonkeyPatch
):
    names: list[str] = []
    refused = CallWatch.refused

    def noting(*args: Any) -> str:
        names.append(threading.current_thread().name)
        return refused(*args)

    monkeypatch.setattr(CallWatch, "refused", noting)
    with full(server), fails_with(BUSY, "OVERLOADED"):
        CALLS["unary"](stubs)

    assert len(names) == 1
    assert not names[0].startswith("call")


def test_refusals_leave_nothing_for_the_collector(server: Server, stubs: Stubs):
    with full(server):
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                with pytest.raises(grpc.RpcError):
                    CALLS["unary"](stubs)
            time.sleep(0.2)
            left = [found for found in gc.get_objects() if type(found) is Overloaded]
        finally:
            gc.enable()

    # The last one may still be held by the thread that refused it.
    assert len(left) <= 1


def test_health_is_answered_when_nothing_else_is(server: Server):
    with full(server):
        slowest_s = 0.0
        for _ in range(20):
            start = time.perf_counter()
            assert health_of(server.address) == SERVING
            slowest_s = max(slowest_s, time.perf_counter() - start)

    assert slowest_s < 3


def test_calls_whose_message_never_comes_starve_nobody_of_health(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stylefacet.server.admission._CUT_OFF_AFTER_S", 0.1)
    with channel_to(server) as channel, never() as requests:
        slow: Any = channel.stream_unary(EMBED)
        checks: Any = channel.stream_unary("/grpc.health.v1.Health/Check")
        held = [slow.future(requests) for _ in range(100)] + [
            checks.future(requests) for _ in range(4)
        ]
        # Checks without a message hold every thread at the door, and are cut off.
        deadline = time.monotonic() + 30
        while sum(call.done() for call in held[:100]) < 98 and time.monotonic() < deadline:
            time.sleep(0.1)
        refused = [call for call in held[:100] if call.done()]
        assert health_of(server.address) == SERVING
        for call in held:
            call.cancel()

    assert {call.code() for call in refused} == {BUSY}
    assert len(refused) == 98


def test_watchers_of_health_take_no_threads(server: Server):
    with grpc.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        watching = [watch(health_pb2.HealthCheckRequest()) for _ in range(20)]
        told = [next(statuses).status for statuses in watching]
        check = health_of(server.address)
        for statuses in watching:
            statuses.cancel()

    assert told == [SERVING] * 20
    assert check == SERVING


def test_a_rush_is_answered_or_refused_and_nothing_else(server: Server, stubs: Stubs):
    outcomes: list[str] = []

    def embed(seed: int) -> None:
        request = encoder.EmbedImageRequest(content=photo(seed, (600, 900), "JPEG"))
        try:
            stubs.encoder.EmbedImage(request, timeout=30)
            outcomes.append("answered")
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            assert status is not None
            assert retry_delay_s(status) > 0
            outcomes.append(error.code().name)

    with ThreadPoolExecutor(16) as callers:
        done = [callers.submit(embed, seed % 4) for seed in range(120)]
        statuses = [health_of(server.address) for _ in range(10)]
    for one in done:
        one.result()

    assert set(statuses) == {SERVING}
    assert set(outcomes) <= {"answered", "RESOURCE_EXHAUSTED"}
    assert outcomes.count("answered") >= 2


def test_client_comes_back_when_it_is_told_to(server: Server):
    with ExitStack() as stack, StylefacetClient(server.address) as client:
        stack.enter_context(full(server))
        threading.Timer(0.5, stack.close).start()
        started = time.monotonic()
        outcomes = list(client.embed_many([photo(n) for n in range(3)]))
        waited_s = time.monotonic() - started

    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert waited_s >= 1.0


def test_stream_that_is_told_to_come_back_tries_longer_than_a_lost_one(server: Server):
    waits: list[float] = []
    with ExitStack() as stack, StylefacetClient(server.address) as client:
        stack.enter_context(full(server))

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == RetryPolicy().attempts + 2:
                stack.close()
                time.sleep(0.5)

        client._transport.sleep = sleep
        outcomes = list(client.embed_many([photo(0)]))

    assert outcomes[0].error is None
    assert len(waits) >= RetryPolicy().attempts + 2


def test_client_asks_again_when_it_is_told_to(server: Server):
    with ExitStack() as stack, StylefacetClient(server.address) as client:
        stack.enter_context(full(server))
        threading.Timer(0.5, stack.close).start()
        started = time.monotonic()
        client.get_encoder()
        waited_s = time.monotonic() - started

    assert waited_s >= 1.0


def test_no_retry_means_none(server: Server):
    once = RetryPolicy(attempts=1)
    with full(server), StylefacetClient(server.address, retry=once) as client:
        started = time.monotonic()
        with pytest.raises(Overloaded):
            list(client.embed_many([photo(0)]))

    assert time.monotonic() - started < 5
