"""What Prometheus reads of a server, and the port it reads it at; knows no call's content."""

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from stylefacet import __version__
from stylefacet.errors import Code, SettingInvalid, StylefacetError
from stylefacet.stages import Stage, StageRun

_log = logging.getLogger(__name__)
# Seconds. A stored product is read in a millisecond; a stream may last for hours.
_CALL_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)
_STAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)


class Metrics:
    """Counts calls and stages of one server. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._calls = Counter(
            "stylefacet_calls", "Calls that ended.", ["method", "code"], registry=self.registry
        )
        self._call_seconds = Histogram(
            "stylefacet_call_seconds",
            "How long calls took, streams from first to last message.",
            ["method"],
            buckets=_CALL_BUCKETS,
            registry=self.registry,
        )
        # Those of the two by method and code: to look them up takes longer than to count.
        self._call_series: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._under_way = Gauge(
            "stylefacet_calls_under_way", "Calls that have not ended.", registry=self.registry
        )
        stage_seconds = Histogram(
            "stylefacet_stage_seconds",
            "How long the stages of the work took.",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=self.registry,
        )
        self._refused_photos = Counter(
            "stylefacet_photos_refused",
            "Photos that cannot be read or are too large, those of streams too.",
            registry=self.registry,
        )
        self._operations = Counter(
            "stylefacet_operations",
            "Operations that this server worked on to an end.",
            ["kind", "code"],
            registry=self.registry,
        )
        # There from the start: a rate over a series that does not exist yet misses its birth.
        self._stage_seconds = {stage: stage_seconds.labels(stage) for stage in Stage}

    def call_begins(self) -> None:
        """Counts a call as under way."""
        self._under_way.inc()

    def call_ends(self, method: str, code: str, duration_s: float) -> None:
        """Counts a call as ended; every call that begins must end."""
        self._under_way.dec()
        self._count_call(method, code, duration_s)

    def call_refused(self, method: str, code: str) -> None:
        """Counts a call that was not let in, which took no time."""
        self._count_call(method, code, 0.0)

    def _count_call(self, method: str, code: str, duration_s: float) -> None:
        series = self._call_series.get((method, code))
        if series is None:
            series = self._calls.labels(method, code), self._call_seconds.labels(method)
            self._call_series[method, code] = series
        count, seconds = series
        count.inc()
        seconds.observe(duration_s)

    def operation_known(self, kind: str) -> None:
        """Shows a kind of operation before the first has ended, by every way it may end.

        A series that is born with its first failure shows no increase to an alert.
        """
        for code in ("OK", "INTERRUPTED", "UNKNOWN", *(code.name for code in Code)):
            self._operations.labels(kind, code)

    def operation_ends(self, kind: str, code: str) -> None:
        """Counts an operation as ended here."""
        self._operations.labels(kind, code).inc()

    def stage_ends(self, run: StageRun) -> None:
        """Counts a stage of the work."""
        self._stage_seconds[run.stage].observe(run.duration_ns / 1e9)
        if run.failed and run.stage is Stage.DECODE:
            self._refused_photos.inc()

    def show_state(self, read: Callable[[], "ServerState"]) -> None:
        """Lets every scrape read how the server stands."""
        self.registry.register(_StateCollector(read))

    def serve(self, host: str, port: int) -> "MetricsPort":
        """Serves the metrics over HTTP.

        Raises:
            SettingInvalid: when the port cannot be had.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except (OSError, OverflowError) as error:
            raise SettingInvalid(
                "metrics_address", f"cannot listen at {host}:{port} ({error}); choose another port"
            ) from error
        return MetricsPort(server, thread)


class MetricsPort:
    """An HTTP port that is being served."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread

    @property
    def port(self) -> int:
        """The port it got."""
        return int(self._server.server_port)

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True, slots=True)
class ServerState:
    """How a server stands at a scrape."""

    encoder_id: str
    index_image_count: int
    index_sequence: int
    waiting_photo_count: int
    # Raises a StylefacetError when the store does not answer.
    read_store_sequence: Callable[[], int]
    # Where SQLite lies; None for another database.
    data_dir: Path | None


class _StateCollector(Collector):
    """Reads the server's state at each scrape."""

    def __init__(self, read: Callable[[], ServerState]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Nothing: at registration the server is not built yet."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yields the gauges."""
        state = self._read()
        build = GaugeMetricFamily(
            "stylefacet_build_info", "Version and encoder, always 1.", labels=["version", "encoder"]
        )
        build.add_metric([__version__, state.encoder_id], 1)
        yield build
        yield _gauge("stylefacet_index_images", "Images searched.", state.index_image_count)
        yield _gauge(
            "stylefacet_index_sequence", "The store's change the index is at.", state.index_sequence
        )
        yield _gauge(
            "stylefacet_photos_waiting",
            "Photos and pictures that wait for a thread.",
            state.waiting_photo_count,
        )
        yield from _store_gauges(state)
        if state.data_dir is not None:
            yield from _disk_gauges(state.data_dir)


def _store_gauges(state: ServerState) -> Iterator[Metric]:
    try:
        sequence = state.read_store_sequence()
    except StylefacetError as error:
        _log.warning("store not read for metrics", extra={"reason": error.reason})
        yield _gauge("stylefacet_store_up", "Whether the store answers.", 0)
        return
    yield _gauge("stylefacet_store_up", "Whether the store answers.", 1)
    yield _gauge("stylefacet_store_sequence", "The store's latest change.", sequence)
    yield _gauge(
        "stylefacet_index_lag_changes",
        "Changes of the store that the index has not taken in.",
        max(sequence - state.index_sequence, 0),
    )


def _disk_gauges(data_dir: Path) -> Iterator[Metric]:
    try:
        free_bytes = shutil.disk_usage(data_dir).free
        files = [path for path in data_dir.rglob("*") if path.is_file()]
        used_bytes = sum(path.stat().st_size for path in files)
    except OSError as error:
        # A file went away in between, or the disk did: the next scrape tells.
        _log.warning("data directory not read for metrics", extra={"cause": error.strerror})
        return
    yield _gauge("stylefacet_disk_free_bytes", "Free where the data lie.", free_bytes)
    yield _gauge("stylefacet_data_bytes", "Size of the data directory.", used_bytes)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
