"""Opaque page tokens, bound to the request that made them; knows no RPC."""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping

from stylefacet.errors import InvalidField, PageTokenStale

MAX_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 50


def clamp_page_size(
    page_size: int, default: int = DEFAULT_PAGE_SIZE, maximum: int = MAX_PAGE_SIZE
) -> int:
    """Returns the page size to use: the default for 0, at most the maximum.

    Raises:
        InvalidField: for a negative one.
    """
    if page_size < 0:
        raise InvalidField("page_size", f"{page_size} is negative; leave it out for {default}")
    return min(page_size or default, maximum)


def make_page_token(request: Mapping[str, object], position: str) -> str:
    """Returns a token that stands for a position in the answer to a request."""
    body = json.dumps([_fingerprint(request), position]).encode()
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def read_page_token(token: str, request: Mapping[str, object]) -> str:
    """Returns the position in a token; empty for an empty token.

    Raises:
        PageTokenStale: when the token is garbled or was made for another request.
    """
    if not token:
        return ""
    try:
        body = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        fingerprint, position = json.loads(body)
    except (binascii.Error, ValueError, TypeError) as error:
        raise PageTokenStale from error
    if fingerprint != _fingerprint(request) or not isinstance(position, str):
        raise PageTokenStale
    return position


def read_page_offset(token: str, request: Mapping[str, object]) -> int:
    """Returns the position in a token as a count of results; 0 for an empty token.

    Raises:
        PageTokenStale: as `read_page_token`, and for a position that is no count.
    """
    position = read_page_token(token, request) or "0"
    if not (position.isascii() and position.isdigit() and len(position) < 10):
        raise PageTokenStale
    return int(position)


def _fingerprint(request: Mapping[str, object]) -> str:
    content = json.dumps(request, sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()[:16]
