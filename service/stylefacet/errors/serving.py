"""Failures to get a call through: busy, away, not let in; knows nothing of its content."""

from stylefacet.errors.base import Code, StylefacetError


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


class StoreFull(StylefacetError):
    """There is no room left where the store lies."""

    code = Code.RESOURCE_EXHAUSTED
    reason = "STORE_FULL"
    retry_after_s = 5.0

    def __init__(self, location: str) -> None:
        super().__init__(
            f"no room is left for the store at {location}, and nothing was written; make room "
            "there, and writes go on by themselves",
            {"location": location},
        )


class StoreUnwritable(StylefacetError):
    """The store's files cannot be written, or its disk fails."""

    code = Code.FAILED_PRECONDITION
    reason = "STORE_UNWRITABLE"

    def __init__(self, location: str, cause: str) -> None:
        super().__init__(
            f"the store at {location} cannot be used ({cause}), and nothing was written; see that "
            "its disk is well, mounted for writing, and its files belong to the server's user",
            {"location": location, "cause": cause},
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


class ServerUntrusted(StylefacetError):
    """A server answers that cannot be trusted, or that speaks no TLS; made by the client."""

    code = Code.UNAVAILABLE
    reason = "SERVER_UNTRUSTED"

    def __init__(self, address: str, cause: str) -> None:
        super().__init__(
            f"no trusted connection to {address}: {cause}; check the address and --tls-ca",
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


class CallExpired(StylefacetError):
    """A call's time was over before its work began."""

    code = Code.DEADLINE_EXCEEDED
    reason = "CALL_EXPIRED"

    def __init__(self) -> None:
        super().__init__(
            "the call's time was over before its work began, and nothing was done; "
            "allow it more, or ask for less at a time"
        )


class CallCutOff(StylefacetError):
    """A server ended a call without a reason; made by the client.

    It outlasted the server's patience by far, or more calls came than the server could refuse.
    """

    code = Code.DEADLINE_EXCEEDED
    reason = "CALL_CUT_OFF"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} cut the call off: it is overloaded, or the call outlasted its "
            "call_deadline_s; what it had begun may be done",
            {"address": address},
        )


class StreamIdle(StylefacetError):
    """Nothing came up a stream for so long that it makes room for others."""

    code = Code.UNAVAILABLE
    reason = "STREAM_IDLE"
    retry_after_s = 0.2

    def __init__(self, idle_s: float) -> None:
        super().__init__(
            f"nothing came for {idle_s:g} s; open the stream again when there is more to send",
            {"idle_s": f"{idle_s:g}"},
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


class MethodUnclassed(StylefacetError):
    """A method of which the server does not know whether it reads or writes: nobody may call it."""

    code = Code.PERMISSION_DENIED
    reason = "METHOD_UNCLASSED"

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} is not open to callers on this server", {"method": method})
