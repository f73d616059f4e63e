"""The program of a process in which encoders run; :mod:`stylefacet.inference.processes` starts it.

``python -m stylefacet.inference.worker DESCRIPTOR``: a socket's, over which functions come and
results go until its other end is closed. What comes is pickled, and trusted: it comes from the
process that started this one.
"""

import os
import pickle
import signal
import sys
import traceback
from contextlib import suppress
from contextvars import copy_context
from multiprocessing.connection import Connection
from typing import Any

from stylefacet.errors import StylefacetError
from stylefacet.inference.encoder import Encoder
from stylefacet.stages import StageRun, watch_stages

# Below the process that answers calls: when cores are few, those that must be refused come first,
# and a photo that waits holds nobody up.
_NICENESS = 5


def main() -> None:
    """Answers until nobody asks any more."""
    # Ctrl-C and service managers signal whole groups; who started this one says when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_NICENESS)
    with suppress(EOFError, ConnectionError):
        _serve(Connection(int(sys.argv[1])))


def _serve(connection: Connection) -> None:
    connection.send(True)
    encoders: dict[str, Encoder] = {}
    while True:
        stale_ids, encoder_id, bundle, work = connection.recv()
        for stale_id in stale_ids:
            encoders.pop(stale_id, None)
        stages: list[StageRun] = []
        answer: object
        try:
            if bundle is not None:
                encoders[encoder_id] = Encoder(pickle.loads(bundle))
            answer = copy_context().run(_run, encoders[encoder_id], work, stages)
        except StylefacetError as error:
            answer = error
        except Exception as error:
            # Of any class, which the other end may not be able to make again.
            answer = RuntimeError(f"{type(error).__name__}: {error}")
            answer.add_note(traceback.format_exc())
        connection.send((answer, stages))


def _run(encoder: Encoder, work: Any, stages: list[StageRun]) -> object:
    watch_stages(stages.append)
    function, args, kwargs = work
    return function(encoder, *args, **kwargs)


if __name__ == "__main__":
    main()
