"""Samples what a process takes of the machine, and draws lines through it; knows no server.

Its children count with it: a server embeds photos in processes of its own. Memory, threads,
descriptors and CPU are read from Linux's /proc, the machine's load and what others took of it
beside them: on a shared machine that tells noise from growth.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process holds at one moment, and how busy the machine was since the last one."""

    at_s: float
    rss_mib: float
    thread_count: int
    descriptor_count: int
    cpu_s: float
    # Cores busy since the last reading: of the process, of all others, and lost to other guests.
    own_cores: float
    other_cores: float
    stolen_cores: float
    load_1min: float


@dataclass(frozen=True, slots=True)
class Growth:
    """A straight line through readings, by least squares."""

    per_hour: float
    # What the line rises by within the readings.
    over_window: float
    first: float
    last: float


class Sampler:
    """Reads a process every so often on a thread of its own, between entering and leaving."""

    def __init__(self, pid: int, every_s: float = 1.0) -> None:
        self._pid = pid
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self.readings: list[Reading] = []

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        machine, cpu_s, at_s = _machine_ticks(), cpu_seconds(self._pid), time.monotonic()
        while not self._over.wait(self._every_s):
            try:
                machine_now, cpu_now_s = _machine_ticks(), cpu_seconds(self._pid)
                now_s = time.monotonic()
                passed_s = now_s - at_s
                own = (cpu_now_s - cpu_s) / passed_s
                busy, stolen = (
                    (new - old) / _TICKS_PER_S / passed_s
                    for new, old in zip(machine_now, machine, strict=True)
                )
                family = _family(self._pid)
                self.readings.append(
                    Reading(
                        round(now_s, 3),
                        sum(map(_rss_bytes, family)) / 2**20,
                        sum(len(os.listdir(f"/proc/{pid}/task")) for pid in family),
                        sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in family),
                        cpu_now_s,
                        round(own, 3),
                        round(max(busy - own, 0.0), 3),
                        round(stolen, 3),
                        os.getloadavg()[0],
                    )
                )
            except (FileNotFoundError, ProcessLookupError):
                if not Path(f"/proc/{self._pid}").exists():
                    return  # the server is gone, which others notice
                continue  # a child of it is
            machine, cpu_s, at_s = machine_now, cpu_now_s, now_s


def cpu_seconds(pid: int) -> float:
    """Returns the CPU time that a process and its children have taken, the system's part in it."""
    ticks = 0
    for member in _family(pid):
        # The name, which may hold blanks, stands in brackets.
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        # User and system time, and those of children that have ended.
        ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS_PER_S


def growth(readings: Sequence[Reading], value: Callable[[Reading], float]) -> Growth:
    """Returns the line through a value of readings, of which there must be at least two."""
    at_h = np.array([reading.at_s for reading in readings]) / 3600
    values = np.array([value(reading) for reading in readings])
    slope, start = np.polyfit(at_h - at_h[0], values, 1)
    rise = float(slope * (at_h[-1] - at_h[0]))
    return Growth(float(slope), rise, float(start), float(start) + rise)


def about_machine() -> dict[str, object]:
    """Returns what figures of this machine need beside them."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    return {"cores": os.cpu_count(), "model": model, "system": os.uname().release}


def summary(readings: Sequence[Reading]) -> dict[str, float]:
    """Returns the largest and the mean of what was read."""
    columns = {name: [asdict(r)[name] for r in readings] for name in Reading.__dataclass_fields__}
    return {
        "rss_mib_max": round(max(columns["rss_mib"]), 1),
        "thread_count_max": max(columns["thread_count"]),
        "descriptor_count_max": max(columns["descriptor_count"]),
        "own_cores_mean": round(float(np.mean(columns["own_cores"])), 2),
        "other_cores_mean": round(float(np.mean(columns["other_cores"])), 2),
        "stolen_cores_mean": round(float(np.mean(columns["stolen_cores"])), 2),
        "load_1min_max": round(max(columns["load_1min"]), 2),
    }


def _family(pid: int) -> list[int]:
    """Returns a process and its children, each of which one of its threads has started."""
    lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(int(word) for text in lists for word in text.split())]


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def _machine_ticks() -> tuple[int, int]:
    """Returns ticks in which the cores were busy here, and in which others had them."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return user + nice + system + irq + softirq, steal
