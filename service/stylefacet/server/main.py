"""Runs a server as a process: logging, signals, exit code."""

import queue
import signal
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from stylefacet.server.logs import set_up_logging
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings

_LOOK_EVERY_S = 0.2


def run_server(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets the calls under way end; a second one hurries it.

    Raises:
        StylefacetError: when the server cannot start; nothing listens then.
    """
    set_up_logging()
    # Its put may interrupt its get, which no lock of the threading module allows.
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def note(number: int, frame: FrameType | None) -> None:
        signals.put(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    server = Server(settings)
    server.start()
    while not _signalled(signals):
        pass
    with ThreadPoolExecutor(1) as leaving:
        stopped = leaving.submit(server.stop)
        while not stopped.done():
            if _signalled(signals):
                server.hurry()
    stopped.result()


def _signalled(signals: "queue.SimpleQueue[int]") -> bool:
    """Waits a moment for a signal.

    Not for ever: one that the system hands to another thread wakes nobody up, and Python's handler
    runs when this thread next does something.
    """
    try:
        signals.get(timeout=_LOOK_EVERY_S)
    except queue.Empty:
        return False
    return True
