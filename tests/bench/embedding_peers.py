"""Embedding served beside its peers, in one run: ``python -m tests.bench.embedding_peers``.

Every server decodes and embeds the same photos with the same bundle, with a worker a core, one
ONNX thread each. They are up together and take turns in each round, so that a busy machine slows
all alike; the bare loop in this process shows what the cores can do without a server, and servers
on gRPC for Python that do no work show what that costs. Callers are threads of this process with
connections kept alive. Writes JSON to ``--json`` and prints one Markdown table. Peers come with
``pip install 'stylefacet[bench]'``; what is missing is left out.
"""

import argparse
import http.client
import io
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from stylefacet.app.pipeline import PHOTOS_TOGETHER
from stylefacet.bundle import read_bundle
from stylefacet.client import StylefacetClient
from stylefacet.inference import Encoder
from stylefacet.server.settings import DEFAULT_BUNDLE

DEMO_CATALOGUE = DEFAULT_BUNDLE.parent / "demo_catalogue.zip"
SIZES_PX = ((1000, 1500), (762, 1100))
CONCURRENCIES = (1, 4, 16)
_START_TIMEOUT_S = 120.0

# Embeds a photo and returns the vector's bytes; each thread has its own.
Caller = Callable[[bytes], bytes]


@dataclass
class Served:
    """A running server: how a thread calls it, and the process whose cost is counted."""

    name: str
    connect: Callable[[], Caller]
    process: psutil.Process
    stream: Callable[[Sequence[bytes]], list[bytes]] | None = None

    def cpu_s(self) -> float:
        """Returns the processor time it has used with all its children."""
        return sum(sum(process.cpu_times()[:2]) for process in self._all())

    def memory_mib(self) -> tuple[float, int]:
        """Returns the memory that is its own and no other process's, and how many processes."""
        processes = self._all()
        return sum(p.memory_full_info().uss for p in processes) / 2**20, len(processes)

    def _all(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@dataclass
class Tally:
    """What was measured of one server, a value a round."""

    photos_per_s: dict[str, list[float]] = field(default_factory=dict)
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)

    def add(self, load: str, count: int, elapsed_s: float, cpu_s: float) -> None:
        """Notes a round."""
        self.photos_per_s.setdefault(load, []).append(count / elapsed_s)
        self.cpu_ms.setdefault(load, []).append(1e3 * cpu_s / count)


def make_photos(count: int) -> list[bytes]:
    """Returns JPEGs of rendered garments, of two sizes, baseline and progressive."""
    photos = []
    with zipfile.ZipFile(DEMO_CATALOGUE) as archive:
        names = [name for name in archive.namelist() if name.endswith((".jpg", ".png", ".webp"))]
        for number in range(count):
            with Image.open(io.BytesIO(archive.read(names[number % len(names)]))) as image:
                scaled = image.convert("RGB").resize(SIZES_PX[number % 2], Image.Resampling.BICUBIC)
            noise = np.random.default_rng(number).normal(0, 3, (*scaled.size[::-1], 3))
            pixels = np.clip(np.asarray(scaled) + noise, 0, 255).astype(np.uint8)
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=88, progressive=number % 4 > 1)
            photos.append(buffer.getvalue())
    return photos


@contextmanager
def stylefacet(bundle: Path) -> Iterator[Served]:
    """Runs the service."""
    port, folder = _free_port(), tempfile.mkdtemp(prefix="stylefacet-bench-")
    address = f"127.0.0.1:{port}"
    command = ["stylefacet", "serve", "--bundle", str(bundle), "--address", address]
    with _running([*command, "--data-dir", folder]) as process:
        client = StylefacetClient(address)
        _wait(lambda: client.get_encoder())

        def stream(photos: Sequence[bytes]) -> list[bytes]:
            outcomes = list(client.embed_many(photos))
            assert all(outcome.error is None for outcome in outcomes)
            return []

        yield Served("Stylefacet", lambda: _caller(client), process, stream)
        client.close()
    shutil.rmtree(folder)


def _caller(client: StylefacetClient) -> Caller:
    return lambda photo: np.asarray(client.embed(photo).mean, np.float32).tobytes()


@contextmanager
def grpc_alone(name: str, process_count: int) -> Iterator[Served]:
    """Runs a server on gRPC for Python that does no work."""
    port = _free_port()
    command = [sys.executable, "-m", "tests.bench.servers.grpc_server", f"{port}"]
    with (
        _running([*command, f"{process_count}"]) as process,
        StylefacetClient(f"127.0.0.1:{port}") as client,
    ):
        _wait(lambda: client.embed(b"photo"))
        yield Served(name, lambda: _caller(client), process)


@contextmanager
def http_peer(
    name: str, command: Sequence[str], bundle: Path, port: int, together: int = 1
) -> Iterator[Served]:
    """Runs a peer that takes a photo as a request's body."""

    def connect() -> Caller:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        peer = name.partition(",")[0]

        def call(photo: bytes) -> bytes:
            kind, body = _request(peer, photo)
            headers = {"Content-Type": kind}
            connection.request("POST", PATHS[peer], body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status != 200:
                raise RuntimeError(f"{name} answers {response.status}: {answer[:200]!r}")
            return answer

        return call

    environment = {"BENCH_BUNDLE": str(bundle), "BENCH_TOGETHER": str(together)}
    with _running(command, **environment) as process:
        photo = make_photos(1)[0]
        _wait(lambda: connect()(photo))
        yield Served(name, connect, process)


PATHS = {"mosec": "/inference", "LitServe": "/predict", "BentoML": "/inference"}


def _request(name: str, photo: bytes) -> tuple[str, bytes]:
    """Returns content type and body of a request; LitServe takes no plain bytes."""
    if name == "LitServe":
        return "application/json", json.dumps({"photo": b64encode(photo).decode()}).encode()
    return "image/jpeg", photo


def peers(bundle: Path) -> Iterator[Any]:
    """Yields a context a peer that is installed."""
    here = "tests.bench.servers"
    for name, module, together in (
        ("mosec", "mosec", 1),
        (f"mosec, up to {PHOTOS_TOGETHER} together", "mosec", PHOTOS_TOGETHER),
        ("LitServe", "litserve", 1),
        ("BentoML", "bentoml", 1),
    ):
        if find_spec(module) is None:
            print(f"left out {name}: it is not installed", file=sys.stderr)
            continue
        port = _free_port()
        commands = {
            "mosec": [sys.executable, "-m", f"{here}.mosec_server", "--port", str(port)],
            "litserve": [sys.executable, "-m", f"{here}.litserve_server", str(port)],
            "bentoml": [
                *(sys.executable, "-m", "bentoml", "serve"),
                *(f"{here}.bentoml_server:Embedding", "--port", str(port)),
            ],
        }
        yield http_peer(name, commands[module], bundle, port, together)


def bare_loop(encoder: Encoder, photos: Sequence[bytes], thread_count: int) -> float:
    """Returns the seconds to decode and embed photos on threads of this process."""

    def embed(photo: bytes) -> None:
        encoder.embed(encoder.letterbox(photo).pixels[None])

    start = time.perf_counter()
    with ThreadPoolExecutor(thread_count) as pool:
        list(pool.map(embed, photos))
    return time.perf_counter() - start


def load(served: Served, photos: Sequence[bytes], concurrency: int) -> tuple[float, list[float]]:
    """Returns the seconds that callers side by side took, and each call's milliseconds."""

    def work(mine: Sequence[bytes]) -> list[float]:
        call, latencies = served.connect(), []
        for photo in mine:
            start = time.perf_counter()
            call(photo)
            latencies.append(1e3 * (time.perf_counter() - start))
        return latencies

    start = time.perf_counter()
    with ThreadPoolExecutor(concurrency) as pool:
        shares = [photos[number::concurrency] for number in range(concurrency)]
        latencies = [each for some in pool.map(work, shares) for each in some]
    return time.perf_counter() - start, latencies


def measure(bundle: Path, photos: Sequence[bytes], rounds: int) -> dict[str, Any]:
    """Returns the figures of every server and of the bare loop."""
    encoder = Encoder(read_bundle(bundle))
    core_count = os.cpu_count() or 1
    bare = Tally()
    tallies: dict[str, Tally] = {}
    with ExitStack() as running:
        servers = [running.enter_context(stylefacet(bundle))]
        servers += [running.enter_context(peer) for peer in peers(bundle)]
        check(servers, encoder, photos[0])
        servers += [
            running.enter_context(grpc_alone("gRPC alone, no work", 0)),
            running.enter_context(grpc_alone("the same, handed to a process", core_count)),
        ]
        for number in range(rounds + 1):
            warm = number > 0  # the first round warms up
            for threads in (1, core_count):
                elapsed_s = bare_loop(encoder, photos, threads)
                if warm:
                    bare.add(f"{threads}", len(photos), elapsed_s, 0.0)
            for photo in photos:
                elapsed_s = bare_loop(encoder, [photo], 1)
                bare.latencies_ms.append(1e3 * elapsed_s)
            for served in servers:
                tally = tallies.setdefault(served.name, Tally())
                for concurrency in CONCURRENCIES:
                    before = served.cpu_s()
                    elapsed_s, latencies = load(served, photos, concurrency)
                    if warm:
                        cpu_s = served.cpu_s() - before
                        tally.add(f"{concurrency}", len(photos), elapsed_s, cpu_s)
                        tally.latencies_ms += latencies if concurrency == 1 else []
                if served.stream is not None:
                    before, start = served.cpu_s(), time.perf_counter()
                    served.stream(photos)
                    elapsed_s = time.perf_counter() - start
                    if warm:
                        tally.add("stream", len(photos), elapsed_s, served.cpu_s() - before)
        memory = {served.name: served.memory_mib() for served in servers}
    figures = {"bare loop": summary(bare, None)}
    return figures | {name: summary(tally, memory[name]) for name, tally in tallies.items()}


def check(servers: Sequence[Served], encoder: Encoder, photo: bytes) -> None:
    """Raises unless every server gives the same vector as the bare loop."""
    wanted = encoder.embed(encoder.letterbox(photo).pixels[None]).mean[0]
    for served in servers:
        found = np.frombuffer(served.connect()(photo), np.float32)
        np.testing.assert_allclose(found, wanted, atol=1e-4, err_msg=served.name)


def summary(tally: Tally, memory: tuple[float, int] | None) -> dict[str, Any]:
    """Returns medians over the rounds."""
    p50, p99 = np.quantile(tally.latencies_ms, (0.5, 0.99)).round(2).tolist()
    found: dict[str, Any] = {
        "photos_per_s": {k: round(float(np.median(v)), 1) for k, v in tally.photos_per_s.items()},
        "p50_ms": p50,
        "p99_ms": p99,
    }
    if memory is not None:
        found["cpu_ms_a_photo"] = {
            k: round(float(np.median(v)), 2) for k, v in tally.cpu_ms.items()
        }
        found["memory_mib"], found["process_count"] = round(memory[0]), memory[1]
    return found


def table(figures: dict[str, Any]) -> str:
    """Returns a Markdown table."""
    loads = [*map(str, CONCURRENCIES), "stream"]
    heads = [
        "",
        *(f"photos/s at {load}" if load != "stream" else "photos/s, stream" for load in loads),
        *("p50 ms at 1", "p99 ms at 1", "server CPU ms a photo at 1; 4; 16; by stream"),
        "memory MiB (processes)",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, figure in figures.items():
        rates = figure["photos_per_s"]
        cells = [f"{rates[load]:.0f}" if load in rates else "" for load in loads]
        if name == "bare loop":
            cells = [f"{threads} threads: {rate:.0f}" for threads, rate in rates.items()]
            cells += [""] * (len(loads) - len(cells))
        cells += [f"{figure['p50_ms']:.1f}", f"{figure['p99_ms']:.1f}"]
        if "memory_mib" in figure:
            cpu_ms = figure["cpu_ms_a_photo"]
            cells.append("; ".join(f"{cpu_ms[load]:.1f}" for load in loads if load in cpu_ms))
            cells.append(f"{figure['memory_mib']} ({figure['process_count']})")
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines)


@contextmanager
def _running(command: Sequence[str], **environment: str) -> Iterator[psutil.Process]:
    log = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
    process = subprocess.Popen(
        command, stdout=log, stderr=log, env=os.environ | environment, start_new_session=True
    )
    try:
        yield psutil.Process(process.pid)
    except Exception:
        log.seek(0)
        sys.stderr.write(log.read().decode(errors="replace")[-2000:])
        raise
    finally:
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        for child in children:
            if child.is_running():
                child.kill()


def _wait(ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            ready()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--photos", type=int, default=64, help="photos a round and load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    photos = make_photos(options.photos)
    figures = measure(options.bundle, photos, options.rounds)
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    print(f"{options.photos} photos a load, medians of {options.rounds} rounds, {machine}\n")
    print(table(figures))
    if options.json:
        report = {"machine": machine, "figures": figures}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
