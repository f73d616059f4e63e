"""A few seconds of the soak, and what it takes for growth; ``python -m tests.endurance.soak``."""

import asyncio
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.endurance.offering import Outcome, read_photos
from tests.endurance.process import Reading, Sampler, growth
from tests.endurance.site import new_site
from tests.endurance.soak import judge, soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
HOUR_S = 3600.0
# Imported by a server when it starts: every twentieth of a second something more is kept.
LEAK = """
import threading, time
kept = []
def leak():
    while True:
        kept.append((b"x" * 2**20, open("/dev/null")))
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        time.sleep(0.05)
threading.Thread(target=leak, daemon=True).start()
"""


def readings(rise_mib: float = 0.0, warm_up_mib: float = 0.0) -> list[Reading]:
    """An hour of readings with noise, that rise steadily or in the first five minutes."""
    rng = random.Random(0)
    return [
        Reading(
            float(at_s),
            200 + rng.gauss(0, 1) + rise_mib * at_s / HOUR_S + warm_up_mib * min(at_s / 300, 1),
            20,
            30,
            at_s / 2,
            0.5,
            0.5,
            0.0,
            1.0,
        )
        for at_s in range(0, int(HOUR_S), 5)
    ]


def calls(slower: float = 1.0) -> list[Outcome]:
    """An hour of calls, the last quarter of which takes longer by a factor."""
    rng = random.Random(0)
    return [
        Outcome("read", s, rng.uniform(0.01, 0.02) * (slower if s > 2700 else 1), "OK")
        for s in map(float, range(int(HOUR_S)))
    ]


def faults(seen: list[Reading], made: list[Outcome]) -> list[str]:
    return judge(seen, made, 0.0, HOUR_S)[3]


def test_flat_memory_and_latency_pass():
    assert faults(readings(), calls()) == []


def test_a_leak_is_found_and_a_warm_up_is_none():
    assert faults(readings(warm_up_mib=50), calls()) == []
    (fault,) = faults(readings(rise_mib=15), calls())
    assert "rss_mib rises by 12" in fault or "rss_mib rises by 13" in fault


def test_calls_that_become_slower_are_found():
    assert [fault[:6] for fault in faults(readings(), calls(slower=1.6))] == ["p50_ms", "p99_ms"]


def test_a_line_through_readings_rises_as_they_do():
    line = growth(readings(rise_mib=10), lambda reading: reading.rss_mib)

    assert line.per_hour == pytest.approx(10, abs=0.5)
    assert line.last - line.first == pytest.approx(line.over_window)


def test_a_process_is_read_and_one_that_ends_is_no_failure():

    with (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.6)"]) as process,
        Sampler(process.pid, 0.1) as sampler,
    ):
        process.wait()

    assert sampler.readings
    assert sampler.readings[0].rss_mib > 1
    assert sampler.readings[0].thread_count == 1


def test_a_few_seconds_of_mixed_work_end_as_they_should():
    photos = read_photos(0)
    with new_site() as site:
        pauses_s = {"fit": 0.5, "export": 0.5, "upload": 0.5, "duplicates": 1.0}
        result, seen = asyncio.run(soak(site, 0.06, 1, photos, 1.0, pauses_s, 100, 1.0))

    assert result.call_count > 20
    assert seen
    assert result.chores
    # Memory and latency of seconds tell nothing; how calls end does.
    assert [f for f in result.faults if "calls ended" in f or "chores" in f or "errors" in f] == []


def test_a_server_that_leaks_is_found_within_seconds(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(LEAK)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    with new_site() as site:
        leaking = replace(site, environment={"PYTHONPATH": path})
        result, _ = asyncio.run(soak(leaking, 0.06, 1, read_photos(0), 0.5, {}, 50, 0.5))

    told = " ".join(result.faults)
    assert "rss_mib rises" in told
    assert "thread_count rises" in told
    assert "descriptor_count rises" in told
