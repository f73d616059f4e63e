"""Uploads end to end beside the bare work, in one run: ``poe bench-uploads``.

In each round photos are decoded on all cores, decoded and embedded on all cores, sent up one
stream by a client process of its own to a new server with an empty catalogue, and imported by
another new server from its import root. Client and server share the machine's cores with nobody
but what else runs, so CPU time stands beside wall time. Writes JSON to ``--json`` and prints one
Markdown table.
"""

import argparse
import csv
import json
import multiprocessing
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stylefacet.bundle import read_bundle
from stylefacet.client import Product, StylefacetClient, UploadRow
from stylefacet.inference import Encoder
from stylefacet.server.settings import DEFAULT_BUNDLE
from tests.bench.embedding_peers import make_photos
from tests.endurance.process import cpu_seconds
from tests.endurance.site import Site

MANIFEST = "rows.csv"


@dataclass
class Tally:
    """What was measured of one way, a value a round."""

    rows_per_s: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    client_cpu_ms: list[float] = field(default_factory=list)

    def add(self, count: int, elapsed_s: float, cpu_s: float, client_cpu_s: float = 0.0) -> None:
        """Notes a round of so many rows."""
        self.rows_per_s.append(count / elapsed_s)
        self.cpu_ms.append(1e3 * cpu_s / count)
        self.client_cpu_ms.append(1e3 * client_cpu_s / count)


def upload(address: str, folder: Path) -> tuple[float, float]:
    """Sends a folder's photos up one stream; returns seconds and this process's CPU seconds."""

    def rows() -> Iterator[UploadRow]:
        for number, path in enumerate(sorted(folder.glob("*.jpg"))):
            product = Product(path.stem, "top", f"Top {number}", labels={"colour": "black"})
            yield UploadRow(number, product, path.read_bytes)

    with StylefacetClient(address) as client:
        client.get_encoder()
        start, start_cpu = time.perf_counter(), time.process_time()
        failed = [outcome for outcome in client.upload(rows()) if outcome.error is not None]
        assert not failed, failed[0]
        return time.perf_counter() - start, time.process_time() - start_cpu


def warm_up(address: str, folder: Path) -> None:
    """Has all processes of the server load the encoder, which they do when they are first asked."""
    photos = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    with StylefacetClient(address) as client:
        for _ in client.embed_many(photos[:32]):
            pass


def import_on_server(address: str, folder: Path) -> tuple[float, float]:
    """Has the server import the folder's manifest; returns as :func:`upload`."""
    with StylefacetClient(address) as client:
        client.get_encoder()
        start, start_cpu = time.perf_counter(), time.process_time()
        started = client.import_on_server(MANIFEST)
        imported = client.wait_for_operation(started.operation_id).imported
        assert imported is not None
        assert imported.created_count == imported.row_count, imported
        return time.perf_counter() - start, time.process_time() - start_cpu


def bare_work(work: Callable[[bytes], object], photos: Sequence[bytes]) -> tuple[float, float]:
    """Returns the seconds and CPU seconds of work on every photo, with a thread a core."""
    start, start_cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, photos))
    return time.perf_counter() - start, time.process_time() - start_cpu


def served_work(
    work: Callable[[str, Path], tuple[float, float]], folder: Path, bundle: Path
) -> tuple[float, float, float]:
    """Returns seconds, a new server's CPU seconds and those of a client process."""
    data = Path(tempfile.mkdtemp(prefix="stylefacet-bench-"))
    try:
        site = Site(bundle, data, settings={"import_root": str(folder)})
        spawn = multiprocessing.get_context("spawn")
        with site.server() as server, ProcessPoolExecutor(1, spawn) as clients:
            clients.submit(warm_up, server.address, folder).result()
            before_s = cpu_seconds(server.process.pid)
            elapsed_s, client_cpu_s = clients.submit(work, server.address, folder).result()
            return elapsed_s, cpu_seconds(server.process.pid) - before_s, client_cpu_s
    finally:
        shutil.rmtree(data, ignore_errors=True)


def measure(photos: Sequence[bytes], bundle: Path, rounds: int) -> dict[str, Tally]:
    """Returns the tally of each way, which take turns in each round."""
    encoder = Encoder(read_bundle(bundle))

    def embed(photo: bytes) -> None:
        encoder.embed(encoder.letterbox(photo).pixels[None])

    ways = ("decode alone", "decode and embed", "upload by a stream", "import on the server")
    tallies = {way: Tally() for way in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder, photos)
        bare_work(embed, photos[:8])
        for _ in range(rounds):
            for way, work in (("decode alone", encoder.letterbox), ("decode and embed", embed)):
                tallies[way].add(len(photos), *bare_work(work, photos))
            for way, served in (
                ("upload by a stream", upload),
                ("import on the server", import_on_server),
            ):
                tallies[way].add(len(photos), *served_work(served, folder, bundle))
    return tallies


def write_folder(folder: Path, photos: Sequence[bytes]) -> None:
    """Writes the photos and a manifest that names them."""
    with (folder / MANIFEST).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["product_id", "image", "category", "display_name", "labels.colour"])
        for number, photo in enumerate(photos):
            (folder / f"p{number:06}.jpg").write_bytes(photo)
            writer.writerow([f"p{number:06}", f"p{number:06}.jpg", "top", f"Top {number}", "black"])


def summary(tallies: dict[str, Tally]) -> dict[str, dict[str, float]]:
    """Returns medians over the rounds; ratios are those of rounds, to the bare work in each."""
    bare = tallies["decode and embed"]
    figures = {}
    for way, tally in tallies.items():
        ratios = np.divide(tally.rows_per_s, bare.rows_per_s)
        figures[way] = {
            "rows_per_s": round(float(np.median(tally.rows_per_s)), 1),
            "share_of_bare": round(float(np.median(ratios)), 3),
            "cpu_ms": round(float(np.median(tally.cpu_ms)), 2),
            "client_cpu_ms": round(float(np.median(tally.client_cpu_ms)), 2),
        }
    return figures


def table(figures: dict[str, dict[str, float]]) -> str:
    """Returns a Markdown table."""
    lines = [
        "| | rows/s | of decode and embed | CPU ms a row | of the client, ms a row |",
        "| --- | --: | --: | --: | --: |",
    ]
    for way, row in figures.items():
        lines.append(
            f"| {way} | {row['rows_per_s']:.0f} | {row['share_of_bare']:.2f} "
            f"| {row['cpu_ms']:.2f} | {row['client_cpu_ms']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--photos", type=Path, help="folder of JPEG files; else rendered garments")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.photos is None:
        photos = make_photos(options.rows)
    else:
        photos = [path.read_bytes() for path in sorted(options.photos.glob("*.jpg"))]
        photos = photos[: options.rows]
    figures = summary(measure(photos, options.bundle, options.rounds))
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    size_kb = sum(map(len, photos)) / len(photos) / 1e3
    print(
        f"{len(photos):,} photos of {size_kb:.0f} kB, medians of {options.rounds} rounds, "
        f"{machine}\n\n{table(figures)}"
    )
    if options.json:
        report: dict[str, Any] = {"machine": machine, "rows": len(photos), "figures": figures}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
