"""Servers that are asked for more than they take, and how to look at them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.conftest import photo
from tests.server.stubs import connect, never

EMBED = "/stylefacet.v1.EncoderService/EmbedImage"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    server = Server(settings)
    server.start()
    yield server
    server.stop()


@contextmanager
def channel_to(server: Server) -> Iterator[grpc.Channel]:
    """A channel that sends messages of any size, as other people's clients may."""
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        yield channel


def health_of(address: str, service: str = "") -> int:
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status)


@contextmanager
def full(server: Server, count: int = 2) -> Iterator[None]:
    """Keeps a server as busy as it gets, with streams that rest after one answer each."""
    with ExitStack() as stack, connect(server.address) as stubs:
        for _ in range(count):
            requests = one_then_none(stack.enter_context(never()))
            answers = stubs.encoder.StreamingEmbedImages(requests)
            next(answers)
            stack.callback(answers.cancel)
        yield


def one_then_none(none: Iterator[Any]) -> Iterator[encoder.StreamingEmbedImagesRequest]:
    yield encoder.StreamingEmbedImagesRequest(request=encoder.EmbedImageRequest(content=photo(0)))
    yield from none


def retry_delay_s(status: status_pb2.Status) -> float:
    for detail in status.details:
        told = error_details_pb2.RetryInfo()
        if detail.Unpack(told):
            return float(told.retry_delay.ToTimedelta().total_seconds())
    raise AssertionError("no RetryInfo")
