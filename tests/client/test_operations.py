"""The client's operations: started, watched, awaited, told of as values."""

import csv
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stylefacet.client import OperationState, RetryPolicy, StylefacetClient
from stylefacet.errors import (
    CallTimedOut,
    DeletionRefused,
    ImportDisabled,
    InvalidField,
    OperationCancelled,
    ResourceMissing,
    ServerUnreachable,
)
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.conftest import photo


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An import root with ten products, two of which look the same, in ``top.csv``."""
    folder = tmp_path / "root"
    (folder / "images").mkdir(parents=True)
    rows = [("sku", "image", "category")]
    for n in range(10):
        (folder / "images" / f"{n}.png").write_bytes(photo(min(n, 8)))
        rows.append((f"p{n}", f"{n}.png", "top"))
    with (folder / "top.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def importing(settings: Settings, root: Path) -> Iterator[StylefacetClient]:
    """A client of a server that imports from the root."""
    server = Server(replace(settings, import_root=root))
    server.start()
    with StylefacetClient(server.address) as client:
        yield client
    server.stop()


def import_all(client: StylefacetClient, **terms) -> str:
    terms = {"columns": [("sku", "product_id")]} | terms
    return client.import_on_server("top.csv", **terms).operation_id


def test_an_import_is_awaited_and_told(importing: StylefacetClient):
    ended = importing.wait_for_operation(import_all(importing))

    assert (ended.state, ended.done, ended.kind) == ("succeeded", True, "import-products")
    assert ended.imported is not None
    assert (ended.imported.row_count, ended.imported.created_count) == (10, 10)
    assert len(list(importing.list_products())) == 10


def test_bad_rows_are_told_with_their_errors(importing: StylefacetClient, root: Path):
    (root / "images" / "4.png").unlink()
    imported = importing.wait_for_operation(import_all(importing)).imported

    assert imported is not None
    failure = imported.failures[0]
    assert (failure.place, failure.product_id) == ("line 6", "p4")
    assert isinstance(failure.error, InvalidField)


def test_a_refusal_is_raised_as_its_class(importing: StylefacetClient, root: Path):
    importing.wait_for_operation(import_all(importing))
    (root / "top.csv").write_text("sku,image,category\np1,1.png,top\n")

    refused = import_all(importing, replace=True)
    with pytest.raises(DeletionRefused, match="9 of 10 products"):
        importing.wait_for_operation(refused)
    assert importing.get_operation(refused).state is OperationState.FAILED
    allowed = importing.wait_for_operation(import_all(importing, replace=True, max_deleted_share=1))
    assert allowed.imported is not None
    assert allowed.imported.deleted_product_count == 9


def test_a_bad_request_starts_nothing(importing: StylefacetClient, client: StylefacetClient):
    with pytest.raises(InvalidField, match="manifest"):
        importing.import_on_server("../top.csv")
    with pytest.raises(ImportDisabled, match="--import-root"):
        client.import_on_server("top.csv")
    assert list(importing.list_operations()) == []


def test_near_duplicates_are_told_as_groups(importing: StylefacetClient):
    importing.wait_for_operation(import_all(importing))
    started = importing.find_near_duplicates(alike={"collar": 0.001, "body": None}, different=())
    found = importing.wait_for_operation(started.operation_id).duplicates

    assert found is not None
    (group,) = found.groups
    assert [product.product_id for product in group.products] == ["p8", "p9"]
    assert group.pairs[0].distances == {"body": 0.0, "collar": 0.0, "sleeve": 0.0}
    assert (found.product_count, found.group_count, found.pair_count) == (10, 1, 1)
    assert found.alike["collar"] == 0.001
    assert found.alike["body"] > 0
    assert found.encoder == importing.get_encoder().encoder_id


def test_a_feature_without_a_distance_may_be_named_alone(importing: StylefacetClient):
    started = importing.find_near_duplicates(alike=["collar"], different=["sleeve"])
    found = importing.wait_for_operation(started.operation_id).duplicates

    assert found is not None
    assert (set(found.alike), set(found.different)) == ({"collar"}, {"sleeve"})


def test_operations_are_listed_and_deleted(importing: StylefacetClient):
    names = [import_all(importing, validate_only=True)]
    importing.wait_for_operation(names[0])
    names.append(importing.find_near_duplicates().operation_id)
    importing.wait_for_operation(names[1])

    assert [o.operation_id for o in importing.list_operations()] == names[::-1]
    assert list(importing.list_operations("done = false")) == []
    importing.delete_operation(names[0])
    with pytest.raises(ResourceMissing):
        importing.get_operation(names[0])


@pytest.fixture
def stuck(settings: Settings) -> Iterator[tuple[StylefacetClient, str]]:
    """A client, and an operation that another server, which lives, is at work on."""
    server = Server(settings)
    server.start()
    store = server._store.operations
    made = store.create("find-near-duplicates-elsewhere", {})
    store.claim(store.list_claims([made.kind])[0], "another server")
    with StylefacetClient(server.address) as client:
        yield client, made.id
    server.stop()


def test_waiting_ends_at_its_timeout(stuck):
    client, name = stuck
    with pytest.raises(CallTimedOut, match=name):
        client.wait_for_operation(name, timeout_s=0.2)


def test_watching_shows_each_look(stuck):
    client, name = stuck
    watched = client.watch_operation(name, timeout_s=0.1)

    assert next(watched).state is OperationState.RUNNING


def test_watching_outlasts_a_restart_of_the_server(settings: Settings):
    server = Server(settings)
    server.start()
    made = server._store.operations.create("of-another-kind", {})
    with StylefacetClient(server.address, retry=RetryPolicy(attempts=1)) as client:
        watched = client.watch_operation(made.id, timeout_s=60)
        next(watched)
        server.stop()
        starter = threading.Timer(2.5, lambda: again.start())
        again = Server(replace(settings, address=server.address))
        starter.start()
        seen = next(watched)
        starter.join()
        again._store.operations.request_cancel(made.id)
        last = list(watched)[-1]
    again.stop()

    assert (seen.state, last.state) == (OperationState.QUEUED, OperationState.CANCELLED)


def test_a_server_that_never_answered_is_not_waited_for():
    unused = "127.0.0.1:1"
    with (
        StylefacetClient(unused, retry=RetryPolicy(attempts=1)) as client,
        pytest.raises(ServerUnreachable),
    ):
        next(client.watch_operation("op"))


def test_cancelling_is_passed_on(stuck):
    client, name = stuck
    client.cancel_operation(name)

    assert client.get_operation(name).cancel_requested


def test_a_cancelled_operation_raises_so_when_awaited(settings: Settings):
    server = Server(settings)
    server.start()
    made = server._store.operations.create("of-another-kind", {})
    with StylefacetClient(server.address) as client:
        client.cancel_operation(made.id)
        with pytest.raises(OperationCancelled):
            client.wait_for_operation(made.id)
    server.stop()
