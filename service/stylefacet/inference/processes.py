"""Runs encoders in processes of their own; knows neither what is asked of them nor who asks.

Photos come from strangers, and what decodes them is written in C: a process that ends because of
one takes nobody with it. And a process has an interpreter lock of its own: while photos are
embedded there, this one answers calls and refuses those that are too many.
"""

import os
import pickle
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Concatenate, ParamSpec, TypeVar, cast

from stylefacet.bundle import Bundle
from stylefacet.errors import ResourceMissing, ShuttingDown
from stylefacet.inference.encoder import Encoder
from stylefacet.stages import StageRun, tell_run

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_PROGRAM = "stylefacet.inference.worker"
# How long a process that was told to end may take: as long as a photo of the largest size.
_END_S = 5.0
# Each photo takes some megabytes for as long as it is read. glibc would give them back to the
# system and ask for them again at the next one, which costs a tenth of a photo's time, and a third
# of a WebP's. These are the bounds at which it arrives by itself when sizes grow in a lucky order.
_HEAP = {
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 2**20),
}


class ProcessEnded(Exception):
    """A process ended before it had answered; how is in the message."""


class EncoderProcesses:
    """So many processes, each of which runs one function of an encoder at a time. Thread-safe.

    Encoders are loaded where they are first used. A process that ends is replaced when the next
    function is run. ``_lock`` guards ``_bundles``.
    """

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        # Bundles by encoder, pickled, without what is no part of an encoder.
        self._bundles: dict[str, bytes] = {}
        self._is_closed = False
        self._all = [_Process() for _ in range(count)]
        # The last in is the first out: its caches are warm, and few calls keep few processes busy.
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        for process in self._all:
            self._idle.put(process)

    def start(self) -> None:
        """Starts all, so that the first functions need not wait for it."""
        for process in self._all:
            process.start()

    def add(self, bundle: Bundle) -> None:
        """Makes an encoder known, which has been verified here."""
        content = pickle.dumps(replace(bundle, decoder=None))
        with self._lock:
            self._bundles[bundle.id] = content

    def forget(self, encoder_id: str) -> None:
        """Drops an encoder; it must not be in use any more."""
        with self._lock:
            self._bundles.pop(encoder_id, None)

    def run(
        self,
        encoder_id: str,
        function: Callable[Concatenate[Encoder, _Parameters], _Result],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Returns what a function of a module gives for an encoder; what it raises is raised.

        Stages that it times are told here as well.

        Raises:
            ProcessEnded: when the process ended meanwhile; another one will take its place.
            ShuttingDown: when it was :meth:`close` that ended it.
            ResourceMissing: when the encoder was forgotten.
        """
        process = self._idle.get()
        try:
            with self._lock:
                bundles = self._bundles.copy()
            if encoder_id not in bundles:
                raise ResourceMissing("encoder", encoder_id, "install its bundle")
            answer, stages = process.ask(bundles, encoder_id, (function, args, kwargs))
        except ProcessEnded:
            if self._is_closed:
                raise ShuttingDown from None
            raise
        finally:
            self._idle.put(process)
        for run in stages:
            tell_run(run)
        if isinstance(answer, BaseException):
            raise answer
        return cast(_Result, answer)

    def close(self) -> None:
        """Ends all for good; whoever waits for an answer, or asks later, gets none."""
        self._is_closed = True
        for process in self._all:
            process.close()


class _Process:
    """One process; used by one thread at a time, but for :meth:`close`. ``_lock`` guards it all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._loaded_ids: set[str] = set()
        self._is_ready = False
        self._is_closed = False

    def start(self) -> Connection | None:
        """Returns the connection to the process, which is started unless it runs or is closed."""
        with self._lock:
            if self._child is None and not self._is_closed:
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    descriptor = theirs.fileno()
                    # -P: what lies in the working directory is not to be imported.
                    self._child = subprocess.Popen(
                        [sys.executable, "-P", "-m", _PROGRAM, str(descriptor)],
                        stdin=subprocess.DEVNULL,
                        env=_HEAP | os.environ,
                        pass_fds=[descriptor],
                    )
                    self._connection = Connection(ours.detach())
                self._loaded_ids, self._is_ready = set(), False
            return self._connection

    def ask(
        self, bundles: Mapping[str, bytes], encoder_id: str, work: object
    ) -> tuple[object, list[StageRun]]:
        """Has a function run; returns its result or what it raised, and its stages."""
        connection = self.start()
        try:
            if connection is None:
                raise EOFError
            if not self._is_ready:
                self._is_ready = connection.recv()
            stale_ids = self._loaded_ids - bundles.keys()
            bundle = None if encoder_id in self._loaded_ids else bundles[encoder_id]
            connection.send((stale_ids, encoder_id, bundle, work))
            self._loaded_ids = (self._loaded_ids - stale_ids) | {encoder_id}
            return cast(tuple[object, list[StageRun]], connection.recv())
        except (EOFError, OSError) as error:
            how = self._end()
            if not (self._is_ready or self._is_closed):
                raise RuntimeError(f"a process that embeds photos did not start, {how}") from error
            raise ProcessEnded(how) from error

    def close(self) -> None:
        """Ends the process for good."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                # Wakes the thread that waits for an answer; to close the descriptor would not.
                with socket.socket(fileno=self._connection.fileno()) as waker:
                    with suppress(OSError):
                        waker.shutdown(socket.SHUT_RDWR)
                    waker.detach()
        self._end()

    def _end(self) -> str:
        """Ends the process if it runs; returns how it ended."""
        with self._lock:
            child, connection = self._child, self._connection
            self._child = self._connection = None
        if child is None or connection is None:
            return "on purpose"
        connection.close()
        try:
            code = child.wait(_END_S)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        return f"by signal {-code}" if code < 0 else f"with exit status {code}"
