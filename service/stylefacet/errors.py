"""Every deliberate failure of Stylefacet, with its gRPC code; knows nothing of gRPC itself.

StylefacetError
├── InvalidField            a request, a row, a flag: says which field and why
│   ├── FilterInvalid       a filter expression, with the position
│   └── PageTokenStale      a page token of another request
├── ImageUndecodable        bytes that are no whole JPEG, PNG or WebP
├── ImageTooLarge           over the limit on bytes or on pixels
├── RequestIdReused         a request id that another request had
├── ResourceMissing         a name that stands for nothing
├── ResourceExists          a name that is taken
├── EtagMismatch            someone else wrote in between
├── ImportRunning           one import at a time
├── ImportDisabled          the server has no folder to import from
├── DeletionRefused         a replacing import that would delete too much
├── OperationCancelled      someone cancelled it
├── OperationLost           its server went away, again and again
├── OperationUnfinished     it must end before it can be deleted
├── EncoderMismatch         a vector or a store of another encoder
├── DecoderMissing          the bundle has no decoder
├── FeatureNotCarried       the encoder does not see the feature
├── AdjustmentsContradict   wishes for a query that no move meets
├── Overloaded              try again in a moment
├── IndexLoading            the index is not warm yet
├── ChangeNotSeen           a change of the catalogue that has not reached this server
├── StoreUnreachable        the database does not answer
├── ShuttingDown            the server is going away
├── ServerUnreachable       no server answers at the address
├── CallTimedOut            the server took longer than the caller waits
├── TokenRejected           no token, or a wrong one
├── TokenScopeInsufficient  a token that may not do this
├── BundleInvalid           a bundle that is damaged or disagrees with itself
├── StoreCorrupt            a store that cannot be trusted
└── SettingInvalid          a setting that cannot be used
"""

from collections.abc import Mapping, Sequence
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

    @classmethod
    def from_wire(cls, reason: str, message: str, metadata: Mapping[str, str]) -> "StylefacetError":
        """Returns the error of the class whose reason a server sent; the base class if none."""
        found = next((kind for kind in _all_kinds(cls) if kind.reason == reason), cls)
        error = found.__new__(found)
        StylefacetError.__init__(error, message, metadata)
        return error


def _all_kinds(base: type[StylefacetError]) -> list[type[StylefacetError]]:
    kinds = [base]
    for kind in base.__subclasses__():
        kinds.extend(_all_kinds(kind))
    return kinds


class InvalidField(StylefacetError):
    """A field of a request, a row or a flag has a value that cannot be used."""

    code = Code.INVALID_ARGUMENT
    reason = "INVALID_FIELD"

    def __init__(self, field: str, description: str) -> None:
        super().__init__(f"{field}: {description}", {"field": field, "description": description})


class FilterInvalid(InvalidField):
    """A filter expression cannot be read; the position is zero-based, in characters."""

    reason = "FILTER_INVALID"

    def __init__(self, expression: str, position: int, description: str) -> None:
        super().__init__("filter", f"at position {position} of {expression!r}: {description}")
        self.metadata["position"] = str(position)


class PageTokenStale(InvalidField):
    """A page token belongs to another request or to a state that is gone."""

    reason = "PAGE_TOKEN_STALE"

    def __init__(self) -> None:
        super().__init__("page_token", "belongs to another request; start again without it")


class RequestIdReused(InvalidField):
    """A request id was used before, for another request."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            "request_id", f"{request_id!r} was used for another request; make a new one for each"
        )


class ImageUndecodable(StylefacetError):
    """Bytes are no complete picture in a supported format."""

    code = Code.INVALID_ARGUMENT
    reason = "IMAGE_UNDECODABLE"

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"the image cannot be read ({cause}); send a whole JPEG, PNG or WebP", {"cause": cause}
        )


class ImageTooLarge(StylefacetError):
    """A picture exceeds the limit on encoded bytes or on decoded pixels."""

    code = Code.INVALID_ARGUMENT
    reason = "IMAGE_TOO_LARGE"

    def __init__(self, amount: int, limit: int, unit: str) -> None:
        super().__init__(
            f"the image has {amount:,} {unit}, the limit is {limit:,}; send a smaller one",
            {"amount": str(amount), "limit": str(limit), "unit": unit},
        )


class ResourceMissing(StylefacetError):
    """A resource name stands for nothing."""

    code = Code.NOT_FOUND
    reason = "RESOURCE_MISSING"

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        super().__init__(
            f"{kind} {name!r} does not exist" + (f"; {hint}" if hint else ""),
            {"resource_type": kind, "resource_name": name},
        )


class ResourceExists(StylefacetError):
    """A resource name is taken already."""

    code = Code.ALREADY_EXISTS
    reason = "RESOURCE_EXISTS"

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        super().__init__(
            f"{kind} {name!r} exists already" + (f"; {hint}" if hint else ""),
            {"resource_type": kind, "resource_name": name},
        )


class EtagMismatch(StylefacetError):
    """Someone else changed the resource since the caller read it."""

    code = Code.ABORTED
    reason = "ETAG_MISMATCH"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} changed since it was read; get it again and repeat", {"resource_name": name}
        )


class ImportRunning(StylefacetError):
    """Another import is under way."""

    code = Code.ABORTED
    reason = "IMPORT_RUNNING"

    def __init__(self, operation: str) -> None:
        super().__init__(
            f"{operation} is importing; wait for it or cancel it", {"operation": operation}
        )


class ImportDisabled(StylefacetError):
    """The server was started without a folder that imports may read."""

    code = Code.FAILED_PRECONDITION
    reason = "IMPORT_DISABLED"

    def __init__(self) -> None:
        super().__init__(
            "this server imports no files: start it with --import-root FOLDER, or send the photos "
            "with `stylefacet import`",
            {"subject": "import_root"},
        )


class DeletionRefused(StylefacetError):
    """A replacing import would delete more than it was allowed to, or cannot know what to keep."""

    code = Code.FAILED_PRECONDITION
    reason = "DELETION_REFUSED"

    def __init__(self, why: str) -> None:
        super().__init__(f"nothing was deleted: {why}", {"subject": "products"})


class OperationCancelled(StylefacetError):
    """An operation was cancelled before it ended; what it had done stays done."""

    code = Code.CANCELLED
    reason = "OPERATION_CANCELLED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was cancelled", {"operation": name})


class OperationLost(StylefacetError):
    """The server at work on an operation went away so often that it is not tried again."""

    code = Code.ABORTED
    reason = "OPERATION_LOST"

    def __init__(self, name: str, count: int) -> None:
        super().__init__(
            f"the server went away {count} times while it worked on {name}; "
            "see its log, then start the operation again",
            {"operation": name, "count": str(count)},
        )


class OperationUnfinished(StylefacetError):
    """Only an operation that has ended can be deleted."""

    code = Code.FAILED_PRECONDITION
    reason = "OPERATION_UNFINISHED"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has not ended; cancel it first", {"subject": name})


class EncoderMismatch(StylefacetError):
    """Vectors, features or a store belong to another encoder."""

    code = Code.FAILED_PRECONDITION
    reason = "ENCODER_MISMATCH"

    def __init__(self, subject: str, found: str, expected: str, remedy: str) -> None:
        super().__init__(
            f"{subject} belongs to encoder {found}, this is {expected}; {remedy}",
            {"subject": subject, "found": found, "expected": expected},
        )


class DecoderMissing(StylefacetError):
    """The encoder's bundle carries no decoder."""

    code = Code.FAILED_PRECONDITION
    reason = "DECODER_MISSING"

    def __init__(self, encoder: str) -> None:
        super().__init__(
            f"encoder {encoder} has no decoder; export its bundle with one", {"subject": encoder}
        )


class FeatureNotCarried(StylefacetError):
    """The encoder does not see the feature: its coordinates hardly vary, or predict nothing."""

    code = Code.FAILED_PRECONDITION
    reason = "FEATURE_NOT_CARRIED"

    def __init__(self, feature: str, why: str) -> None:
        super().__init__(
            f"the encoder does not carry feature {feature!r}: {why}", {"subject": feature}
        )


class AdjustmentsContradict(StylefacetError):
    """No move of a query meets all adjustments: their features overlap."""

    code = Code.FAILED_PRECONDITION
    reason = "ADJUSTMENTS_CONTRADICT"

    def __init__(self, features: Sequence[str]) -> None:
        names = ", ".join(features)
        super().__init__(
            f"no query meets all adjustments of {names}: the features overlap; leave one out",
            {"subject": names},
        )


class FeatureBundled(StylefacetError):
    """A feature that came with the encoder cannot be changed or deleted."""

    code = Code.FAILED_PRECONDITION
    reason = "FEATURE_BUNDLED"

    def __init__(self, feature: str) -> None:
        super().__init__(
            f"feature {feature!r} comes with the encoder; make one of another name",
            {"subject": feature},
        )


class Overloaded(StylefacetError):
    """The server has as much work as it takes; nothing was done."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "OVERLOADED"
    retry_after_s = 1.0

    def __init__(self) -> None:
        super().__init__("the server is busy; try again in a moment")


class IndexLoading(StylefacetError):
    """The index is being built from the store."""

    code = Code.UNAVAILABLE
    reason = "INDEX_LOADING"
    retry_after_s = 2.0

    def __init__(self) -> None:
        super().__init__("the index is loading; try again in a few seconds")


class ChangeNotSeen(StylefacetError):
    """A caller asks for a change of the catalogue that this server has not seen in time."""

    code = Code.UNAVAILABLE
    reason = "CHANGE_NOT_SEEN"
    retry_after_s = 1.0

    def __init__(self, wanted: int, seen: int) -> None:
        super().__init__(
            f"change {wanted} of the catalogue has not arrived, the latest here is {seen}; try "
            "again in a moment, and check that min_sequence came from this catalogue",
            {"min_sequence": str(wanted), "sequence_number": str(seen)},
        )


class StoreUnreachable(StylefacetError):
    """The database cannot be reached, or let go of a connection."""

    code = Code.UNAVAILABLE
    reason = "STORE_UNREACHABLE"
    retry_after_s = 2.0

    def __init__(self, location: str) -> None:
        super().__init__(
            f"the database at {location} does not answer; try again in a moment",
            {"location": location},
        )


class ShuttingDown(StylefacetError):
    """The server is draining."""

    code = Code.UNAVAILABLE
    reason = "SHUTTING_DOWN"
    retry_after_s = 5.0

    def __init__(self) -> None:
        super().__init__("the server is shutting down; try again at another one")


class ServerUnreachable(StylefacetError):
    """No server answers at an address; made by the client."""

    code = Code.UNAVAILABLE
    reason = "SERVER_UNREACHABLE"

    def __init__(self, address: str, cause: str) -> None:
        super().__init__(
            f"no server answers at {address} ({cause}); start one with `stylefacet serve`",
            {"address": address},
        )


class CallTimedOut(StylefacetError):
    """A call got no answer within its deadline; made by the client."""

    code = Code.DEADLINE_EXCEEDED
    reason = "CALL_TIMED_OUT"

    def __init__(self, method: str, address: str, timeout_s: float) -> None:
        super().__init__(
            f"{address} did not answer {method} within {timeout_s:g} s; allow it more time",
            {"method": method, "address": address, "timeout_s": f"{timeout_s:g}"},
        )


class TokenRejected(StylefacetError):
    """A call carries no token, or a wrong one."""

    code = Code.UNAUTHENTICATED
    reason = "TOKEN_REJECTED"

    def __init__(self) -> None:
        super().__init__("send a valid bearer token in the authorization metadata")


class TokenScopeInsufficient(StylefacetError):
    """A valid token lacks the scope that a method needs."""

    code = Code.PERMISSION_DENIED
    reason = "TOKEN_SCOPE_INSUFFICIENT"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this call needs a token with the {scope} scope", {"scope": scope})


class BundleInvalid(StylefacetError):
    """A bundle folder is missing, damaged, of another format, or disagrees with itself."""

    code = Code.FAILED_PRECONDITION
    reason = "BUNDLE_INVALID"

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(
            f"{path} is no usable encoder bundle: {cause}; export it again "
            "(`stylefacet-train export RUN --out BUNDLE`)",
            {"path": path, "cause": cause},
        )


class StoreCorrupt(StylefacetError):
    """The store cannot be trusted; the server does not start on it."""

    code = Code.FAILED_PRECONDITION
    reason = "STORE_CORRUPT"

    def __init__(self, location: str, cause: str) -> None:
        super().__init__(
            f"the store at {location} cannot be used: {cause}; restore a backup or choose another "
            "data directory",
            {"location": location, "cause": cause},
        )


class SettingInvalid(StylefacetError):
    """A setting cannot be used; the program does not start."""

    code = Code.INVALID_ARGUMENT
    reason = "SETTING_INVALID"

    def __init__(self, setting: str, description: str) -> None:
        super().__init__(f"{setting}: {description}", {"field": setting})
