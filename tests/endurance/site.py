"""Runs `stylefacet serve` in a process of its own on a real port; knows not what is tested."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stylefacet.bundle import write_bundle
from tests.cli.test_program import COMMAND
from tests.postgresql import running_cluster
from tests.tiny_bundle import tiny_bundle_parts

_STOP_S = 60.0
# Of a machine that is busy with other things.
_START_S = 300.0
# The latest lines of a log that are kept.
_LOG_LINES = 5000


class ServerProcess:
    """A server in a process of its own, whose log is read as it comes. Thread-safe."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Waits until it serves.

        Raises:
            AssertionError: with its last words when it ends instead.
        """
        self.process = process
        self.log: deque[dict[str, Any]] = deque(maxlen=_LOG_LINES)
        self.address = ""
        self._serving = threading.Event()
        # A full pipe would stop the server.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._serving.wait(_START_S), "the server does not start"
        assert self.address, f"the server ended: {list(self.log)[-3:]}"

    def kill(self) -> None:
        """Takes it away without a warning."""
        self.process.kill()

    def close(self) -> int:
        """Stops it in good order, unless it is gone; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(_STOP_S)
        self._reader.join()
        return code

    def events(self, name: str) -> list[dict[str, Any]]:
        """Returns the lines of one kind in its log."""
        return [line for line in self.log.copy() if line.get("event") == name]

    def memory_mib(self) -> float:
        """Returns what it holds in memory now, without the processes that embed photos."""
        return self._status("VmRSS") / 1024

    def peak_memory_mib(self) -> float:
        """Returns the most that it ever held in memory."""
        return self._status("VmHWM") / 1024

    def thread_count(self) -> int:
        """Returns its threads."""
        return self._status("Threads")

    def descriptor_count(self) -> int:
        """Returns its open files and sockets."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def _status(self, name: str) -> int:
        with open(f"/proc/{self.process.pid}/status") as file:
            found = dict(line.split(":", 1) for line in file)
        return int(found[name].split()[0])

    def _read(self) -> None:
        for text in self.process.stderr or ():
            try:
                line = json.loads(text)
            except ValueError:
                line = {"event": text.rstrip("\n")}
            self.log.append(line)
            if line.get("event") == "serving":
                self.address = str(line["address"])
                self._serving.set()
        self._serving.set()


@dataclass(frozen=True)
class Site:
    """Where servers run one after another: bundle, data folder, database, further settings.

    Settings are named as in ``Settings``; they and ``environment`` go to the server's environment.
    ``cores`` are those that servers may use, of Linux's numbering; all when there are none.
    """

    bundle: Path
    data_dir: Path
    database_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    cores: frozenset[int] = frozenset()

    def having(self, **settings: str) -> "Site":
        """Returns the same site with other settings."""
        return replace(self, settings={**self.settings, **settings})

    @contextmanager
    def server(self) -> Iterator[ServerProcess]:
        """Yields a server that serves, and stops it in good order."""
        with self._run() as process:
            try:
                server = ServerProcess(process)
            except BaseException:
                process.kill()
                raise
            try:
                yield server
            finally:
                server.close()

    def refusal(self) -> str:
        """Returns the one line with which a server refuses to start here.

        Raises:
            AssertionError: when it starts, or ends in another way.
        """
        with self._run() as process:
            try:
                _, log = process.communicate(timeout=_START_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError("the server starts") from None
        told = [line for line in log.splitlines() if line.startswith("error: ")]
        assert process.returncode in (1, 2), f"exit code {process.returncode}: {log[-2000:]}"
        assert len(told) == 1, log[-2000:]
        assert "Traceback" not in log, log[-4000:]
        return told[0].removeprefix("error: ")

    def _run(self) -> "subprocess.Popen[str]":
        words = ["--data-dir", str(self.data_dir), "--bundle", str(self.bundle)]
        words += ["--database-url", self.database_url] if self.database_url else []
        settings = {f"STYLEFACET_{name.upper()}": value for name, value in self.settings.items()}
        process = subprocess.Popen(
            [*COMMAND, "serve", *words, "--address", "127.0.0.1:0"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **settings, **self.environment},
        )
        if self.cores:
            # It has one thread yet; those to come, and its children, inherit this.
            os.sched_setaffinity(process.pid, self.cores)
        return process


@contextmanager
def new_site(with_postgresql: bool = False) -> Iterator[Site]:
    """Yields a site in a folder of its own, on SQLite or a PostgreSQL of its own."""
    folder = Path(tempfile.mkdtemp(prefix="stylefacet-site-"))
    try:
        bundle = write_bundle(folder / "bundle", **tiny_bundle_parts(seed=0)).path
        if with_postgresql:
            with running_cluster() as cluster:
                yield Site(bundle, folder / "data", cluster.new_database())
        else:
            yield Site(bundle, folder / "data")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
