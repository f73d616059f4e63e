"""Two servers on one PostgreSQL database: an encoder that takes over at one does so at both."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_service_pb2 as pb
from tests.conftest import photo
from tests.postgresql import Cluster, running_cluster
from tests.server.operations import Operations, metadata_of
from tests.server.stubs import Stubs, connect, upload_row
from tests.server.switches import fit, install, names, roll_back, shades, switch

# Of an assignment that changed, at a server that is asked nothing meanwhile.
SEEN_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def servers(
    switchable: Settings, cluster: Cluster, tmp_path: Path
) -> Iterator[tuple[Server, Server]]:
    """Two servers that share a database and nothing else; bundles lie at the first one alone."""
    shared = replace(switchable, database_url=cluster.new_database())
    other = replace(shared, data_dir=tmp_path / "other", import_root=None)
    pair = Server(shared), Server(other)
    for server in pair:
        server.start()
    yield pair
    for server in pair:
        server.stop()


@pytest.fixture
def pair(servers: tuple[Server, Server]) -> Iterator[tuple[Stubs, Stubs]]:
    with connect(servers[0].address) as one, connect(servers[1].address) as other:
        yield one, other


@pytest.fixture
def operations(servers: tuple[Server, Server]) -> Iterator[Operations]:
    with grpc.insecure_channel(servers[0].address) as channel:
        yield Operations(channel)


def wait_for_encoder(stubs: Stubs, name: str) -> None:
    deadline = time.monotonic() + SEEN_WITHIN_S
    while stubs.search("p0").encoder != name:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_switch_at_one_is_followed_by_the_other(pair, operations):
    one, _ = pair
    one.upload(20)
    name = install(one)
    switch(one, operations, name)
    # Each looks by itself, and either may be the first to see it.
    for stubs in pair:
        wait_for_encoder(stubs, name)

    answers = [stubs.search("p0", page_size=30) for stubs in pair]
    assert answers[0].similar_products == answers[1].similar_products
    assert len(names(answers[1])) == 19


def test_a_search_that_must_see_the_switch_waits_for_it(pair, operations):
    one, other = pair
    one.upload(10)
    name = install(one)
    report = switch(one, operations, name)

    assert other.search("p0", min_sequence=report.sequence_number).encoder == name


def test_a_feature_that_is_refitted_serves_at_both(pair, operations):
    one, other = pair
    list(one.catalog.UploadProducts(shades(40)))
    fit(other, "shade")
    report = switch(one, operations, install(one))
    seen = {"min_sequence": report.sequence_number, "weights": {"shade": 1}, "page_size": 50}
    answers = [stubs.search("p0", **seen) for stubs in pair]

    assert answers[0].similar_products == answers[1].similar_products


def test_what_the_other_writes_during_a_switch_is_not_lost(pair, operations):
    one, other = pair
    one.upload(120)
    name = install(one)
    stop = threading.Event()
    faults: list[str] = []
    written: list[str] = []

    def write() -> None:
        n = 1000
        while not stop.is_set():
            (answer,) = other.catalog.UploadProducts(iter([upload_row(n, photo(n))]))
            (faults if answer.status.code else written).append(f"products/p{n}")
            n += 1

    thread = threading.Thread(target=write)
    thread.start()
    switch(one, operations, name)
    time.sleep(0.5)
    stop.set()
    thread.join()
    wait_for_encoder(other, name)

    assert faults == []
    for stubs in pair:
        found = set()
        token = ""
        while True:
            page = stubs.search("p0", page_size=100, page_token=token)
            found.update(names(page))
            token = page.next_page_token
            if not token:
                break
        assert set(written) <= found
        assert len(found) == 119 + len(written)


def test_whoever_is_left_goes_on_with_a_switch(servers, pair):
    pair[0].upload(250)
    name = install(pair[0])
    started = pair[0].encoder.ActivateEncoder(pb.ActivateEncoderRequest(name=name))
    while not any(server._runner._tasks for server in servers):
        time.sleep(0.005)
    at_work = next(n for n in (0, 1) if servers[n]._runner._tasks)
    servers[at_work].stop()
    left = 1 - at_work
    with grpc.insecure_channel(servers[left].address) as channel:
        ended = Operations(channel).wait(started, 60)

    assert metadata_of(ended).lost_count == 0
    assert pair[left].search("p0").encoder == name
    assert len(names(pair[left].search("p0", page_size=100))) == 100


def test_a_roll_back_at_the_other_is_followed(servers, pair, operations):
    one, other = pair
    one.upload(10)
    before = one.search("p0")
    switch(one, operations, install(one))
    with grpc.insecure_channel(servers[1].address) as channel:
        roll_back(other, Operations(channel))
    wait_for_encoder(one, before.encoder)

    assert one.search("p0").similar_products == before.similar_products
