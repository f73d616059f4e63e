"""Operations of two servers on one PostgreSQL database: whoever is there does the work."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stylefacet.client import OperationState, StylefacetClient
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.conftest import photo
from tests.postgresql import Cluster, running_cluster

ROW_COUNT = 200


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def pair(settings: Settings, cluster: Cluster, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """Two servers that share a database and an import root with a manifest of larger photos."""
    root = tmp_path / "root"
    root.mkdir()
    rows = ["product_id,image,category"]
    for n in range(ROW_COUNT):
        (root / f"{n}.png").write_bytes(photo(n, (450, 600)))
        rows.append(f"p{n},{n}.png,top")
    (root / "top.csv").write_text("\n".join(rows))
    shared = replace(
        settings,
        database_url=cluster.new_database(),
        import_root=root,
        operation_lease_s=1.0,
        worker_count=1,
    )
    servers = Server(shared), Server(replace(shared, data_dir=tmp_path / "other"))
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.stop()


def wait_for_rows(client: StylefacetClient, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(list(client.list_products())) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_goes_on_where_a_stopped_one_was(pair: tuple[Server, Server]):
    one, other = pair
    with StylefacetClient(one.address) as first, StylefacetClient(other.address) as second:
        name = first.import_on_server("top.csv").operation_id
        wait_for_rows(second, 1)
        at_work = next(s for s in pair if s._runner._tasks)
        left = second if at_work is one else first
        at_work.stop()
        in_before = len(list(left.list_products()))
        ended = left.wait_for_operation(name, timeout_s=60)

    assert 1 <= in_before < ROW_COUNT
    assert ended.imported is not None
    assert (ended.imported.created_count, ended.lost_count) == (ROW_COUNT, 0)


def test_an_operation_is_cancelled_by_either(pair: tuple[Server, Server]):
    one, other = pair
    with StylefacetClient(one.address) as first, StylefacetClient(other.address) as second:
        name = first.import_on_server("top.csv").operation_id
        wait_for_rows(second, 1)
        at_work = next(s for s in pair if s._runner._tasks)
        (second if at_work is one else first).cancel_operation(name)
        states = [seen.state for seen in second.watch_operation(name, timeout_s=30)]

    assert states[-1] is OperationState.CANCELLED
