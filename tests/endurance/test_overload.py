"""A few seconds of overload, and what it is judged by; ``python -m tests.endurance.overload``."""

import asyncio
import sys
from dataclasses import replace

import pytest

from tests.endurance.offering import read_photos
from tests.endurance.overload import Result, overload, table
from tests.endurance.site import new_site

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
BEFORE = {"rss_mib_max": 200.0, "thread_count_max": 20.0, "descriptor_count_max": 30.0}
FINE = Result(
    seed=0,
    seconds=60.0,
    machine={},
    idle_refused_per_s=3000.0,
    sustainable_per_s=100.0,
    offered_per_s=1000.0,
    ends={"OK": 4000, "RESOURCE_EXHAUSTED": 56000},
    sent_in_s=60.0,
    accepted_per_s=66.7,
    unloaded_p50_ms=10.0,
    unloaded_p99_ms=30.0,
    accepted_p50_ms=40.0,
    accepted_p99_ms=80.0,
    refusal_p50_ms=2.0,
    refusal_p99_ms=20.0,
    recovered_after_s=0.1,
    server_core_count=1,
    generator_cores=0.4,
    before=BEFORE,
    during=BEFORE | {"own_cores_mean": 1.0, "other_cores_mean": 0.5},
    rude_ends={},
)


def faults(**changed: object) -> list[str]:
    """What is found wrong with a good result of which something is changed."""
    result = replace(FINE, faults=[], **changed)  # type: ignore[arg-type]
    result.judge()
    return result.faults


def test_a_good_result_has_no_faults_and_makes_a_table():
    assert faults() == []
    assert "| let in | 67 calls/s |" in table(FINE)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"accepted_p99_ms": 91.0}, "3.0 times"),
        ({"refusal_p99_ms": 600.0}, "refusals took"),
        ({"ends": {"OK": 9, "RESOURCE_EXHAUSTED!": 1}}, "neither well nor refused"),
        ({"ends": {"OK": 9, "CANCELLED": 1}}, "neither well nor refused"),
        ({"recovered_after_s": None}, "recovered"),
        ({"recovered_after_s": 3.0}, "recovered"),
        ({"during": BEFORE | {"rss_mib_max": 400.0}}, "memory"),
        ({"during": BEFORE | {"thread_count_max": 120.0}}, "threads"),
        ({"during": BEFORE | {"descriptor_count_max": 200.0}}, "descriptors"),
        ({"accepted_p99_ms": float("nan")}, "nan times"),
    ],
)
def test_what_does_not_hold_is_a_fault(changed: dict[str, object], told: str):
    (fault,) = faults(**changed)

    assert told in fault


def test_a_few_seconds_of_overload_end_in_answers_or_in_refusals_that_say_when():
    with new_site() as site:
        result, outcomes, _ = asyncio.run(
            overload(site, 3.0, 1, read_photos(0), 2.0, times=2.0, product_count=50)
        )

    # The last by gRPC itself, where a busy machine takes calls in more slowly than they come.
    assert set(result.ends) <= {"OK", "RESOURCE_EXHAUSTED", "CANCELLED"}
    assert result.ends["OK"] > 0
    assert result.idle_refused_per_s > 0
    assert result.sent_in_s > 2.5
    assert len(outcomes) == sum(result.ends.values())
    assert result.recovered_after_s is not None
    # How quick it was depends on what else runs here; that it ends as it should does not.
    timed = ("accepted calls took", "refusals took", "recovered after", "calls ended neither")
    assert [fault for fault in result.faults if not fault.startswith(timed)] == []
