"""Tells whoever watches how long each stage of the work took; knows neither metrics nor traces."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Stage(StrEnum):
    """A part of a server's work that is worth a clock."""

    QUEUE = "queue"  # waiting for a thread that decodes and embeds
    DECODE = "decode"  # an encoded photo to the encoder's letterbox
    INFERENCE = "inference"  # letterboxes to latent vectors
    DRAWING = "drawing"  # latent vectors to pictures
    SEARCH = "search"  # ranking in the index
    INDEXING = "indexing"  # taking the store's changes into the index
    STORE_READ = "store_read"  # a transaction that reads
    STORE_WRITE = "store_write"  # one that writes, with its wait for other writers


@dataclass(frozen=True, slots=True)
class StageRun:
    """A stage that has ended; the start is in nanoseconds since 1970."""

    stage: Stage
    start_time_ns: int
    duration_ns: int
    failed: bool


Watcher: TypeAlias = Callable[[StageRun], None]
# Travels with the context of a call, so that servers in one process do not mix.
_watcher: ContextVar[Watcher | None] = ContextVar("stage_watcher", default=None)


def watch_stages(watcher: Watcher) -> None:
    """Tells a watcher of every stage that ends in this context, and in copies of it, from now."""
    _watcher.set(watcher)


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Times what is done inside; costs next to nothing when nobody watches."""
    watcher = _watcher.get()
    if watcher is None:
        yield
        return
    start_time_ns, start_ns, failed = time.time_ns(), time.perf_counter_ns(), True
    try:
        yield
        failed = False
    finally:
        watcher(StageRun(name, start_time_ns, time.perf_counter_ns() - start_ns, failed))


def tell_stage(name: Stage, start_time_ns: int, duration_ns: int) -> None:
    """Tells of a stage that was timed elsewhere, such as a wait that ended on another thread."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(StageRun(name, start_time_ns, duration_ns, failed=False))


def tell_run(run: StageRun) -> None:
    """Tells of a stage that was timed in another context."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(run)
