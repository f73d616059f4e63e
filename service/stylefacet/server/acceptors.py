"""Several gRPC servers that take calls in at one port, as if they were one; knows no service.

A gRPC server for Python has one thread that takes calls in, and asks for the next of a method when
it has one: beside busy threads most of the time goes by until it is its turn again. Several
ask side by side. The system hands each connection to one of them.
"""

import errno
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import grpc

from stylefacet.server.settings import split_address


class Acceptors(grpc.Server):
    """So many servers of one make; what is added to it is added to each. Thread-safe as those."""

    def __init__(self, count: int, make: Callable[[], grpc.Server]) -> None:
        """Makes the servers, which must be made to share their port (``grpc.so_reuseport``)."""
        self._servers = [make() for _ in range(count)]

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Adds handlers, before the start."""
        added = tuple(handlers)
        for server in self._servers:
            server.add_generic_rpc_handlers(added)

    def add_registered_method_handlers(
        self, service_name: str, handlers: Mapping[str, Any]
    ) -> None:
        """Adds the handlers of a service's methods, before the start."""
        for server in self._servers:
            server.add_registered_method_handlers(service_name, handlers)

    def bind(
        self, address: str, make_credentials: Callable[[], grpc.ServerCredentials | None]
    ) -> int:
        """Binds all to an address, before the start; returns its port.

        Each gets credentials of its own: those that follow files tell of a change only once.

        Raises:
            RuntimeError: when somebody else listens there.
        """

        def bind_one(server: grpc.Server, at: str) -> int:
            credentials = make_credentials()
            if credentials is None:
                return int(server.add_insecure_port(at))
            return int(server.add_secure_port(at, credentials))

        _check_free(address)
        first, *others = self._servers
        port = bind_one(first, address)
        for server in others:
            bind_one(server, f"{address.rpartition(':')[0]}:{port}")
        return port

    def add_insecure_port(self, address: str) -> int:
        """Binds all to an address, as :meth:`bind`."""
        return self.bind(address, lambda: None)

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> int:
        """Binds all to an address with credentials that never change, as :meth:`bind`."""
        return self.bind(address, lambda: server_credentials)

    def start(self) -> None:
        """Starts all."""
        for server in self._servers:
            server.start()

    def stop(self, grace: float | None) -> threading.Event:
        """Takes no more calls in; returns an event that is set when those under way have ended.

        They are cut off after the grace; without one at once, and their end is waited for.
        """
        ends = [server.stop(0 if grace is None else grace) for server in self._servers]
        all_ended = threading.Event()

        def wait() -> None:
            for end in ends:
                end.wait()
            all_ended.set()

        threading.Thread(target=wait, name="acceptors-end", daemon=True).start()
        if grace is None:
            all_ended.wait()
        return all_ended


def _check_free(address: str) -> None:
    """Sees that nobody listens at an address: whoever shares ports as well would get our calls."""
    host, port = split_address(address)
    if port == 0:
        return  # the system chooses one that is free
    for family, kind, protocol, _, where in _resolved(host, port):
        with socket.socket(family, kind, protocol) as probe:
            if sys.platform != "win32":
                # Without it, connections that have just been closed keep the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(where)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise RuntimeError(f"{address} is in use") from error


def _resolved(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return []  # gRPC says what is wrong with it
