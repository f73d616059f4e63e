"""Several servers at one port: they share it with each other and with nobody else."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import grpc
import pytest

from stylefacet.errors import SettingInvalid
from stylefacet.server.acceptors import Acceptors
from stylefacet.server.listening import SHARED_PORT_OPTIONS, listen

METHOD = "/a.Service/Which"


def make(number: int, held: threading.Event | None = None) -> grpc.Server:
    """A server that answers with its number, when it is not held back."""

    def which(request: bytes, context: grpc.ServicerContext) -> bytes:
        if held is not None:
            held.wait(10)
        return str(number).encode()

    server = grpc.server(ThreadPoolExecutor(2), options=SHARED_PORT_OPTIONS)
    handler: Any = grpc.unary_unary_rpc_method_handler(which)
    server.add_registered_method_handlers("a.Service", {"Which": handler})
    return server


def acceptors(held: threading.Event | None = None) -> Acceptors:
    numbers = iter(range(3))
    return Acceptors(3, lambda: make(next(numbers), held))


@pytest.fixture
def address() -> Iterator[str]:
    running = acceptors()
    port = listen(running.add_insecure_port, "address", "127.0.0.1:0")
    running.start()
    yield f"127.0.0.1:{port}"
    running.stop(None)


def ask(stack: ExitStack, address: str) -> Any:
    """Returns a call under way over a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = stack.enter_context(grpc.insecure_channel(address, options=options))
    call: Any = channel.unary_unary(METHOD)
    return call.future(b"", timeout=10)


def test_connections_are_spread_over_all(address: str):
    with ExitStack() as stack:
        answers = {ask(stack, address).result() for _ in range(60)}

    assert answers == {b"0", b"1", b"2"}


def test_nobody_else_gets_the_port(address: str):
    # Not even who would share it.
    with pytest.raises(SettingInvalid, match="is another server there"):
        listen(acceptors().add_insecure_port, "address", address)


def test_port_that_somebody_else_would_share_is_not_taken():
    with (
        socket.create_server(("127.0.0.1", 0), reuse_port=True) as other,
        pytest.raises(SettingInvalid, match="is another server there"),
    ):
        listen(acceptors().add_insecure_port, "address", f"127.0.0.1:{other.getsockname()[1]}")


def test_stop_is_over_when_the_last_call_of_all_is():
    held = threading.Event()
    running = acceptors(held)
    port = listen(running.add_insecure_port, "address", "127.0.0.1:0")
    running.start()
    with ExitStack() as stack:
        calls = [ask(stack, f"127.0.0.1:{port}") for _ in range(4)]
        while not all(call.running() for call in calls):
            pass
        threading.Timer(0.3, held.set).start()
        ended = running.stop(10)
        ended_early = ended.wait(0.05)

        assert not ended_early
        assert ended.wait(10)
        assert {call.code() for call in calls} <= {
            grpc.StatusCode.OK,
            grpc.StatusCode.UNAVAILABLE,
        }
