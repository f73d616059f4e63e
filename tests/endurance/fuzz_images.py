"""Feeds damaged images to the reader of photos: ``python -m tests.endurance.fuzz_images``.

Every input must end in a letterbox or in one of the two errors of ``read_letterbox``, within
seconds, and the process must not grow without bound. Seeds are small pictures of all kinds,
bombs and lies among them; mutations flip, cut, repeat, splice and inflate. With ``--atheris`` the
mutations are guided by coverage of Pillow's parsers (``pip install atheris``); a crash of the
interpreter itself ends the run, and ``--seed`` repeats it:
``poe fuzz --atheris -runs=50000 -max_len=100000 -seed=6 build/corpus``.
"""

import argparse
import io
import random
import resource
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stylefacet.errors import ImageTooLarge, ImageUndecodable
from stylefacet.imaging import read_letterbox

HEIGHT_PX, WIDTH_PX = 256, 192
MAX_SECONDS = 10.0
_MAX_SEED_BYTES = 100_000
# Bytes that mean something in lengths and sizes.
_TELLING = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x00" * 4,
)


def make_seeds() -> dict[str, bytes]:
    """Returns whole images of every kind that callers send, and some that no caller should."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (12, 10, 3), np.uint8).repeat(5, 0).repeat(5, 1)
    picture = Image.fromarray(pixels)
    frames = [picture.rotate(90 * turn) for turn in (1, 2, 3)]
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "x" * 60_000
    seeds = {
        "jpeg": _encoded(picture, "JPEG"),
        "jpeg progressive": _encoded(picture, "JPEG", progressive=True),
        "jpeg cmyk": _encoded(picture.convert("CMYK"), "JPEG"),
        "jpeg grey": _encoded(picture.convert("L"), "JPEG"),
        "jpeg exif": _encoded(picture, "JPEG", exif=exif),
        "png": _encoded(picture, "PNG"),
        "png palette": _encoded(picture.quantize(16), "PNG", transparency=3),
        "png 16 bit": _encoded(
            Image.fromarray(rng.integers(0, 65_535, (40, 30), np.uint16)), "PNG"
        ),
        "png alpha": _encoded(picture.convert("RGBA"), "PNG"),
        "png exif": _encoded(picture, "PNG", exif=exif),
        "png animated": _encoded(picture, "PNG", save_all=True, append_images=frames),
        "webp": _encoded(picture, "WEBP"),
        "webp lossless": _encoded(picture.convert("RGBA"), "WEBP", lossless=True),
        "webp animated": _encoded(picture, "WEBP", save_all=True, append_images=frames),
        "gif": _encoded(picture, "GIF"),
        "gif animated": _encoded(picture, "GIF", save_all=True, append_images=frames),
        "tiff": _encoded(picture, "TIFF"),
        "tiff of frames": _encoded(picture, "TIFF", save_all=True, append_images=frames),
        "bmp": _encoded(picture, "BMP"),
        "png bomb": _bomb(30_000, 30_000),
        "png that is as large as may be": _bomb(8_000, 8_000),
    }
    assert len(seeds) == len(set(seeds.values()))
    return seeds


def _encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _bomb(width: int, height: int) -> bytes:
    """Returns a PNG of one colour, a few kilobytes that decode to gigabytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    row = b"\0" * (1 + (width + 7) // 8)
    body = zlib.compress(row * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def mutate(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Returns a damaged copy: one to four mutations, mostly near the head, where sizes stand."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if not data:
            break
        end = len(data) if rng.random() < 0.4 else min(len(data), 200)
        at = rng.randrange(end)
        match rng.randrange(7):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                told = rng.choice(_TELLING)
                data[at : at + len(told)] = told
            case 2:
                data[at] = rng.randrange(256)
            case 3:
                del data[at:]
            case 4:
                del data[at : at + rng.randint(1, 64)]
            case 5:
                some = data[at : at + rng.randint(1, 64)]
                data[at:at] = some * rng.randint(1, 40)
            case 6:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                data[at:at] = other[start : start + rng.randint(1, 400)]
    return bytes(data)


def outcome(content: bytes) -> str:
    """Returns what became of an image: "read", or the class of the error.

    Raises: whatever else the reader lets escape; AssertionError when it takes too long.
    """
    # Of the processor: a machine that is busy with other things makes no image slow.
    start = time.process_time()
    try:
        letterbox = read_letterbox(content, HEIGHT_PX, WIDTH_PX)
    except (ImageUndecodable, ImageTooLarge) as error:
        told, message = type(error).__name__, str(error)
    else:
        assert letterbox.pixels.shape == (HEIGHT_PX, WIDTH_PX, 3)
        assert letterbox.pixels.dtype == np.uint8
        told, message = "read", ""
    # The message goes to callers and logs: one line, and not the whole input.
    assert len(message) < 500, message
    assert message.isprintable(), repr(message)
    assert time.process_time() - start < MAX_SECONDS, "too slow"
    return told


def fuzz(count: int, seed: int, told: Callable[[int], None] = lambda done: None) -> Counter[str]:
    """Returns how many inputs ended in which way; raises at the first that ends otherwise."""
    rng = random.Random(seed)
    seeds = make_seeds()
    outcomes = Counter(outcome(content) for content in seeds.values())
    # A bomb costs its time once; its mutations would only be slow.
    usable = [content for name, content in seeds.items() if "bomb" not in name]
    small = [content for content in usable if len(content) < _MAX_SEED_BYTES]
    for number in range(count):
        damaged = mutate(rng.choice(small), small, rng)
        try:
            outcomes[outcome(damaged)] += 1
        except Exception:
            with open("damaged-image", "wb") as kept:
                kept.write(damaged)
            print(f"input {number} of seed {seed}: kept as ./damaged-image", file=sys.stderr)
            raise
        told(number)
    return outcomes


def fuzz_with_atheris(arguments: list[str]) -> None:
    """Hands over to atheris, which never returns; an empty corpus folder gets whole images."""
    import atheris

    for folder in (Path(word) for word in arguments[1:] if not word.startswith("-")):
        folder.mkdir(parents=True, exist_ok=True)
        if not any(folder.iterdir()):
            for name, content in make_seeds().items():
                if len(content) < _MAX_SEED_BYTES and "bomb" not in name:
                    (folder / name.replace(" ", "-")).write_bytes(content)
    atheris.instrument_all()
    atheris.Setup(arguments, outcome)
    atheris.Fuzz()


def main() -> None:
    """Fuzzes and tells what became of the inputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", nargs=argparse.REMAINDER, help="arguments for libFuzzer")
    options = parser.parse_args()
    if options.atheris is not None:
        fuzz_with_atheris([sys.argv[0], *options.atheris])
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.monotonic()

    def told(number: int) -> None:
        if number % 1000 == 0:
            print(f"\r{number:,}/{options.count:,}", end="", file=sys.stderr)

    outcomes = fuzz(options.count, options.seed, told)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ends = ", ".join(f"{name} {count:,}" for name, count in outcomes.most_common())
    print(
        f"\n{sum(outcomes.values()):,} images of seed {options.seed}: {ends}; memory "
        f"{before_mib:.0f} MiB before, at most {peak_mib:.0f} MiB; "
        f"{time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
