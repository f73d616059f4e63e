"""What a running server tells of itself: metrics over HTTP, traces to a collector, log lines."""

import json
import logging
import socket
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from stylefacet.client import StylefacetClient
from stylefacet.errors import SettingInvalid
from stylefacet.server.logs import JsonFormatter, set_up_logging
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import catalog_service_pb2, encoder_service_pb2
from tests.conftest import photo
from tests.server.strained import full
from tests.server.stubs import Stubs, connect, upload_row

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OpenTelemetry collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[trace_service_pb2.ExportTraceServiceRequest] = []

    def Export(self, request, context):  # noqa: N802  # the contract's name
        self.requests.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    """A collector and the URL it listens at."""
    kept = Collector()
    listening = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(kept, listening)
    port = listening.add_insecure_port("127.0.0.1:0")
    listening.start()
    yield kept, f"http://127.0.0.1:{port}"
    listening.stop(None).wait()


@pytest.fixture
def settings(settings: Settings, collector: tuple[Collector, str]) -> Settings:
    return replace(settings, metrics_address="127.0.0.1:0", trace_endpoint=collector[1])


@pytest.fixture
def log() -> Iterator[list[str]]:
    """The lines a server writes to its log, as they are made."""
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonFormatter().format(record))

    root, handler = logging.getLogger("stylefacet"), Lines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(level)


def scrape_text(server: Server) -> str:
    with urllib.request.urlopen(f"http://{server.metrics_address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def scrape(server: Server) -> Scrape:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(scrape_text(server))
        for sample in family.samples
    }


def value(found: Scrape, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def request_id_of(ended: Any) -> str:
    (found,) = [value for key, value in ended.trailing_metadata() if key == "x-request-id"]
    return str(found)


def test_metrics_are_off_unless_asked_for(tmp_path, tiny_bundle):
    running = Server(Settings(tmp_path / "d", tiny_bundle.path, address="127.0.0.1:0"))
    running.start()
    running.stop()

    assert running.metrics_address == ""


def test_calls_are_counted_by_method_and_code(server: Server, stubs: Stubs):
    stubs.upload(3)
    stubs.search("p0")
    with pytest.raises(grpc.RpcError):
        stubs.search("nobody")
    found = scrape(server)

    search = "stylefacet.v1.SimilarityService/SearchSimilarProducts"
    assert value(found, "stylefacet_calls_total", method=search, code="OK") == 1
    assert value(found, "stylefacet_calls_total", method=search, code="NOT_FOUND") == 1
    assert value(found, "stylefacet_call_seconds_count", method=search) == 2
    assert value(found, "stylefacet_calls_under_way") == 0


def test_each_stage_of_an_upload_and_a_search_is_timed(server: Server, stubs: Stubs):
    stubs.upload(5)
    list(stubs.catalog.UploadProducts(iter([upload_row(9, b"no photo")])))
    stubs.search("p0")
    found = scrape(server)

    counts = {
        stage: value(found, "stylefacet_stage_seconds_count", stage=stage)
        for stage in ("queue", "decode", "inference", "search", "store_read", "store_write")
    }
    # Photos that wait together are taken, and embedded, together.
    assert 3 <= counts["queue"] <= 7
    assert (counts["decode"], 2 <= counts["inference"] <= 5) == (6, True)
    assert counts["search"] == 1
    assert counts["store_write"] >= 1
    assert counts["store_read"] >= 5
    assert value(found, "stylefacet_photos_refused_total") == 1


def test_operations_are_counted_by_kind_and_code(server: Server, stubs: Stubs):
    stubs.upload(3)
    with StylefacetClient(server.address) as client:
        started = client.find_near_duplicates(alike={"collar": 0.5})
        client.wait_for_operation(started.operation_id)
    found = scrape(server)

    kind = "find-near-duplicates"
    assert value(found, "stylefacet_operations_total", kind=kind, code="OK") == 1
    assert value(found, "stylefacet_operations_total", kind=kind, code="ABORTED") == 0


def test_the_index_and_its_lag_behind_the_store_are_shown(server: Server, stubs: Stubs):
    stubs.upload(4)
    stubs.search("p0")
    found = scrape(server)

    assert value(found, "stylefacet_store_sequence") > 0
    assert value(found, "stylefacet_index_lag_changes") == 0
    assert value(found, "stylefacet_index_images") == 4
    assert value(found, "stylefacet_store_up") == 1
    assert value(found, "stylefacet_data_bytes") > 10_000


def test_the_index_follows_the_store_although_nobody_searches(server: Server, stubs: Stubs):
    stubs.upload(4)
    deadline = time.monotonic() + 30
    while value(scrape(server), "stylefacet_index_images") < 4 and time.monotonic() < deadline:
        time.sleep(0.1)

    assert value(scrape(server), "stylefacet_index_images") == 4
    assert value(scrape(server), "stylefacet_index_lag_changes") == 0


def test_a_taken_metrics_port_stops_the_start(server: Server, settings: Settings, tmp_path):
    taken = replace(settings, data_dir=tmp_path / "2", metrics_address=server.metrics_address)

    with pytest.raises(SettingInvalid, match="metrics_address"):
        Server(taken)


def test_request_id_comes_back_with_answers_and_failures(stubs: Stubs):
    request = catalog_service_pb2.GetProductRequest(name="products/nobody")
    metadata = (("x-request-id", "night-7"),)
    listed = catalog_service_pb2.ListProductsRequest()
    _, answered = stubs.catalog.ListProducts.with_call(listed, metadata=metadata)
    with pytest.raises(grpc.RpcError) as caught:
        stubs.catalog.GetProduct(request, metadata=metadata)

    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert request_id_of(answered) == "night-7"
    assert request_id_of(caught.value) == "night-7"
    assert status.details[0].Unpack(info)
    assert info.reason == "RESOURCE_MISSING"


def test_request_id_is_made_when_the_caller_has_none(stubs: Stubs, log: list[str]):
    listed = catalog_service_pb2.ListProductsRequest()
    _, answered = stubs.catalog.ListProducts.with_call(listed)

    made = request_id_of(answered)
    lines = [json.loads(line) for line in log]
    assert len(made) == 32
    assert [line["method"] for line in lines if line.get("request_id") == made] == [
        "stylefacet.v1.CatalogService/ListProducts"
    ]


def test_a_trace_goes_on_from_the_caller_and_holds_the_stages(
    server: Server, collector: tuple[Collector, str]
):
    with connect(server.address) as stubs:
        stubs.encoder.EmbedImage(
            encoder_service_pb2.EmbedImageRequest(content=photo(0)),
            metadata=(("traceparent", PARENT), ("x-request-id", "r-1")),
        )
    server.stop()
    spans = {span.name: span for span in collector[0].spans}

    call = spans["stylefacet.v1.EncoderService/EmbedImage"]
    attributes = {pair.key: pair.value for pair in call.attributes}
    assert call.trace_id.hex() == PARENT.split("-")[1]
    assert call.parent_span_id.hex() == PARENT.split("-")[2]
    assert attributes["stylefacet.request_id"].string_value == "r-1"
    for stage in ("queue", "decode", "inference"):
        assert spans[stage].parent_span_id == call.span_id
        assert call.start_time_unix_nano <= spans[stage].start_time_unix_nano
        assert spans[stage].end_time_unix_nano <= call.end_time_unix_nano


def test_a_collector_that_does_not_answer_does_not_hold_up_the_stop(settings: Settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        running = Server(replace(settings, trace_endpoint=endpoint))
        running.start()
        with connect(running.address) as stubs:
            stubs.catalog.ListProducts(catalog_service_pb2.ListProductsRequest())
        start = time.monotonic()
        running.stop()

    # Two seconds for the collector; the rest is a busy machine's.
    assert time.monotonic() - start < 8


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Puts the process's logging back as it was."""
    loggers = [logging.getLogger(), logging.getLogger("stylefacet")]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.usefixtures("restored_logging")
def test_lines_of_libraries_are_json_too(capsys: pytest.CaptureFixture[str]):
    set_up_logging()
    logging.getLogger("opentelemetry.exporter").warning("%s is away", "the collector")
    logging.getLogger("sqlalchemy.engine").info("SELECT 1")
    logging.getLogger("stylefacet.server").info("serving")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("warning", "the collector is away"),
        ("info", "serving"),
    ]


def test_no_pixels_vectors_or_tokens_are_told(
    server: Server, collector: tuple[Collector, str], log: list[str]
):
    token = "s3cret-t0ken-of-the-shop"
    metadata = (("authorization", f"Bearer {token}"),)
    content = photo(1)
    with connect(server.address) as stubs:
        embedded = stubs.encoder.EmbedImage(
            encoder_service_pb2.EmbedImageRequest(content=content), metadata=metadata
        )
        rows = [upload_row(1, content), upload_row(2, content[:60])]
        list(stubs.catalog.UploadProducts(iter(rows), metadata=metadata))
        with pytest.raises(grpc.RpcError):
            stubs.catalog.GetProduct(
                catalog_service_pb2.GetProductRequest(name="products/nobody"), metadata=metadata
            )
        told = scrape_text(server)
    server.stop()
    told += "\n".join(log) + "".join(map(str, collector[0].requests))

    numbers = [f"{number:.4f}" for number in embedded.embedding.mean]
    assert "EmbedImage" in told
    assert len(collector[0].spans) > 6
    assert token not in told
    assert "Bearer" not in told
    assert not [number for number in numbers if number in told]
    for part in (content[:16], content[40:56]):
        for text in (part.hex(), repr(part)[2:-1], json.dumps(list(part))[1:-1]):
            assert text not in told


def test_of_many_refusals_only_some_are_told_and_all_are_counted(
    settings: Settings, log: list[str]
):
    running = Server(replace(settings, max_concurrent_calls=1))
    running.start()
    with full(running, 1), connect(running.address) as stubs:
        for _ in range(40):
            with pytest.raises(grpc.RpcError):
                stubs.encoder.ListEncoders(encoder_service_pb2.ListEncodersRequest())
        time.sleep(1.1)
        with pytest.raises(grpc.RpcError):
            stubs.encoder.ListEncoders(encoder_service_pb2.ListEncodersRequest())
        found = scrape(running)
    running.stop()
    told = [line for line in map(json.loads, log) if line.get("code") == "RESOURCE_EXHAUSTED"]

    method = "stylefacet.v1.EncoderService/ListEncoders"
    assert value(found, "stylefacet_calls_total", method=method, code="RESOURCE_EXHAUSTED") == 41
    # Forty calls may take longer than a second.
    assert 11 <= len(told) <= 31
    assert sum(line.get("untold_refusals", 0) for line in told) + len(told) == 41
