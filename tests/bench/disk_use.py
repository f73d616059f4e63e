"""Measures what a catalogue takes on disk, from real photos through a real server's own code.

usage: OMP_NUM_THREADS=1 python tests/bench/disk_use.py PHOTOS [--products 10000]

Each product is stored as an upload would store it: fields, labels, one photo decoded and embedded
by the shipped encoder, its kept input. When there are fewer photos than products, photos come again
with one pixel changed, so that no kept input is shared. A million is extrapolated: every table and
index grows by the row.
"""

import argparse
import hashlib
import itertools
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from stylefacet.app.photos import PhotoEmbedder
from stylefacet.bundle import read_bundle
from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.entities import (
    CatalogRow,
    ImageEmbedding,
    KeptInput,
    NewImage,
    ProductFields,
)
from stylefacet.catalog.store import Store
from stylefacet.imaging import DEFAULT_LIMITS
from stylefacet.inference import EmbeddedPhoto, Encoder
from stylefacet.kept_inputs import pack_pixels
from stylefacet.server.settings import DEFAULT_BUNDLE

BATCH = 200


def main() -> None:
    """Fills a catalogue with and one without kept inputs, and prints what each takes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photos", type=Path, help="folder of JPEG photos, searched through")
    parser.add_argument("--products", type=int, default=10_000)
    arguments = parser.parse_args()
    files = sorted(arguments.photos.rglob("*.jpg"))
    embedder = PhotoEmbedder(Encoder(read_bundle(DEFAULT_BUNDLE)), DEFAULT_LIMITS)
    photos = [embedder.embed(file.read_bytes()) for file in files[: arguments.products]]
    sent_bytes = sum(file.stat().st_size for file in files[: arguments.products]) / len(photos)
    print(f"{len(photos):,} photos of {sent_bytes / 1e3:.1f} kB on average")
    for keep_inputs in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "catalogue.db")
            fill(file, photos, embedder.encoder.id, arguments.products, keep_inputs)
            tell(file, arguments.products, "with" if keep_inputs else "without")


def fill(
    file: Path, photos: list[EmbeddedPhoto], encoder_id: str, count: int, keep_inputs: bool
) -> None:
    """Stores ``count`` products in a new catalogue."""
    rng = random.Random(0)
    with Store(f"sqlite:///{file}", lambda: datetime.now(UTC)) as store:
        store.bind_encoder(encoder_id)
        rows = make_rows(photos, encoder_id, count, keep_inputs, rng)
        while batch := list(itertools.islice(rows, BATCH)):
            store.write_rows(batch, Assignment(encoder_id))


def make_rows(
    photos: list[EmbeddedPhoto], encoder_id: str, count: int, keep: bool, rng: random.Random
) -> Iterator[CatalogRow]:
    """Yields rows as an upload prepares them, each with another input."""
    for n in range(count):
        photo = photos[n % len(photos)]
        pixels = photo.pixels.copy()
        # The round of repetition, in three corners: other bytes, the same size.
        pixels[0, 0] = (n // len(photos)) % 256, (n // len(photos)) // 256, pixels[0, 0, 2]
        fields = ProductFields(
            id=f"{100_000_000 + n}",
            display_name=f"Relaxed fit cotton top {n}",
            category="top",
            labels={"colour": rng.choice(["black", "white", "navy"]), "season": "AW26"},
            numbers={"price": rng.randrange(5, 120) + 0.99},
            style_id=f"{100_000_000 + n // 3}",
        )
        kept = None
        if keep:
            kept = KeptInput(hashlib.sha256(pixels.tobytes()).hexdigest(), pack_pixels(pixels))
        image = NewImage(
            id="",
            content_sha256=hashlib.sha256(f"photo {n}".encode()).hexdigest(),
            width_px=photo.source_width_px,
            height_px=photo.source_height_px,
            embedding=ImageEmbedding(
                encoder_id, np.asarray(photo.mean, np.float32), float(photo.novelty)
            ),
            kept_input=kept,
        )
        yield CatalogRow(fields, image)


def tell(file: Path, count: int, word: str) -> None:
    """Prints the size of a catalogue, and of a million products like its own."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (kept,) = connection.execute("SELECT sum(length(content)) FROM kept_inputs").fetchone()
    connection.close()
    size = file.stat().st_size
    print(
        f"{count:,} products {word} kept inputs: {size / 1e6:,.1f} MB, "
        f"{size / count / 1e3:.2f} kB each ({(kept or 0) / count / 1e3:.2f} kB of it the input); "
        f"a million: {size / count / 1e3:.1f} GB"
    )


if __name__ == "__main__":
    main()
