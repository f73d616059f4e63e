"""Ports: how one is had, and the plain one that answers health checks; knows no other service."""

from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from stylefacet.errors import SettingInvalid
from stylefacet.server.settings import split_address

# Without this a second server could listen at the same port, and calls would be split.
# Calls that come faster than they can even be refused wait within gRPC, for each method by itself.
# Beyond these counts gRPC ends some of them, then all, at once and with `CANCELLED`. Its own
# thousands would keep everybody waiting for seconds; a burst of a hundred has to get in.
PORT_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.server.max_pending_requests", 128),
    ("grpc.server.max_pending_requests_hard_limit", 256),
)


def listen(
    server: grpc.Server, setting: str, address: str, credentials: grpc.ServerCredentials | None
) -> int:
    """Binds a server to an address, encrypted if there are credentials; returns its port.

    Raises:
        SettingInvalid: naming the setting, when the port cannot be had.
    """
    try:
        if credentials is None:
            return int(server.add_insecure_port(address))
        return int(server.add_secure_port(address, credentials))
    except RuntimeError as error:
        raise SettingInvalid(
            setting,
            f"cannot listen at {address}: is another server there? Stop it or choose another port",
        ) from error


def join_address(host: str, port: int) -> str:
    """Returns HOST:PORT, with brackets round an IPv6 host."""
    return f"{f'[{host}]' if ':' in host else host}:{port}"


class HealthPort:
    """A port without TLS and tokens, for probes that know neither."""

    def __init__(self, servicer: health.HealthServicer, address: str) -> None:
        """Takes the port; :meth:`start` answers at it.

        Raises:
            SettingInvalid: when the port cannot be had.
        """
        self._server = grpc.server(
            ThreadPoolExecutor(2, thread_name_prefix="health"), options=PORT_OPTIONS
        )
        health_pb2_grpc.add_HealthServicer_to_server(servicer, self._server)
        port = listen(self._server, "health_address", address, None)
        self.address = join_address(split_address(address)[0], port)

    def start(self) -> None:
        """Answers from now on."""
        self._server.start()

    def close(self) -> None:
        """Stops answering."""
        self._server.stop(None).wait()
