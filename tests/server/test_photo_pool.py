"""The queue of photos and searches: who waits, who is refused, who is let go."""

import inspect
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest

from stylefacet.app.call_terms import CallTerms, set_call_terms
from stylefacet.errors import (
    CallExpired,
    Overloaded,
)
from stylefacet.server.catalog_servicer import CatalogServicer
from stylefacet.server.encoder_servicer import EncoderServicer
from stylefacet.server.feature_servicer import FeatureServicer
from stylefacet.server.photo_pool import POOLED_METHODS, PhotoPool
from stylefacet.server.queue_room import QueueRoom
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.server.similarity_servicer import SimilarityServicer
from tests.server.stubs import Stubs, fails_with


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
        assert submitted == [0]
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


def test_every_method_that_works_in_the_pool_is_refused_at_the_door_when_it_is_full(
    server: Server, stubs: Stubs, monkeypatch: pytest.MonkeyPatch
):
    stubs.upload(2)
    monkeypatch.setattr(QueueRoom, "promises", lambda room, now_s: False)
    work = []
    for name in ("submit", "queue"):
        monkeypatch.setattr(PhotoPool, name, lambda *args: work.append(args))
    for method in POOLED_METHODS:
        with grpc.insecure_channel(server.address) as channel:
            call: Any = channel.unary_unary(method)
            with fails_with(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"):
                call(b"", timeout=10)

    assert work == []


def test_methods_refused_at_the_door_are_those_that_work_in_the_pool():
    submitting = set()
    for servicer in (CatalogServicer, EncoderServicer, FeatureServicer, SimilarityServicer):
        for name, method in inspect.getmembers(servicer, inspect.isfunction):
            source = inspect.getsource(method)
            if "self._pool.submit(" in source or "self._embedding.result(" in source:
                service = servicer.__name__.removesuffix("Servicer")
                submitting.add(f"/stylefacet.v1.{service}Service/{name}")

    assert submitting == POOLED_METHODS


def test_the_end_waits_for_work_on_a_core_but_not_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stylefacet.server.runtime._CALLS_END_S", 0.3)
    server, over = Server(replace(settings, shutdown_grace_s=0.1)), threading.Event()
    server.start()
    server._pool.submit(over.wait, 30)
    started = time.monotonic()
    server.stop()
    took_s, left = time.monotonic() - started, server.is_at_work
    over.set()

    assert took_s < 5
    assert left
