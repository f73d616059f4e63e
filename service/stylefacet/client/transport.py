"""Carries calls: deadlines, retries and the errors a server sends; knows no resource by name."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from stylefacet.addresses import is_loopback
from stylefacet.client.tls import Tls
from stylefacet.errors import (
    CallCutOff,
    CallTimedOut,
    InvalidField,
    MessageTooLarge,
    ServerUnreachable,
    ServerUntrusted,
    ShuttingDown,
    StylefacetError,
    TokenRejected,
)
from stylefacet.limits import CHANNEL_OPTIONS

if TYPE_CHECKING:  # the generic parameters of gRPC's classes exist in its stubs alone
    from grpc import (
        StreamStreamMultiCallable,
        StreamUnaryMultiCallable,
        UnaryStreamMultiCallable,
        UnaryUnaryMultiCallable,
    )

_log = logging.getLogger(__name__)
# After so many failures of a call in a row whoever waits hears of it: seconds, then minutes.
_TOLD_FAILURES = frozenset({4, 12, 40, 120})
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
# gRPC's own refusal of a message, at either end.
_OVERSIZE = re.compile(r"larger than max \((\d+) vs\. (\d+)\)")
# The longest a cause is quoted from gRPC's own text.
_MAX_CAUSE_LENGTH = 160
# gRPC's own pause between connections, kept below ours: within it every call fails unsent.
_OPTIONS = (
    *CHANNEL_OPTIONS,
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to send a call again: after ``UNAVAILABLE``, or when the server names a delay.

    A call that was cut off is sent again as well: it may have come when the server could not even
    refuse it, and what was done of a write is not done twice, for it carries a request id.

    Delays double from ``first_delay_s`` to ``max_delay_s``, each shortened at random by up to a
    half so that callers do not return together. A server's own delay is kept as the least, and
    is believed as long as the call's deadline allows, beyond ``attempts``.
    """

    attempts: int = 4
    first_delay_s: float = 0.2
    max_delay_s: float = 5.0

    def delay_s(self, failures: int, retry_after_s: float | None, chance: float) -> float:
        """Returns the wait after the given number of failures; ``chance`` is in [0, 1)."""
        backoff = min(self.first_delay_s * 2.0 ** min(failures - 1, 30), self.max_delay_s)
        return max(backoff * (1 - chance / 2), retry_after_s or 0.0)


@dataclass(slots=True)
class Transport:
    """A channel to one server. Thread-safe, as gRPC's channels are.

    Raises:
        InvalidField: for an address that is not HOST:PORT, and for a token that cannot be one or
            that others could read on its way.
    """

    address: str
    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    timeout_s: float = 30.0
    retry: RetryPolicy = RetryPolicy()
    allow_plaintext_token: bool = False
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    channel: grpc.Channel = field(init=False)
    _is_closed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        host, _, port = self.address.rpartition(":")
        if not host or "/" in host or not (port.isascii() and port.isdigit() and int(port) < 2**16):
            raise InvalidField(
                "address", f"{self.address!r} is not HOST:PORT, such as 127.0.0.1:50051"
            )
        self._check_token(host)
        if self.tls is None:
            self.channel = grpc.insecure_channel(self.address, options=_OPTIONS)
            return
        options: list[tuple[str, Any]] = list(_OPTIONS)
        if self.tls.server_name:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        self.channel = grpc.secure_channel(self.address, self.tls.credentials(), options=options)

    def close(self) -> None:
        """Ends the connection; calls under way fail and are not sent again."""
        self._is_closed = True
        self.channel.close()

    def call(
        self,
        method: "UnaryUnaryMultiCallable[RequestT, ResponseT]",
        request: RequestT,
        timeout_s: float | None = None,
    ) -> ResponseT:
        """Returns the reply of a unary call, within the deadline and after retries.

        Raises:
            StylefacetError: of the class the server raised, or one that says why it could not
                be asked.
        """
        allowed_s = self.timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + allowed_s
        failures = 0
        while True:
            left_s = max(deadline - time.monotonic(), 0.001)
            try:
                return method(request, timeout=left_s, metadata=self._metadata())
            except grpc.RpcError as error:
                failure = self.failure(error, allowed_s)
                failures += 1
                wait_s = self.wait_before_retry_s(failure, failures)
                if wait_s is None or time.monotonic() + wait_s >= deadline:
                    raise failure from error
            self.sleep(wait_s)

    def send(
        self,
        method: "StreamUnaryMultiCallable[RequestT, ResponseT]",
        make_requests: Callable[[], Iterator[RequestT]],
        timeout_s: float,
    ) -> ResponseT:
        """Returns the reply to a stream of requests; the stream is made anew for each attempt.

        Raises:
            StylefacetError: as `call`.
        """
        deadline = time.monotonic() + timeout_s
        failures = 0
        while True:
            left_s = max(deadline - time.monotonic(), 0.001)
            try:
                return method(make_requests(), timeout=left_s, metadata=self._metadata())
            except grpc.RpcError as error:
                failure = self.failure(error, timeout_s)
                failures += 1
                wait_s = self.wait_before_retry_s(failure, failures)
                if wait_s is None or time.monotonic() + wait_s >= deadline:
                    raise failure from error
            self.sleep(wait_s)

    def answers(
        self,
        method: "UnaryStreamMultiCallable[RequestT, ResponseT]",
        request: RequestT,
        timeout_s: float,
    ) -> Iterator[ResponseT]:
        """Yields the answers of a call, at least one; tried again until the first has come.

        Raises:
            StylefacetError: as `call`, at any answer.
        """
        deadline = time.monotonic() + timeout_s
        failures = 0
        while True:
            left_s = max(deadline - time.monotonic(), 0.001)
            started: Any = method(request, timeout=left_s, metadata=self._metadata())
            has_answered = False
            try:
                for answer in started:
                    has_answered = True
                    yield answer
            except grpc.RpcError as error:
                failure = self.failure(error, timeout_s)
                failures += 1
                wait_s = None if has_answered else self.wait_before_retry_s(failure, failures)
                if wait_s is None or time.monotonic() + wait_s >= deadline:
                    raise failure from error
            else:
                if not has_answered:
                    raise StylefacetError("the server ended the call without an answer")
                return
            finally:
                started.cancel()
            self.sleep(wait_s)

    def stream(
        self,
        method: "StreamStreamMultiCallable[RequestT, ResponseT]",
        requests: Iterator[RequestT],
    ) -> Any:
        """Returns a started bidirectional call, to iterate and to cancel.

        ``Any``, because gRPC's type for it lacks the iteration. Its errors are read with
        :meth:`failure`.
        """
        return method(requests, metadata=self._metadata())

    def wait_before_retry_s(
        self, failure: StylefacetError, failures: int, attempts: int | None = None
    ) -> float | None:
        """Returns how long to wait before the next attempt; none when there should be no next.

        A wait that lasts is told in the log, as a warning: a server may have no room for minutes.
        """
        told = failure.retry_after_s
        if self._is_closed:
            return None
        transient = isinstance(failure, (ServerUnreachable, ShuttingDown, CallCutOff))
        left = failures < (self.retry.attempts if attempts is None else attempts)
        if told is None and not (transient and left):
            return None
        wait_s = self.retry.delay_s(failures, told, self.chance())
        if failures in _TOLD_FAILURES:
            _log.warning("%s; trying again in %.1f s", failure.message, wait_s)
        return wait_s

    def failure(self, error: Any, timeout_s: float) -> StylefacetError:
        """Returns the error a failed call, a ``grpc.RpcError``, stands for."""
        if not isinstance(error, grpc.Call):
            return StylefacetError(f"the call failed ({error})")
        code, text = error.code(), error.details() or ""
        status = _status_of(error)
        if status is not None:
            return error_of(status)
        if code is grpc.StatusCode.UNAVAILABLE and (distrust := _distrust(text)):
            return ServerUntrusted(self.address, distrust)
        if code is grpc.StatusCode.UNAVAILABLE:
            return ServerUnreachable(self.address, _cause(text))
        oversize = _OVERSIZE.search(text) if code is grpc.StatusCode.RESOURCE_EXHAUSTED else None
        if oversize is not None:
            return MessageTooLarge(int(oversize[1]), int(oversize[2]))
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return CallTimedOut("the call", self.address, timeout_s)
        if code is grpc.StatusCode.CANCELLED:
            return CallCutOff(self.address)
        if code is grpc.StatusCode.UNAUTHENTICATED:
            return TokenRejected()
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return StylefacetError(f"the server at {self.address} is older and lacks this call")
        return StylefacetError(f"{text or 'the call failed'} ({code.name})")

    def _check_token(self, host: str) -> None:
        if self.token is None:
            return
        if not re.fullmatch(r"[!-~]+", self.token):
            raise InvalidField("token", "holds more than the letters and signs of a token")
        if self.tls is None and not self.allow_plaintext_token and not is_loopback(host):
            raise InvalidField(
                "token",
                f"would go to {self.address} unencrypted; use TLS (--tls-ca FILE), or "
                "--allow-plaintext-token if the network itself is trusted",
            )

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()


def error_of(status: status_pb2.Status) -> StylefacetError:
    """Returns the error that a ``google.rpc.Status`` with a code other than OK stands for."""
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    retry_after_s: float | None = None
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) and detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()
    message = status.message or f"the server failed with code {status.code}"
    error = StylefacetError.from_wire(info.reason, message, dict(info.metadata))
    # What this server said counts, not the class's usual delay.
    error.retry_after_s = retry_after_s
    return error


def _status_of(error: Any) -> status_pb2.Status | None:
    """Returns the rich status of a call, if the server sent one that can be trusted."""
    try:
        status: status_pb2.Status | None = rpc_status.from_call(error)
    except ValueError:
        # Code or text disagree with the details: something between us and the server made it.
        return None
    return status


def _distrust(text: str) -> str:
    """Returns why TLS with a server failed; empty when it was something else."""
    if "WRONG_VERSION_NUMBER" in text:
        return "it speaks no TLS"
    found = re.search(r"CERTIFICATE_VERIFY_FAILED: ([a-z ]+)", text)
    if found:
        return f"its certificate is refused, {found[1]}"
    if "Peer name" in text or "Hostname" in text:
        return "its certificate is for another name"
    return "TLS failed" if "ls handshake failed" in text else ""


def _cause(text: str) -> str:
    """Returns the telling end of gRPC's account of a connection that failed."""
    if "Connection refused" in text:
        return "connection refused"
    if "Socket closed" in text or "Connection reset" in text:
        return "it closed the connection; perhaps it asks for TLS, or for a client's certificate"
    if any(word in text for word in ("resolution", "resolving", "resolve", "DNS")):
        return "its name or port cannot be resolved"
    lines = text.strip().splitlines()
    return lines[0][:_MAX_CAUSE_LENGTH] if lines else "connection lost"
