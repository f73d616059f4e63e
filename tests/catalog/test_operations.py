"""Operations in the store: who is at work on one, and what a server that went away cannot do."""

from datetime import timedelta

import pytest

from stylefacet.catalog import operations as operations_module
from stylefacet.catalog.operations import Claim, OperationFilter, OperationState
from stylefacet.catalog.store import Store
from stylefacet.errors import (
    ImportRunning,
    InvalidField,
    OperationCancelled,
    OperationUnfinished,
    Overloaded,
    RequestIdReused,
    ResourceMissing,
)
from tests.catalog.conftest import START


def claim_first(store: Store, owner: str = "a"):
    claim = store.operations.list_claims(["sum"])[0]
    return store.operations.claim(claim, owner)


def test_an_operation_is_kept_over_a_restart(shared_url, now):
    with Store(shared_url, now) as store:
        made = store.operations.create("sum", {"numbers": [1, 2]})
    with Store(shared_url, now) as store:
        assert store.operations.get(made.id) == made
    assert (made.state, made.done, made.request) == ("queued", False, {"numbers": [1, 2]})


def test_one_owner_at_a_time_has_an_operation(store):
    store.operations.create("sum", {})
    claim = store.operations.list_claims(["sum"])[0]

    assert store.operations.claim(claim, "a").state is OperationState.RUNNING
    assert store.operations.claim(claim, "b") is None


def test_an_operation_taken_from_another_counts_as_lost(store):
    store.operations.create("sum", {})
    assert claim_first(store, "a").lost_count == 0
    taken = claim_first(store, "b")

    assert taken.lost_count == 1
    assert store.operations.beat(taken.id, "a", {"n": 1}) is None
    assert store.operations.beat(taken.id, "b", {"n": 2}) is False
    assert store.operations.get(taken.id).progress == {"n": 2}


def test_a_former_owner_cannot_finish(store):
    made = store.operations.create("sum", {})
    claim_first(store, "a")
    claim_first(store, "b")
    store.operations.finish(made.id, "a", OperationState.SUCCEEDED, {}, {"sum": 3})

    assert store.operations.get(made.id).result is None


def test_a_released_operation_is_free_and_not_lost(store):
    made = store.operations.create("sum", {})
    claim_first(store, "a")
    store.operations.release(made.id, "a", {"n": 7})
    again = claim_first(store, "b")

    assert (again.lost_count, again.progress) == (0, {"n": 7})


def test_a_result_is_kept_but_not_listed(store):
    made = store.operations.create("sum", {"numbers": [1, 2]})
    claim_first(store)
    store.operations.finish(made.id, "a", OperationState.SUCCEEDED, {"n": 2}, {"sum": 3})

    assert store.operations.get(made.id).result == {"sum": 3}
    listed = store.operations.list_page(OperationFilter(), None, 10)[0][0]
    assert (listed.state, listed.result, listed.request) == ("succeeded", None, {})
    assert store.operations.list_claims(["sum"]) == []


def test_an_error_comes_back_as_its_class(store):
    made = store.operations.create("sum", {})
    claim_first(store)
    store.operations.finish(
        made.id, "a", OperationState.FAILED, {}, InvalidField("numbers", "are none")
    )
    error = store.operations.get(made.id).error

    assert isinstance(error, InvalidField)
    assert (error.message, error.metadata["field"]) == ("numbers: are none", "numbers")


def test_cancelling_one_that_waits_ends_it(store):
    made = store.operations.create("sum", {})
    cancelled = store.operations.request_cancel(made.id)

    assert cancelled.state is OperationState.CANCELLED
    assert isinstance(cancelled.error, OperationCancelled)


def test_cancelling_one_under_way_tells_its_owner(store):
    made = store.operations.create("sum", {})
    claim_first(store)

    assert not store.operations.request_cancel(made.id).done
    assert store.operations.beat(made.id, "a", None) is True


def test_the_same_request_id_makes_one_operation(store):
    made = store.operations.create("sum", {"n": 1}, "r1")

    assert store.operations.create("sum", {"n": 1}, "r1") == made
    with pytest.raises(RequestIdReused, match="another request"):
        store.operations.create("sum", {"n": 2}, "r1")


def test_a_rival_is_refused_until_the_first_has_ended(store):
    made = store.operations.create("import", {}, refuse_beside=ImportRunning)
    with pytest.raises(ImportRunning, match=made.id):
        store.operations.create("import", {}, refuse_beside=ImportRunning)
    store.operations.request_cancel(made.id)

    assert store.operations.create("import", {}, refuse_beside=ImportRunning).id != made.id


def test_too_many_unfinished_are_refused(store, monkeypatch):
    monkeypatch.setattr(operations_module, "MAX_UNFINISHED_COUNT", 2)
    store.operations.create("sum", {})
    store.operations.create("sum", {})
    with pytest.raises(Overloaded):
        store.operations.create("sum", {})


def test_pages_go_from_the_latest_back(store):
    made = [store.operations.create("sum", {}).id for _ in range(3)]
    first, following = store.operations.list_page(OperationFilter(), None, 2)
    rest, end = store.operations.list_page(OperationFilter(), following, 2)

    assert [o.id for o in first + rest] == made[::-1]
    assert end is None


def test_lists_are_narrowed_by_end_and_kind(store):
    ended = store.operations.create("sum", {})
    store.operations.request_cancel(ended.id)
    open_ = store.operations.create("count", {})

    def ids(**condition):
        page = store.operations.list_page(OperationFilter(**condition), None, 9)[0]
        return [operation.id for operation in page]

    assert ids(done=True) == [ended.id]
    assert ids(done=False) == [open_.id]
    assert ids(kind="count") == [open_.id]


def test_only_an_ended_operation_can_be_deleted(store):
    made = store.operations.create("sum", {})
    with pytest.raises(OperationUnfinished):
        store.operations.delete(made.id)
    store.operations.request_cancel(made.id)
    store.operations.delete(made.id)
    with pytest.raises(ResourceMissing):
        store.operations.get(made.id)


def test_old_ended_operations_are_cleared_away(store):
    ended = store.operations.create("sum", {})
    store.operations.request_cancel(ended.id)
    open_ = store.operations.create("sum", {})

    assert store.operations.delete_ended_before(START + timedelta(days=1)) == 1
    assert store.operations.get(open_.id).id == open_.id


def test_claims_of_unknown_operations_are_passed_over(store):
    assert store.operations.claim(Claim("gone", "sum", "", 0), "a") is None
