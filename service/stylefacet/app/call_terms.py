"""What the call under way may take; set at the door, honoured wherever work waits. Knows no RPC."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from stylefacet.errors import CallExpired


@dataclass(frozen=True, slots=True)
class CallTerms:
    """The limits of one call.

    ``expires_at_s`` is on the monotonic clock, ``idle_s`` how long its stream may rest; none is no
    limit. ``is_wanted`` returns whether somebody still waits for the answer.
    """

    expires_at_s: float | None = None
    idle_s: float | None = None
    is_wanted: Callable[[], bool] = lambda: True

    def check(self) -> None:
        """Refuses to begin work that comes too late.

        Raises:
            CallExpired: when it does.
        """
        expired = self.expires_at_s is not None and time.monotonic() >= self.expires_at_s
        if expired or not self.is_wanted():
            raise CallExpired


NO_TERMS = CallTerms()
_current: ContextVar[CallTerms] = ContextVar("call_terms", default=NO_TERMS)


def set_call_terms(terms: CallTerms) -> None:
    """Sets the terms of the call that this thread works on, for as long as its context lasts."""
    _current.set(terms)


def call_terms() -> CallTerms:
    """Returns the terms of the call under way; no limits outside of calls."""
    return _current.get()
