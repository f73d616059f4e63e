"""Sends rows of a catalogue up one stream and brings back what became of each; reads no files.

At most ``read_ahead`` rows are on their way at a time, so memory does not grow with the upload.
When the connection breaks, the rows without an answer are sent again: the server skips what it
has already.
"""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import grpc

from stylefacet.client.conversions import OUTCOMES, product_message, resource_id
from stylefacet.client.transport import Transport, error_of
from stylefacet.client.values import Outcome, UploadOutcome, UploadRow
from stylefacet.errors import (
    CallTimedOut,
    ImageTooLarge,
    ImageUndecodable,
    InvalidField,
    StylefacetError,
)
from stylefacet.limits import MAX_IMAGE_BYTES
from stylefacet.v1 import catalog_service_pb2 as catalog_pb
from stylefacet.v1.catalog_service_pb2_grpc import CatalogServiceStub

# Enough to keep a server of a few dozen cores busy; 32 photos of 200 kB are 6 MB.
READ_AHEAD_ROWS = 32
# A server that answers no row for this long is taken for lost.
STALL_TIMEOUT_S = 120.0
# Once a server has answered, it is given the time of a restart: 26 s with the usual delays.
RECONNECT_ATTEMPTS = 10


class Upload:
    """One upload: iterate it once for the outcomes, in the order they arrive.

    Rows are drawn in a thread of gRPC's. ``_pending`` holds the rows on their way, guarded by
    ``_lock``; ``_drawing`` lets one attempt at a time draw, so that none is lost between two.
    """

    def __init__(
        self,
        transport: Transport,
        rows: Iterable[UploadRow],
        read_ahead: int = READ_AHEAD_ROWS,
        stall_timeout_s: float = STALL_TIMEOUT_S,
    ) -> None:
        if read_ahead < 1:
            raise InvalidField("read_ahead", "must be at least 1")
        self._transport = transport
        self._stub = CatalogServiceStub(transport.channel)
        self._rows = iter(rows)
        self._slots = threading.Semaphore(read_ahead)
        self._stall_timeout_s = stall_timeout_s
        self._drawing = threading.Lock()
        self._lock = threading.Lock()
        self._pending: dict[int, UploadRow] = {}
        self._exhausted = False

    def __iter__(self) -> Iterator[UploadOutcome]:
        failures = 0
        attempts = self._transport.retry.attempts
        while True:
            attempt = _Attempt(self._transport, self._stub)
            try:
                attempt.start(self._requests(attempt))
                for outcome in self._events(attempt):
                    with self._lock:
                        row = self._pending.pop(outcome.row_number, None)
                    if row is None:
                        continue
                    failures, attempts = 0, max(attempts, RECONNECT_ATTEMPTS)
                    self._slots.release()
                    yield replace(outcome, product_id=resource_id(row.product.product_id))
            except StylefacetError as error:
                failures += 1
                wait_s = self._transport.wait_before_retry_s(error, failures, attempts)
                if wait_s is None or failures >= attempts:
                    raise
            else:
                if self._exhausted and not self._pending:
                    return
                failures += 1
                if failures >= attempts:
                    raise StylefacetError("the server ended the upload before its last row")
                wait_s = self._transport.retry.delay_s(failures, None, 0.0)
            finally:
                attempt.end()
            self._transport.sleep(wait_s)

    def _events(self, attempt: "_Attempt") -> Iterator[UploadOutcome]:
        """Yields an attempt's outcomes until its stream is over; raises what ended it."""
        while True:
            try:
                event = attempt.events.get(timeout=self._stall_timeout_s)
            except queue.Empty:
                if not self._pending:
                    continue  # It is the caller's rows that are slow.
                raise CallTimedOut(
                    "a row of the upload", self._transport.address, self._stall_timeout_s
                ) from None
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            yield event

    def _requests(self, attempt: "_Attempt") -> Iterator[catalog_pb.UploadProductsRequest]:
        """Yields the rows without an answer, then new ones; runs in gRPC's thread."""
        with self._drawing, self._lock:
            unanswered = list(self._pending.values())
        for row in unanswered:
            yield from self._request(row, attempt)
        while (row_or_none := self._draw(attempt)) is not None:
            yield from self._request(row_or_none, attempt)

    def _draw(self, attempt: "_Attempt") -> UploadRow | None:
        """Returns the next row, once there is room for it; none when there is no next."""
        # Looks up now and then, so that an attempt that is over lets go of its thread.
        while not self._slots.acquire(timeout=0.1):
            if attempt.ended.is_set():
                return None
        with self._drawing:
            row = None if attempt.ended.is_set() else self._next_row(attempt)
            if row is not None:
                with self._lock:
                    if row.row_number not in self._pending:
                        self._pending[row.row_number] = row
                        return row
                attempt.events.put(InvalidField("row_number", f"{row.row_number} came twice"))
        self._slots.release()
        return None

    def _next_row(self, attempt: "_Attempt") -> UploadRow | None:
        try:
            return next(self._rows)
        except StopIteration:
            self._exhausted = True
        except Exception as error:  # the caller's iterator failed: theirs to see, in their thread
            attempt.events.put(error)
        return None

    def _request(
        self, row: UploadRow, attempt: "_Attempt"
    ) -> Iterator[catalog_pb.UploadProductsRequest]:
        try:
            content = row.read_content() if row.read_content else b""
            if len(content) > MAX_IMAGE_BYTES:
                raise ImageTooLarge(len(content), MAX_IMAGE_BYTES, "bytes")
            if row.read_content and not content:
                # Without this the product would be written and its photo silently missed.
                raise ImageUndecodable("it is empty")
            yield catalog_pb.UploadProductsRequest(
                row_number=row.row_number,
                product=product_message(row.product),
                content=content,
                product_image_id=row.image_id,
            )
        except StylefacetError as error:
            attempt.events.put(_failed(row, error))
        except OSError as error:
            cause = error.strerror or str(error)
            attempt.events.put(_failed(row, InvalidField("image", f"cannot be read ({cause})")))


class _Attempt:
    """One stream of an upload; events come from two threads through a queue, none at its end."""

    def __init__(self, transport: Transport, stub: CatalogServiceStub) -> None:
        self.events: queue.SimpleQueue[UploadOutcome | Exception | None] = queue.SimpleQueue()
        self.ended = threading.Event()
        self._transport = transport
        self._stub = stub
        self._call: Any = None

    def start(self, requests: Iterator[catalog_pb.UploadProductsRequest]) -> None:
        """Opens the stream and starts to read what comes back."""
        self._call = self._transport.stream(self._stub.UploadProducts, requests)
        threading.Thread(target=self._read, daemon=True, name="upload-replies").start()

    def end(self) -> None:
        """Lets go of the stream and its threads."""
        self.ended.set()
        if self._call is not None:
            self._call.cancel()

    def _read(self) -> None:
        try:
            for response in self._call:
                self.events.put(_outcome(response))
        except grpc.RpcError as error:
            self.events.put(self._transport.failure(error, self._transport.timeout_s))
        else:
            self.events.put(None)


def _outcome(response: catalog_pb.UploadProductsResponse) -> UploadOutcome:
    failed = response.HasField("status") and response.status.code != 0
    kind = Outcome.FAILED if failed else OUTCOMES.get(response.outcome, Outcome.FAILED)
    error = error_of(response.status) if failed else None
    if kind is Outcome.FAILED and error is None:
        error = StylefacetError("the server did not say what became of the row")
    return UploadOutcome(
        row_number=response.row_number,
        product_id="",
        outcome=kind,
        error=error,
        image_name=response.product_image,
        sequence_number=response.sequence_number,
    )


def _failed(row: UploadRow, error: StylefacetError) -> UploadOutcome:
    return UploadOutcome(row.row_number, row.product.product_id, Outcome.FAILED, error)
