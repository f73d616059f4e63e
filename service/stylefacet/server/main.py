"""Runs a server as a process: logging, signals, exit code."""

import logging
import os
import queue
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from stylefacet.server.logs import set_up_logging
from stylefacet.server.memory import give_back, limit_arenas, spare_collections
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings

_LOOK_EVERY_S = 0.2
# How often memory that nobody uses goes back to the system.
_GIVE_BACK_EVERY_S = 60.0
# How long a thread keeps the interpreter while others wait for it: the one that takes calls in
# needs it several times a call, and with Python's own 5 ms would keep callers waiting for long.
_SWITCH_S = 0.001


def run_server(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets the calls under way end; a second one hurries it.

    Raises:
        StylefacetError: when the server cannot start; nothing listens then.
    """
    set_up_logging()
    limit_arenas()
    sys.setswitchinterval(_SWITCH_S)
    # Its put may interrupt its get, which no lock of the threading module allows.
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def note(number: int, frame: FrameType | None) -> None:
        signals.put(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    server = Server(settings)
    server.start()
    spare_collections()
    given_back_s = time.monotonic()
    while not _signalled(signals):
        if time.monotonic() - given_back_s > _GIVE_BACK_EVERY_S:
            give_back()
            given_back_s = time.monotonic()
    with ThreadPoolExecutor(1) as leaving:
        stopped = leaving.submit(server.stop)
        while not stopped.done():
            if _signalled(signals):
                server.hurry()
    stopped.result()
    if server.is_at_work:
        # Python would wait for these threads, for minutes if they fit a feature; what they do is
        # for callers who are gone, and the store takes no half of it.
        logging.shutdown()
        os._exit(0)


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
