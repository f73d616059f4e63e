"""Sets up logging for a server process: text on a terminal, JSON lines elsewhere."""

import json
import logging
import sys
from datetime import UTC, datetime

from stylefacet.server.watching import current_request_id

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a record: the message is an event's name, its facts are fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as one line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """The same for people: time, level, event, facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record as a readable line."""
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        line = f"{time} {record.levelname.lower():7} {record.getMessage()} {facts}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def set_up_logging(level: int = logging.INFO) -> None:
    """Sends the service's log to standard error; called by programs, never by libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter() if sys.stderr.isatty() else JsonFormatter())
    # Libraries too: a plain line between JSON lines breaks whoever reads them.
    everything = logging.getLogger()
    everything.handlers = [handler]
    everything.setLevel(logging.WARNING)
    ours = logging.getLogger("stylefacet")
    ours.handlers = [handler]
    ours.setLevel(level)
    ours.propagate = False


def _facts(record: logging.LogRecord) -> dict[str, object]:
    facts = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    request_id = current_request_id()
    if request_id:
        facts.setdefault("request_id", request_id)
    return facts
