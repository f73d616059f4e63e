"""Runs a server as a process: logging, signals, exit code."""

import signal
import threading
from types import FrameType

from stylefacet.server.logs import set_up_logging
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings


def run_server(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets the calls under way end.

    Raises:
        StylefacetError: when the server cannot start; nothing listens then.
    """
    set_up_logging()
    asked_to_stop = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        asked_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server = Server(settings)
    server.start()
    asked_to_stop.wait()
    server.stop()
