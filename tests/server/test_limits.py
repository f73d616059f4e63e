"""What a server does when it is asked for more than it takes, and how it starts and ends."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from stylefacet.app.call_terms import CallTerms, set_call_terms
from stylefacet.app.follower import IndexFollower
from stylefacet.client import RetryPolicy, StylefacetClient
from stylefacet.client.transport import Transport
from stylefacet.errors import (
    CallCutOff,
    CallExpired,
    ImageTooLarge,
    MessageTooLarge,
    Overloaded,
    StoreUnreachable,
)
from stylefacet.limits import MAX_IMAGE_BYTES, MAX_MESSAGE_BYTES
from stylefacet.server.photo_pool import PhotoPool
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.conftest import photo
from tests.server.stubs import Stubs, connect, fails_with, never, upload_row

BUSY, AWAY = grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE
LATE, WRONG = grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.INVALID_ARGUMENT
EMBED = "/stylefacet.v1.EncoderService/EmbedImage"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, max_concurrent_calls=2, shutdown_grace_s=0.2)


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    server = Server(settings)
    server.start()
    yield server
    server.stop()


@contextmanager
def channel_to(server: Server) -> Iterator[grpc.Channel]:
    """A channel that sends messages of any size, as other people's clients may."""
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        yield channel


def health_of(address: str, service: str = "") -> int:
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status)


@contextmanager
def full(server: Server, count: int = 2) -> Iterator[None]:
    """Keeps a server as busy as it gets, with streams that rest after one answer each."""
    with ExitStack() as stack, connect(server.address) as stubs:
        for _ in range(count):
            requests = _one_then_none(stack.enter_context(never()))
            answers = stubs.encoder.StreamingEmbedImages(requests)
            next(answers)
            stack.callback(answers.cancel)
        yield


def _one_then_none(none: Iterator[Any]) -> Iterator[encoder.StreamingEmbedImagesRequest]:
    yield encoder.StreamingEmbedImagesRequest(request=encoder.EmbedImageRequest(content=photo(0)))
    yield from none


def retry_delay_s(status: status_pb2.Status) -> float:
    for detail in status.details:
        told = error_details_pb2.RetryInfo()
        if detail.Unpack(told):
            return float(told.retry_delay.ToTimedelta().total_seconds())
    raise AssertionError("no RetryInfo")


# One call too many

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


# The queue of photos


@pytest.fixture
def pool() -> Iterator[PhotoPool]:
    """One thread, and room for two that wait."""
    pool = PhotoPool(1, max_waiting_count=2)
    yield pool
    pool.shutdown()


@contextmanager
def busy(pool: PhotoPool) -> Iterator[None]:
    """Keeps the only thread of a pool at work."""
    started, over = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        over.wait(10)

    pool.submit(work)
    started.wait(10)
    yield
    over.set()


def test_photo_is_refused_when_the_queue_is_full(pool: PhotoPool):
    with busy(pool):
        waiting = [pool.submit(int, n) for n in (1, 2)]
        with pytest.raises(Overloaded):
            pool.submit(int, 3)

    assert [future.result(10) for future in waiting] == [1, 2]
    assert pool.waiting_count == 0


def test_streams_wait_for_their_turn_instead(pool: PhotoPool):
    submitted: list[int] = []

    def feed() -> None:
        for n in range(6):
            pool.in_turn.submit(int, n)
            submitted.append(n)

    with busy(pool):
        feeder = threading.Thread(target=feed)
        feeder.start()
        feeder.join(0.3)
        assert submitted == [0, 1]
    feeder.join(10)

    assert submitted == [0, 1, 2, 3, 4, 5]


def test_pool_that_ends_lets_go_of_those_who_wait(pool: PhotoPool):
    failed: list[BaseException] = []

    def feed() -> None:
        try:
            for n in range(6):
                pool.in_turn.submit(int, n)
        except RuntimeError as error:
            failed.append(error)

    with busy(pool):
        feeder = threading.Thread(target=feed)
        feeder.start()
        pool.shutdown(wait=False)
        feeder.join(10)

    assert len(failed) == 1


def test_work_for_a_call_that_is_over_is_not_begun(pool: PhotoPool):
    done: list[int] = []

    def ask() -> Any:
        set_call_terms(CallTerms(expires_at_s=time.monotonic() - 1))
        return pool.submit(done.append, 1)

    caller = ThreadPoolExecutor(1)
    with pytest.raises(CallExpired):
        caller.submit(ask).result().result(10)
    caller.shutdown()

    assert done == []


# Time


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
        answers = stubs.encoder.StreamingEmbedImages(_one_then_none(none))
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


# Size


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


# Start and end


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


def test_no_retry_means_none(server: Server):
    once = RetryPolicy(attempts=1)
    with full(server), StylefacetClient(server.address, retry=once) as client:
        started = time.monotonic()
        with pytest.raises(Overloaded):
            list(client.embed_many([photo(0)]))

    assert time.monotonic() - started < 5
