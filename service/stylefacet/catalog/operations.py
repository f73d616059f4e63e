"""Operations in the store: what was asked, how far it is, what came of it; runs none of them.

A server owns the operation it works on and shows that it lives by raising the operation's beat.
Every write of a server's is conditional on still being the owner, so one that was given up for
dead and comes back changes nothing.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from stylefacet.catalog import tables as t
from stylefacet.catalog.changes import lock_counter
from stylefacet.catalog.database import Database
from stylefacet.catalog.prepared import Prepared, Reader
from stylefacet.errors import (
    OperationCancelled,
    OperationUnfinished,
    Overloaded,
    RequestIdReused,
    ResourceMissing,
    StylefacetError,
)

JsonObject = Mapping[str, object]
_O = t.operations.c
# More than that waiting or under way is a caller out of control.
MAX_UNFINISHED_COUNT = 100


class OperationState(StrEnum):
    """Where an operation stands; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (OperationState.QUEUED, OperationState.RUNNING)
# Servers look at these several times a second.
_IDS = Prepared(
    select(_O.id).where(
        _O.state.in_(bindparam("states", expanding=True)), _O.kind == bindparam("kind")
    )
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as the store has it; ``error`` is set exactly when it failed or was cancelled.

    ``progress`` is whatever the work last reported, and where it goes on after a restart.
    """

    id: str
    kind: str
    request: JsonObject
    state: OperationState
    cancel_requested: bool
    lost_count: int
    progress: JsonObject
    result: JsonObject | None
    error: StylefacetError | None
    create_time: datetime
    start_time: datetime | None
    update_time: datetime
    end_time: datetime | None

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.state not in UNFINISHED


@dataclass(frozen=True, slots=True)
class Claim:
    """An unfinished operation as servers look at it: whose it is and that server's beat."""

    id: str
    kind: str
    owner: str
    beat: int


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations to list; None and empty let all pass."""

    done: bool | None = None
    kind: str = ""


def list_unfinished_ids(reader: Reader, kind: str) -> tuple[str, ...]:
    """Returns the ids of the operations of a kind that have not ended."""
    rows = _IDS.rows(reader, states=[str(state) for state in UNFINISHED], kind=kind)
    return tuple(id for (id,) in rows)


def list_unfinished_requests(connection: Connection, kind: str) -> list[Mapping[str, Any]]:
    """Returns the requests of the operations of a kind that have not ended."""
    unfinished = _O.state.in_(UNFINISHED)
    return list(connection.scalars(select(_O.request).where(unfinished, _O.kind == kind)))


def check_wanted(connection: Connection, operation_id: str) -> None:
    """Refuses the last step of an operation that has ended or is to end.

    Raises:
        OperationCancelled
    """
    wanted = _O.state.in_(UNFINISHED) & ~_O.cancel_requested
    found = connection.scalar(select(_O.id).where(_O.id == operation_id, wanted))
    if found is None:
        raise OperationCancelled(operation_name(operation_id))


class OperationStore:
    """Keeps operations; one transaction a method. Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def create(
        self,
        kind: str,
        request: JsonObject,
        request_id: str = "",
        refuse_beside: Callable[[str], StylefacetError] | None = None,
    ) -> Operation:
        """Queues an operation; the same ``request_id`` again returns the one it made.

        ``refuse_beside`` makes the error when an unfinished one of the kind is there, by its name.

        Raises:
            RequestIdReused: for a request id that stood for another request.
            Overloaded: when too many wait already.
        """
        with self._database.writing() as connection:
            lock_counter(connection)
            if request_id:
                earlier = _find(connection, _O.request_id == request_id)
                if earlier is not None:
                    if (earlier.kind, earlier.request) != (kind, dict(request)):
                        raise RequestIdReused(request_id)
                    return earlier
            rivals = connection.execute(
                select(_O.id, _O.kind).where(_O.state.in_(UNFINISHED))
            ).all()
            for rival in rivals:
                if refuse_beside is not None and rival.kind == kind:
                    raise refuse_beside(operation_name(rival.id))
            if len(rivals) >= MAX_UNFINISHED_COUNT:
                raise Overloaded
            now = self._now()
            operation_id = f"{kind}-{uuid.uuid4().hex[:12]}"
            connection.execute(
                insert(t.operations).values(
                    id=operation_id,
                    kind=kind,
                    request=dict(request),
                    request_id=request_id or None,
                    state=OperationState.QUEUED,
                    owner="",
                    beat=0,
                    lost_count=0,
                    cancel_requested=False,
                    progress={},
                    create_time=now,
                    update_time=now,
                )
            )
            return _get(connection, operation_id)

    def find_request(self, request_id: str) -> Operation | None:
        """Returns the operation that a request with this id made; None if there was none."""
        with self._database.reading() as connection:
            return _find(connection, _O.request_id == request_id) if request_id else None

    def get(self, operation_id: str) -> Operation:
        """Returns one operation.

        Raises: ResourceMissing.
        """
        with self._database.reading() as connection:
            return _get(connection, operation_id)

    def list_page(
        self, condition: OperationFilter, before: int | None, limit: int
    ) -> tuple[list[Operation], int | None]:
        """Returns a page, the latest first, and what to pass as ``before`` next; None at the end.

        Neither request nor result comes with them: both may be large.
        """
        columns = [column for column in _O if column.name not in ("request", "result")]
        statement = select(*columns).order_by(_O.operation_key.desc()).limit(limit + 1)
        if before is not None:
            statement = statement.where(_O.operation_key < before)
        if condition.done is not None:
            ended = _O.state.not_in(UNFINISHED)
            statement = statement.where(ended if condition.done else ~ended)
        if condition.kind:
            statement = statement.where(_O.kind == condition.kind)
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        following = rows[limit - 1].operation_key if len(rows) > limit else None
        return [_operation(row._mapping) for row in rows[:limit]], following

    def delete(self, operation_id: str) -> None:
        """Deletes an operation that has ended.

        Raises: ResourceMissing, OperationUnfinished.
        """
        with self._database.writing() as connection:
            lock_counter(connection)
            if not _get(connection, operation_id).done:
                raise OperationUnfinished(operation_name(operation_id))
            connection.execute(delete(t.operations).where(_O.id == operation_id))

    def delete_ended_before(self, time: datetime) -> int:
        """Deletes operations that ended before a time; returns how many."""
        with self._database.writing() as connection:
            return connection.execute(delete(t.operations).where(_O.end_time < time)).rowcount

    def request_cancel(self, operation_id: str) -> Operation:
        """Asks for an end; one that waits ends at once. An ended one stays as it is.

        Raises: ResourceMissing.
        """
        with self._database.writing() as connection:
            lock_counter(connection)
            now = self._now()
            error = _error_document(OperationCancelled(operation_name(operation_id)))
            is_it = _O.id == operation_id
            connection.execute(
                update(t.operations)
                .where(is_it, _O.state.in_(UNFINISHED))
                .values(cancel_requested=True, update_time=now)
            )
            connection.execute(
                update(t.operations)
                .where(is_it, _O.state == OperationState.QUEUED)
                .values(state=OperationState.CANCELLED, error=error, end_time=now)
            )
            return _get(connection, operation_id)

    # For the servers that do the work

    def list_claims(self, kinds: Collection[str]) -> list[Claim]:
        """Returns the unfinished operations of some kinds, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(_O.id, _O.kind, _O.owner, _O.beat)
                .where(_O.state.in_(UNFINISHED), _O.kind.in_(kinds))
                .order_by(_O.operation_key)
            )
            return [Claim(row.id, row.kind, row.owner, row.beat) for row in rows]

    def claim(self, claim: Claim, owner: str) -> Operation | None:
        """Makes ``owner`` the one at work; None when someone was quicker or it has ended.

        An operation taken from another server counts as lost once more.
        """
        with self._database.writing() as connection:
            changed = connection.execute(
                update(t.operations)
                .where(
                    _O.id == claim.id,
                    _O.owner == claim.owner,
                    _O.beat == claim.beat,
                    _O.state.in_(UNFINISHED),
                )
                .values(
                    owner=owner,
                    beat=_O.beat + 1,
                    lost_count=_O.lost_count + (1 if claim.owner else 0),
                    state=OperationState.RUNNING,
                    start_time=func.coalesce(
                        _O.start_time, literal(self._now(), t.operations.c.start_time.type)
                    ),
                    update_time=self._now(),
                )
            ).rowcount
            return _get(connection, claim.id) if changed else None

    def beat(self, operation_id: str, owner: str, progress: JsonObject | None) -> bool | None:
        """Shows that the owner lives, with new progress if given.

        Returns whether it is asked to cancel; None when it is the owner no longer.
        """
        values: dict[str, object] = {"beat": _O.beat + 1, "update_time": self._now()}
        if progress is not None:
            values["progress"] = dict(progress)
        with self._database.writing() as connection:
            return connection.execute(
                update(t.operations)
                .where(_O.id == operation_id, _O.owner == owner)
                .values(values)
                .returning(_O.cancel_requested)
            ).scalar_one_or_none()

    def release(self, operation_id: str, owner: str, progress: JsonObject) -> None:
        """Hands an operation back for any server to go on with."""
        self._leave(
            operation_id, owner, {"state": OperationState.QUEUED, "progress": dict(progress)}
        )

    def finish(
        self,
        operation_id: str,
        owner: str,
        state: OperationState,
        progress: JsonObject,
        outcome: JsonObject | StylefacetError,
    ) -> None:
        """Ends an operation with its result or error."""
        values: dict[str, object] = {
            "state": state,
            "progress": dict(progress),
            "end_time": self._now(),
        }
        if isinstance(outcome, StylefacetError):
            values["error"] = _error_document(outcome)
        else:
            values["result"] = dict(outcome)
        self._leave(operation_id, owner, values)

    def _leave(self, operation_id: str, owner: str, values: Mapping[str, object]) -> None:
        with self._database.writing() as connection:
            connection.execute(
                update(t.operations)
                .where(_O.id == operation_id, _O.owner == owner)
                .values(dict(values) | {"owner": "", "update_time": self._now()})
            )


def operation_name(operation_id: str) -> str:
    """Returns the resource name."""
    return f"operations/{operation_id}"


def _get(connection: Connection, operation_id: str) -> Operation:
    found = _find(connection, _O.id == operation_id)
    if found is None:
        raise ResourceMissing("operation", operation_id)
    return found


def _find(connection: Connection, condition: ColumnElement[bool]) -> Operation | None:
    row = connection.execute(select(t.operations).where(condition)).one_or_none()
    return None if row is None else _operation(row._mapping)


def _operation(row: Mapping[Any, Any]) -> Operation:
    return Operation(
        id=row["id"],
        kind=row["kind"],
        request=row.get("request", {}),
        state=OperationState(row["state"]),
        cancel_requested=row["cancel_requested"],
        lost_count=row["lost_count"],
        progress=row["progress"],
        result=row.get("result"),
        error=_read_error(row["error"]),
        create_time=row["create_time"],
        start_time=row["start_time"],
        update_time=row["update_time"],
        end_time=row["end_time"],
    )


def _error_document(error: StylefacetError) -> dict[str, object]:
    return {"reason": error.reason, "message": error.message, "metadata": error.metadata}


def _read_error(document: Mapping[str, Any] | None) -> StylefacetError | None:
    if document is None:
        return None
    return StylefacetError.from_wire(document["reason"], document["message"], document["metadata"])
