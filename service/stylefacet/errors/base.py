"""What every deliberate failure is: a code, a stable reason, a message; knows no single one."""

from collections.abc import Mapping
from enum import IntEnum
from typing import ClassVar


class Code(IntEnum):
    """The canonical codes of google.rpc.Code that Stylefacet uses."""

    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class StylefacetError(Exception):
    """The base of every deliberate failure: a code, a stable reason, a message that helps.

    ``metadata`` holds the facts the message was made from, as strings; they cross the wire in
    ``google.rpc.ErrorInfo``. Subclasses take facts; :meth:`from_wire` rebuilds one from what a
    server sent.
    """

    code: ClassVar[Code] = Code.INTERNAL
    reason: ClassVar[str] = "INTERNAL"
    # Set for failures that go away by themselves: seconds after which to try again.
    retry_after_s: float | None = None

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = dict(metadata or {})

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles the message and the facts: subclasses are not made from these."""
        return _unpickled, (type(self), self.message, self.metadata, self.__dict__)

    @classmethod
    def from_wire(cls, reason: str, message: str, metadata: Mapping[str, str]) -> "StylefacetError":
        """Returns the error of the class whose reason a server sent; the base class if none."""
        found = next((kind for kind in _all_kinds(cls) if kind.reason == reason), cls)
        error = found.__new__(found)
        StylefacetError.__init__(error, message, metadata)
        return error


def _unpickled(
    kind: type[StylefacetError],
    message: str,
    metadata: Mapping[str, str],
    state: Mapping[str, object],
) -> StylefacetError:
    error = kind.__new__(kind)
    StylefacetError.__init__(error, message, metadata)
    error.__dict__.update(state)
    return error


def _all_kinds(base: type[StylefacetError]) -> list[type[StylefacetError]]:
    kinds = [base]
    for kind in base.__subclasses__():
        kinds.extend(_all_kinds(kind))
    return kinds
