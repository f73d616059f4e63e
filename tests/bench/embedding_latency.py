"""Measures what embedding a photo costs on one core: ``python tests/bench/embedding_latency.py``.

Prints a table to stderr and JSON to stdout: reading a photo into a letterbox, and embedding
letterboxes one and sixteen at a time. The photos are the bundle's golden samples, 1024x768 JPEG,
or those of ``--photos``. CPU time stands beside wall time, and the least of all calls beside the
median: on a busy machine the others wait for a core, and share its caches.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from stylefacet.bundle import read_bundle
from stylefacet.inference import Encoder
from stylefacet.server.settings import DEFAULT_BUNDLE

PHOTO_COUNT = 16


def measure(calls: Sequence[Callable[[], object]], photos: int, rounds: int) -> Mapping[str, float]:
    """Returns milliseconds a photo of calls that take some photos each, over rounds of them."""
    for call in calls:
        call()
    wall, cpu = [], []
    for call in list(calls) * rounds:
        began, began_cpu = time.perf_counter(), time.process_time()
        call()
        wall.append((time.perf_counter() - began) * 1e3 / photos)
        cpu.append((time.process_time() - began_cpu) * 1e3 / photos)
    return {
        "wall_ms": round(float(np.median(wall)), 2),
        "cpu_ms": round(float(np.median(cpu)), 2),
        "least_ms": round(min(wall), 2),
    }


def main() -> None:
    """Measures one bundle and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE)
    parser.add_argument("--photos", type=Path, help="folder of JPEG files")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    bundle = read_bundle(options.bundle)
    encoder = Encoder(bundle)
    if options.photos is None:
        contents = [sample.content for sample in bundle.golden]
    else:
        contents = [path.read_bytes() for path in sorted(options.photos.glob("*.jpg"))]
    contents = [contents[i % len(contents)] for i in range(PHOTO_COUNT)]
    pixels = np.stack([encoder.letterbox(content).pixels for content in contents])

    single = [pixels[row : row + 1] for row in range(PHOTO_COUNT)]
    figures = {
        "read": measure([partial(encoder.letterbox, c) for c in contents], 1, options.rounds),
        "embed, one at a time": measure(
            [partial(encoder.embed, one) for one in single], 1, options.rounds
        ),
        "embed, 16 at a time": measure(
            [partial(encoder.embed, pixels)], PHOTO_COUNT, options.rounds * 4
        ),
    }
    print(f"{'ms a photo':<24}{'median':>8}{'CPU':>8}{'least':>8}", file=sys.stderr)
    for name, row in figures.items():
        cells = "".join(f"{value:>8.2f}" for value in row.values())
        print(f"{name:<24}{cells}", file=sys.stderr)
    about = {"machine": platform.processor() or platform.machine(), "bundle": bundle.id}
    print(json.dumps({**about, "onnxruntime": onnxruntime.__version__, "figures": figures}))


if __name__ == "__main__":
    main()
