"""google.longrunning.Operations over operations of any kind."""

import grpc
import pytest

from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1.near_duplicates_pb2 import FindNearDuplicatesRequest, FindNearDuplicatesResponse
from stylefacet.v1.operations_pb2 import OperationMetadata
from tests.server.operations import Operations, metadata_of, response_of
from tests.server.stubs import Stubs, fails_with

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def start(stubs: Stubs) -> str:
    return str(stubs.similarity.FindNearDuplicates(FindNearDuplicatesRequest()).name)


def test_an_ended_operation_is_got_with_its_response(operations, stubs):
    name = start(stubs)
    operations.wait(operations.get(name))
    ended = operations.get(name)

    assert name.startswith("operations/find-near-duplicates-")
    assert response_of(ended, FindNearDuplicatesResponse()).product_count == 0
    assert metadata_of(ended).state == OperationMetadata.SUCCEEDED


def test_lists_come_in_pages_without_responses(operations, stubs):
    names = [start(stubs) for _ in range(3)]
    for name in names:
        operations.wait(operations.get(name))
    first = operations.list(page_size=2)
    rest = operations.list(page_size=2, page_token=first.next_page_token)

    assert [o.name for o in [*first.operations, *rest.operations]] == names[::-1]
    assert rest.next_page_token == ""
    assert not any(o.HasField("response") for o in first.operations)


def test_lists_are_filtered(operations, stubs):
    name = start(stubs)
    operations.wait(operations.get(name))

    def names(text: str) -> list[str]:
        return [o.name for o in operations.list(filter=text).operations]

    assert names("done = true") == names('done=true AND kind = "find-near-duplicates"') == [name]
    assert names("done = false") == names('kind = "import-products"') == []


def test_bad_lists_are_refused(operations):
    with fails_with(INVALID, "FILTER_INVALID", 'write done = false or kind = "import-products"'):
        operations.list(filter="state = 3")
    with fails_with(INVALID, "INVALID_FIELD"):
        operations.list(name="products/p1")
    with fails_with(INVALID, "PAGE_TOKEN_STALE"):
        operations.list(page_token="x")


def test_an_ended_operation_is_deleted(operations, stubs):
    name = start(stubs)
    operations.wait(operations.get(name))
    operations.delete(name)

    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        operations.get(name)


@pytest.mark.parametrize("call", ["get", "cancel", "delete"])
def test_unknown_operations_are_told(operations, call):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        getattr(operations, call)("operations/none")
    with fails_with(INVALID, "INVALID_FIELD"):
        getattr(operations, call)("none")


def test_cancelling_an_ended_operation_changes_nothing(operations, stubs):
    name = start(stubs)
    ended = operations.wait(operations.get(name))
    operations.cancel(name)

    assert operations.get(name) == ended


def test_operations_outlive_their_server(settings: Settings):
    server = Server(settings)
    server.start()
    with grpc.insecure_channel(server.address) as channel:
        before = Operations(channel)
        name = start(Stubs(channel))
        ended = before.wait(before.get(name))
    server.stop()
    again = Server(settings)
    again.start()
    with grpc.insecure_channel(again.address) as channel:
        assert Operations(channel).get(name) == ended
    again.stop()
