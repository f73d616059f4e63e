"""An hour of mixed work at half of what a server sustains: memory and latency must stay flat.

``python -m tests.endurance.soak --minutes 60 --seed 0 [--photos FOLDER] [--json FILE]``. A crowd
comes first, so that threads and connections, which are made at the busiest moments and stay, are
all there before growth is looked for. The rate is measured next, with the same mix of calls. Then
calls come at random moments at half of it,
while features are fitted again, whole catalogues exported and uploaded, and duplicates looked
for beside them. Ends with exit status 1 when memory, threads, descriptors or latency grow.
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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.field_mask_pb2 import FieldMask

from stylefacet.server.settings import DEFAULT_BUNDLE, Settings
from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import encoder_service_pb2 as encoder
from stylefacet.v1 import feature_service_pb2 as feature
from stylefacet.v1 import near_duplicates_pb2
from tests.endurance.offering import (
    PHOTO_FOLDER,
    TIMEOUT_S,
    Line,
    Mix,
    Outcome,
    closed_loop,
    fill,
    open_loop,
    percentile_ms,
    read_photos,
    reading_mix,
)
from tests.endurance.process import (
    Growth,
    Reading,
    Sampler,
    about_machine,
    growth,
    summary,
)
from tests.endurance.site import Site

PRODUCT_COUNT = 1000
LINE_COUNT = 4
# Two for each core: with more some would be refused, and come back at once as no client does.
CALLER_COUNT = 2 * (os.cpu_count() or 1)
# More than the server takes at once, so that it makes all the threads it may.
CROWD_COUNT = 2 * Settings().max_concurrent_calls
CROWD_S = 20.0
# The share of the sustainable rate that is offered.
LOAD = 0.5
# The share of the run in which caches fill, and which no line is drawn through.
WARM_UP = 0.15
# What may be added within the rest. Threads that answer calls are made as they are needed, up to
# `max_concurrent_calls`, and stay: a busier moment than all before adds some.
MAX_RISE = {"rss_mib": 8.0, "thread_count": 8.0, "descriptor_count": 4.0}
# The last quarter's median against the first quarter's, and the same of its 99th percentile.
MAX_P50_RATIO = 1.25
MAX_P99_RATIO = 1.5
# Ends that are no failures: callers write and delete the same products.
_EXPECTED = ("OK", "NOT_FOUND", "RESOURCE_EXHAUSTED")


def mixed(photos: Sequence[bytes], product_count: int) -> Mix:
    """Returns what a shop asks of a server by day: mostly searches, and some writes."""
    reads = reading_mix(photos, product_count)

    def any_product(rng: random.Random) -> str:
        return f"products/p{rng.randrange(product_count)}"

    async def read(line: Line, rng: random.Random) -> None:
        request = catalog.GetProductRequest(name=any_product(rng))
        await line.catalog.GetProduct(request, timeout=TIMEOUT_S)

    async def page(line: Line, rng: random.Random) -> None:
        request = catalog.ListProductsRequest(page_size=50, filter='category = "top"')
        await line.catalog.ListProducts(request, timeout=TIMEOUT_S)

    async def label(line: Line, rng: random.Random) -> None:
        request = catalog.UpdateProductRequest(
            product={"name": any_product(rng), "labels": {"round": str(rng.randrange(100))}},
            update_mask=FieldMask(paths=["labels"]),
        )
        await line.catalog.UpdateProduct(request, timeout=TIMEOUT_S)

    async def replace(line: Line, rng: random.Random) -> None:
        """Deletes a product, makes it anew and gives it its photo."""
        number = rng.randrange(product_count)
        name = f"products/p{number}"
        await line.catalog.DeleteProduct(catalog.DeleteProductRequest(name=name), timeout=TIMEOUT_S)
        product = {"name": name, "category": "top", "labels": {"round": "0"}}
        await line.catalog.UpdateProduct(
            catalog.UpdateProductRequest(product=product, allow_missing=True), timeout=TIMEOUT_S
        )
        request = catalog.CreateProductImageRequest(parent=name)
        request.product_image.content = photos[number % len(photos)]
        await line.catalog.CreateProductImage(request, timeout=TIMEOUT_S)

    async def draw(line: Line, rng: random.Random) -> None:
        request = encoder.DecodeEmbeddingRequest()
        request.source.product = any_product(rng)
        await line.encoder.DecodeEmbedding(request, timeout=TIMEOUT_S)

    calls = {
        **reads.calls,
        "read": read,
        "page": page,
        "label": label,
        "replace": replace,
        "draw": draw,
    }
    weights = {
        "embed": 25,
        "search by photo": 20,
        "search by product": 20,
        "read": 15,
        "page": 3,
        "label": 10,
        "replace": 4,
        "draw": 3,
    }
    return Mix(calls, weights)


def reading(mix: Mix) -> Mix:
    """Returns of a mix what needs a thread and the store, and no place in the queue of photos."""
    kinds = ("read", "page")
    return Mix(
        {kind: mix.calls[kind] for kind in kinds}, {kind: mix.weights[kind] for kind in kinds}
    )


class Chores:
    """Work that comes now and then beside the calls: each kind again and again, with a pause."""

    def __init__(self, line: Line, photos: Sequence[bytes], product_count: int, seed: int) -> None:
        self._line = line
        self._product_count = product_count
        self._photos = photos
        self._rng = random.Random(seed)
        self.ends: Counter[str] = Counter()

    async def run(self, pauses_s: dict[str, float]) -> None:
        """Runs all kinds until it is cancelled."""
        kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "fit": self._fit,
            "export": self._export,
            "upload": self._upload,
            "duplicates": self._duplicates,
        }
        await asyncio.gather(
            *(self._repeat(name, kinds[name], pause_s) for name, pause_s in pauses_s.items())
        )

    async def _repeat(self, name: str, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        while True:
            await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.5))
            try:
                await work()
                self.ends[f"{name} OK"] += 1
            except grpc.aio.AioRpcError as error:
                self.ends[f"{name} {error.code().name}"] += 1

    async def _fit(self) -> None:
        """Fits a feature anew, on other examples each time."""
        chosen = self._rng.sample(range(self._product_count), 40)
        request = feature.FitFeatureRequest(
            feature_id="soaked",
            examples=[
                {"product": f"products/p{number}", "value": "even" if place % 2 else "odd"}
                for place, number in enumerate(chosen)
            ],
        )
        await self._line.feature.FitFeature(request, timeout=60)

    async def _export(self) -> None:
        async for _ in self._line.catalog.ExportFeatures(catalog.ExportFeaturesRequest()):
            pass

    async def _upload(self) -> None:
        """Sends a part of the catalogue again, with other labels."""
        start = self._rng.randrange(self._product_count - 50)

        async def rows() -> Any:
            for number in range(start, start + 50):
                labels = {"round": str(self._rng.randrange(100))}
                product = {"name": f"products/p{number}", "category": "top", "labels": labels}
                # The photo it has, or had before somebody deleted it: no product gathers more.
                content = self._photos[number % len(self._photos)]
                yield catalog.UploadProductsRequest(
                    row_number=number, product=product, content=content
                )

        async for _ in self._line.catalog.UploadProducts(rows()):
            pass

    async def _duplicates(self) -> None:
        request = near_duplicates_pb2.FindNearDuplicatesRequest(max_group_count=10)
        await self._line.similarity.FindNearDuplicates(request, timeout=60)


@dataclass
class Result:
    """What a run came to, and what is wrong with it."""

    seed: int
    minutes: float
    machine: dict[str, object]
    sustainable_per_s: float
    offered_per_s: float
    call_count: int
    ends: dict[str, int]
    chores: dict[str, int]
    server_errors: list[str]
    growth: dict[str, Growth]
    latency_ms: dict[str, dict[str, float]]
    during: dict[str, float]
    quarters: list[dict[str, float]]
    faults: list[str] = field(default_factory=list)


def judge(
    readings: Sequence[Reading], outcomes: Sequence[Outcome], began_s: float, ended_s: float
) -> tuple[dict[str, Growth], dict[str, dict[str, float]], list[dict[str, float]], list[str]]:
    """Returns growth, latency of the first and the last quarter, all quarters, and faults."""
    length_s = ended_s - began_s
    warm = [r for r in readings if began_s + WARM_UP * length_s <= r.at_s <= ended_s]
    lines = {
        "rss_mib": growth(warm, lambda r: r.rss_mib),
        "thread_count": growth(warm, lambda r: r.thread_count),
        "descriptor_count": growth(warm, lambda r: r.descriptor_count),
    }
    faults = []
    for name, line in lines.items():
        if line.over_window > MAX_RISE[name]:
            faults.append(
                f"{name} rises by {line.over_window:.1f} after warm-up, over {MAX_RISE[name]:g}"
            )
    quarters = []
    done = [o for o in outcomes if o.code == "OK"]
    for number in range(4):
        start_s = began_s + length_s * number / 4
        own = [o for o in done if start_s <= o.sent_s < start_s + length_s / 4]
        seen = [r for r in readings if start_s <= r.at_s < start_s + length_s / 4]
        quarters.append(
            {
                "p50_ms": percentile_ms(own, 0.5),
                "p99_ms": percentile_ms(own, 0.99),
                "call_count": len(own),
                "rss_mib_last": round(seen[-1].rss_mib, 1) if seen else float("nan"),
                **(summary(seen) if seen else {}),
            }
        )
    first, last = quarters[0], quarters[-1]
    latency = {}
    for name, limit in (("p50_ms", MAX_P50_RATIO), ("p99_ms", MAX_P99_RATIO)):
        ratio = last[name] / first[name]
        latency[name] = {"first": first[name], "last": last[name], "ratio": round(ratio, 2)}
        if not ratio <= limit:
            faults.append(f"{name} of the last quarter is {ratio:.2f} of the first's, over {limit}")
    return lines, latency, quarters, faults


async def soak(
    site: Site,
    minutes: float,
    seed: int,
    photos: Sequence[bytes],
    measured_s: float = 20.0,
    pauses_s: dict[str, float] | None = None,
    product_count: int = PRODUCT_COUNT,
    crowd_s: float = CROWD_S,
) -> tuple[Result, list[Reading]]:
    """Runs a server, crowds it, measures what it sustains and soaks it in half of that."""
    mix = mixed(photos, product_count)
    with site.server() as server, Sampler(server.process.pid) as sampler:
        lines = [Line(server.address) for _ in range(LINE_COUNT)]
        await fill(lines[0], photos, product_count)
        # What is read from the store alone holds threads and connections without end of the queue.
        await closed_loop(lines, reading(mix), CROWD_COUNT, crowd_s, seed + 2)
        measured = await closed_loop(lines, mix, CALLER_COUNT, measured_s, seed)
        sustainable = sum(o.code == "OK" for o in measured) / measured_s
        print(f"sustains {sustainable:.1f} calls/s; {LOAD:.0%} of it is offered", file=sys.stderr)
        chores = Chores(lines[0], photos, product_count, seed)
        beside = asyncio.create_task(
            chores.run(pauses_s or {"fit": 20, "export": 60, "upload": 30, "duplicates": 120})
        )
        began_s = time.monotonic()
        outcomes = await open_loop(lines, mix, sustainable * LOAD, minutes * 60, seed + 1)
        ended_s = time.monotonic()
        beside.cancel()
        errors = [str(line) for line in server.log.copy() if line.get("level") == "error"]
        for line in lines:
            await line.channel.close()
    during = [r for r in sampler.readings if began_s <= r.at_s <= ended_s]
    risen, latency, quarters, faults = judge(during, outcomes, began_s, ended_s)
    ends = Counter(f"{o.kind}: {o.code}" for o in outcomes)
    refused = sum(o.code == "RESOURCE_EXHAUSTED" for o in outcomes)
    if wrong := [end for end in ends if end.split(": ")[1] not in _EXPECTED]:
        faults.append(f"calls ended with {wrong}")
    if wrong := [end for end in chores.ends if end.split()[1] not in _EXPECTED]:
        faults.append(f"chores ended with {wrong}")
    if errors:
        faults.append(f"the server logged {len(errors)} errors, first {errors[0][:300]}")
    if refused > 0.05 * len(outcomes):
        faults.append(f"{refused} of {len(outcomes)} calls were refused at half load")
    result = Result(
        seed,
        minutes,
        about_machine(),
        round(sustainable, 1),
        round(sustainable * LOAD, 1),
        len(outcomes),
        dict(sorted(ends.items())),
        dict(sorted(chores.ends.items())),
        errors[:20],
        risen,
        latency,
        summary(during),
        quarters,
        faults,
    )
    return result, sampler.readings


def table(result: Result) -> str:
    """Returns the quarters as a table in Markdown."""
    rows = [
        "| quarter | calls | p50 ms | p99 ms | RSS MiB | threads | descriptors "
        "| cores: server | others | stolen |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for number, quarter in enumerate(result.quarters, start=1):
        rows.append(
            f"| {number} | {quarter['call_count']:,.0f} | {quarter['p50_ms']:.1f} "
            f"| {quarter['p99_ms']:.1f} | {quarter['rss_mib_last']:.1f} "
            f"| {quarter['thread_count_max']} | {quarter['descriptor_count_max']} "
            f"| {quarter['own_cores_mean']:.2f} | {quarter['other_cores_mean']:.2f} "
            f"| {quarter['stolen_cores_mean']:.2f} |"
        )
    return "\n".join(rows)


def main() -> None:
    """Runs a soak and tells what it came to; exit status 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", type=Path, default=PHOTO_FOLDER, help="folder of JPEG files")
    parser.add_argument("--json", type=Path, help="file that takes all figures")
    options = parser.parse_args()
    photos = read_photos(options.seed, options.photos)
    with tempfile.TemporaryDirectory(prefix="stylefacet-soak-") as folder:
        site = Site(DEFAULT_BUNDLE, Path(folder) / "data")
        result, readings = asyncio.run(soak(site, options.minutes, options.seed, photos))
    if options.json:
        kept = {"result": asdict(result), "readings": [asdict(reading) for reading in readings]}
        options.json.write_text(json.dumps(kept, indent=1))
    print(table(result))
    print(json.dumps({k: v for k, v in asdict(result).items() if k != "quarters"}, indent=1))
    for fault in result.faults:
        print(f"FAULT: {fault}", file=sys.stderr)
    sys.exit(1 if result.faults else 0)


if __name__ == "__main__":
    main()
