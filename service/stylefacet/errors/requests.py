"""Failures of what a caller sent or asked for; knows no state of the server."""

from stylefacet.errors.base import Code, StylefacetError


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


class MessageTooLarge(StylefacetError):
    """A message exceeds what a server, or the client itself, lets through; nothing was done."""

    code = Code.INVALID_ARGUMENT
    reason = "MESSAGE_TOO_LARGE"

    def __init__(self, amount: int, limit: int) -> None:
        super().__init__(
            f"the message has {amount:,} bytes, the limit is {limit:,}; send less at a time, "
            "or a smaller photo",
            {"amount": str(amount), "limit": str(limit)},
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
