"""Sends traces of calls to an OpenTelemetry collector; knows no call's content.

Needs the tracing extra, and is imported only by a server that is told where its traces go.
"""

import logging
import threading
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from stylefacet import __version__
from stylefacet.stages import StageRun

_log = logging.getLogger(__name__)
# Seconds that a collector gets for a batch of spans, and for the last one when the server stops:
# a server ends in time whether or not its collector answers.
_EXPORT_TIMEOUT_S = 5
_CLOSING_TIMEOUT_S = 2.0
# Calls of a stream can have thousands of photos; a trace of the first few hundred says enough.
_MAX_STAGES_A_CALL = 400
_TRACE_HEADERS = frozenset({"traceparent", "tracestate"})


class OpenTelemetry:
    """Spans of calls and operations, with the stages of their work below them. Thread-safe."""

    def __init__(self, endpoint: str, ratio: float) -> None:
        """Sends to a collector at a URL, such as http://localhost:4317; https for TLS.

        ``ratio`` of the traces that begin here are kept; those of callers follow the caller.
        """
        resource = Resource.create({SERVICE_NAME: "stylefacet", SERVICE_VERSION: __version__})
        self._provider = TracerProvider(
            resource=resource,
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=endpoint,
            insecure=endpoint.startswith("http://"),
            timeout=_EXPORT_TIMEOUT_S,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("stylefacet", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def start(self, name: str, request_id: str, metadata: Mapping[str, str]) -> "CallSpan":
        """Starts a span, below the caller's when its metadata names one."""
        # Nothing but these two is handed on: metadata hold tokens too.
        carrier = {key: value for key, value in metadata.items() if key in _TRACE_HEADERS}
        span = self._tracer.start_span(
            name,
            context=self._propagator.extract(carrier),
            kind=trace.SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "stylefacet.request_id": request_id},
        )
        return CallSpan(self._tracer, span)

    def close(self) -> None:
        """Sends what has not been sent, unless the collector takes too long, and stops."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_CLOSING_TIMEOUT_S)
        if closing.is_alive():
            _log.warning("last traces not sent", extra={"waited_s": _CLOSING_TIMEOUT_S})


class CallSpan:
    """A span of a call and, below it, one for each stage. Thread-safe, as spans are."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span
        self._below = trace.set_span_in_context(span)
        self._stage_count = 0

    def stage_ends(self, run: StageRun) -> None:
        """Adds a stage below the call; beyond a few hundred only counts it."""
        self._stage_count += 1
        if self._stage_count > _MAX_STAGES_A_CALL or not self._span.is_recording():
            return
        stage = self._tracer.start_span(run.stage, self._below, start_time=run.start_time_ns)
        if run.failed:
            stage.set_status(trace.StatusCode.ERROR)
        stage.end(run.start_time_ns + run.duration_ns)

    def end(self, code: str) -> None:
        """Ends the call's span under its gRPC code."""
        self._span.set_attribute("rpc.grpc.status", code)
        self._span.set_attribute("stylefacet.stage_count", self._stage_count)
        if code != "OK":
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()
