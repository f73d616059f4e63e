"""Offers a server ten times what it sustains, with rude clients beside, and looks how it bears it.

``python -m tests.endurance.overload --minutes 1 --seed 0 [--times 10] [--photos FOLDER]
[--json FILE]``. The sustainable rate is what callers get who ask one call after another, as many
as keep every core busy. Unloaded latency is that of calls at random moments at a fifth of this
rate. Under ten times the rate, calls that are let in must keep their 99th percentile within three
times the unloaded one, the rest be refused quickly with a time to come back, memory, threads and
descriptors stay bounded, and the first calls after it find the server as it was. Exit status 1
when one does not hold. Beside it stands how many calls a server refuses that does nothing else.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from stylefacet.server.settings import DEFAULT_BUNDLE, Settings
from stylefacet.v1 import encoder_service_pb2 as encoder
from tests.endurance.offering import (
    PHOTO_FOLDER,
    Line,
    Mix,
    Outcome,
    attempt,
    closed_loop,
    fill,
    open_loop,
    percentile_ms,
    read_photos,
    reading_mix,
)
from tests.endurance.process import Reading, Sampler, about_machine, summary
from tests.endurance.rude import DEAF_COUNT, HALF_OPEN_COUNT, SLOW_COUNT, RudeClients
from tests.endurance.site import Site

PRODUCT_COUNT = 500
LINE_COUNT = 8
# Two for each core: with more some would be refused, and come back at once as no client does.
CALLER_COUNT = 2 * (os.cpu_count() or 1)
# So many find out what is refused when that is all that there is to do.
REFUSED_CALLER_COUNT = 32
UNLOADED_SHARE = 0.2
TIMES = 10.0
MAX_P99_RATIO = 3.0
MAX_REFUSAL_P99_MS = 500.0
MAX_RECOVERY_S = 2.0
MAX_MEMORY_RISE_MIB = 128.0
# Threads that are there beside those of calls: of gRPC, of the pool and of the server itself.
OTHER_THREAD_COUNT = 32
REFUSED = "RESOURCE_EXHAUSTED"


@dataclass
class Result:
    """What a run came to, and what is wrong with it."""

    seed: int
    seconds: float
    machine: dict[str, object]
    # By a server that is full and does nothing else, as fast as its callers ask.
    idle_refused_per_s: float
    sustainable_per_s: float
    offered_per_s: float
    ends: dict[str, int]
    # Longer than ``seconds`` where the generator has not enough of the machine to keep up.
    sent_in_s: float
    accepted_per_s: float
    unloaded_p50_ms: float
    unloaded_p99_ms: float
    accepted_p50_ms: float
    accepted_p99_ms: float
    refusal_p50_ms: float
    refusal_p99_ms: float
    # None when it did not recover while it was looked at.
    recovered_after_s: float | None
    # Cores that the server may use; all of them, beside the generator, when they are shared.
    server_core_count: int
    # Cores that the process which offers the load took.
    generator_cores: float
    before: dict[str, float]
    during: dict[str, float]
    rude_ends: dict[str, int]
    faults: list[str] = field(default_factory=list)

    def judge(self) -> None:
        """Fills in what is wrong."""
        ratio = self.accepted_p99_ms / self.unloaded_p99_ms
        if not ratio <= MAX_P99_RATIO:
            self.faults.append(f"accepted calls took {ratio:.1f} times the unloaded p99")
        if not self.refusal_p99_ms <= MAX_REFUSAL_P99_MS:
            self.faults.append(f"refusals took {self.refusal_p99_ms:.0f} ms at the p99")
        if wrong := {end: n for end, n in self.ends.items() if end not in ("OK", REFUSED)}:
            self.faults.append(f"calls ended neither well nor refused with a time: {wrong}")
        if self.recovered_after_s is None or self.recovered_after_s > MAX_RECOVERY_S:
            self.faults.append(f"recovered after {self.recovered_after_s} s")
        rise = self.during["rss_mib_max"] - self.before["rss_mib_max"]
        if rise > MAX_MEMORY_RISE_MIB:
            self.faults.append(f"memory rose by {rise:.0f} MiB")
        threads = self.during["thread_count_max"]
        if threads > Settings().max_concurrent_calls + OTHER_THREAD_COUNT:
            self.faults.append(f"{threads} threads")
        descriptors = self.during["descriptor_count_max"] - self.before["descriptor_count_max"]
        rude = SLOW_COUNT + HALF_OPEN_COUNT + DEAF_COUNT
        if descriptors > 2 * rude + LINE_COUNT + 32:
            self.faults.append(f"{descriptors} more descriptors")


async def overload(
    site: Site,
    seconds: float,
    seed: int,
    photos: Sequence[bytes],
    measured_s: float = 15.0,
    times: float = TIMES,
    product_count: int = PRODUCT_COUNT,
) -> tuple[Result, list[Outcome], list[Reading]]:
    """Runs a server, measures what it sustains, and offers many times that for some seconds."""
    mix = reading_mix(photos, product_count)
    idle_refused_per_s = await _refused_by_idle(site, mix, photos, measured_s / 3, seed)
    with site.server() as server, Sampler(server.process.pid, 0.5) as sampler:
        lines = [Line(server.address) for _ in range(LINE_COUNT)]
        await fill(lines[0], photos, product_count)
        measured = await closed_loop(lines, mix, CALLER_COUNT, measured_s, seed)
        sustainable = sum(o.code == "OK" for o in measured) / measured_s
        await asyncio.sleep(2.0)
        quiet = await open_loop(lines, mix, sustainable * UNLOADED_SHARE, measured_s, seed + 1)
        unloaded = [o for o in quiet if o.code == "OK"]
        before_count = len(sampler.readings)
        rude = RudeClients(server.address, photos, seed)
        cpu_s = time.process_time()
        async with rude.at_work():
            await asyncio.sleep(1.0)
            all_sent, began_s = asyncio.Event(), time.monotonic()
            offering = asyncio.create_task(
                open_loop(lines, mix, sustainable * times, seconds, seed + 2, all_sent)
            )
            await all_sent.wait()
            sent_in_s = time.monotonic() - began_s
            # Rude clients stay: who recovers only when they are gone has not recovered.
            recovered = await _recovery(lines[0], mix, percentile_ms(unloaded, 0.99) / 1e3, seed)
            outcomes = await offering
        cores = (time.process_time() - cpu_s) / sent_in_s
        readings = sampler.readings
        errors = [str(line) for line in server.log.copy() if line.get("level") == "error"]
        for line in lines:
            await line.channel.close()
    accepted = [o for o in outcomes if o.code == "OK"]
    refused = [o for o in outcomes if o.code == REFUSED]
    result = Result(
        seed,
        seconds,
        about_machine(),
        round(idle_refused_per_s, 1),
        round(sustainable, 1),
        round(sustainable * times, 1),
        dict(Counter(o.code for o in outcomes)),
        round(sent_in_s, 1),
        round(len(accepted) / sent_in_s, 1),
        percentile_ms(unloaded, 0.5),
        percentile_ms(unloaded, 0.99),
        percentile_ms(accepted, 0.5),
        percentile_ms(accepted, 0.99),
        percentile_ms(refused, 0.5),
        percentile_ms(refused, 0.99),
        recovered,
        len(site.cores) or os.cpu_count() or 1,
        round(cores, 2),
        summary(readings[:before_count]),
        summary(readings[before_count:]),
        dict(sorted(rude.ends.items())),
    )
    result.judge()
    if errors:
        result.faults.append(f"the server logged {len(errors)} errors, first {errors[0][:300]}")
    return result, outcomes, readings


async def _refused_by_idle(
    site: Site, mix: Mix, photos: Sequence[bytes], seconds: float, seed: int
) -> float:
    """Returns how many calls a second a server refuses whose only place a silent stream has."""
    with site.having(max_concurrent_calls="1").server() as server:
        lines = [Line(server.address) for _ in range(LINE_COUNT)]
        silent = lines[0].encoder.StreamingEmbedImages()
        request = encoder.EmbedImageRequest(content=photos[0])
        await silent.write(encoder.StreamingEmbedImagesRequest(request=request))
        await silent.read()
        ends = await closed_loop(lines, mix, REFUSED_CALLER_COUNT, seconds, seed)
        silent.cancel()
        for line in lines:
            await line.channel.close()
    return sum(o.code == REFUSED for o in ends) / seconds


async def _recovery(line: Line, mix: Mix, normal_s: float, seed: int) -> float | None:
    """Returns after how long a call has come back as quickly as without load; none if none does."""
    rng = random.Random(seed)
    began_s = time.monotonic()
    while time.monotonic() - began_s < 10 * MAX_RECOVERY_S:
        outcome = await attempt("embed", mix.calls["embed"], line, rng)
        if outcome.code == "OK" and outcome.took_s <= normal_s:
            return round(time.monotonic() - began_s, 2)
        await asyncio.sleep(0.05)
    return None


def take_core() -> frozenset[int]:
    """Keeps this thread, and those to come, to one core; returns the others, none if it has all."""
    *others, last = sorted(os.sched_getaffinity(0))
    if others:
        os.sched_setaffinity(0, {last})
    return frozenset(others)


def table(result: Result) -> str:
    """Returns the figures as a table in Markdown."""
    rows = [
        ("refused with nothing else to do", f"{result.idle_refused_per_s:.0f} calls/s"),
        ("sustainable rate", f"{result.sustainable_per_s:.0f} calls/s"),
        ("offered", f"{result.offered_per_s:.0f} calls/s for {result.seconds:.0f} s"),
        ("sent in", f"{result.sent_in_s:.0f} s"),
        ("ends", ", ".join(f"{count:,} {code}" for code, count in result.ends.items())),
        ("let in", f"{result.accepted_per_s:.0f} calls/s"),
        ("unloaded, p50 / p99", f"{result.unloaded_p50_ms:.1f} / {result.unloaded_p99_ms:.1f} ms"),
        ("let in, p50 / p99", f"{result.accepted_p50_ms:.1f} / {result.accepted_p99_ms:.1f} ms"),
        ("refused, p50 / p99", f"{result.refusal_p50_ms:.1f} / {result.refusal_p99_ms:.1f} ms"),
        ("recovered after", f"{result.recovered_after_s} s"),
        (
            "most memory, before / during",
            f"{result.before['rss_mib_max']:.0f} / {result.during['rss_mib_max']:.0f} MiB",
        ),
        ("most threads", f"{result.during['thread_count_max']}"),
        ("most descriptors", f"{result.during['descriptor_count_max']}"),
        ("cores for the server", f"{result.server_core_count}"),
        (
            "cores of the server / generator / all others",
            f"{result.during['own_cores_mean']:.2f} / {result.generator_cores:.2f} / "
            f"{result.during['other_cores_mean'] - result.generator_cores:.2f}",
        ),
    ]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows)])


def main() -> None:
    """Runs an overload and tells what it came to; exit status 1 when something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", type=float, default=TIMES, help="the sustainable rate, so often")
    parser.add_argument("--photos", type=Path, default=PHOTO_FOLDER, help="folder of JPEG files")
    parser.add_argument("--share", action="store_true", help="let both use every core")
    parser.add_argument("--json", type=Path, help="file that takes all figures")
    options = parser.parse_args()
    photos = read_photos(options.seed, options.photos)
    server_cores = frozenset[int]() if options.share else take_core()
    with tempfile.TemporaryDirectory(prefix="stylefacet-overload-") as folder:
        site = Site(DEFAULT_BUNDLE, Path(folder) / "data", cores=server_cores)
        result, _, readings = asyncio.run(
            overload(site, options.minutes * 60, options.seed, photos, times=options.times)
        )
    if options.json:
        kept = {"result": asdict(result), "readings": [asdict(reading) for reading in readings]}
        options.json.write_text(json.dumps(kept, indent=1))
    print(table(result))
    print(json.dumps(asdict(result), indent=1))
    for fault in result.faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    sys.exit(1 if result.faults else 0)


if __name__ == "__main__":
    main()
