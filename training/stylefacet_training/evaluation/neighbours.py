"""Draws the photos that a bundle finds nearest by each of its features; judges nothing."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stylefacet.bundle import Bundle
from stylefacet.inference import Encoder
from stylefacet_training.data.sources import read_pictures
from stylefacet_training.evaluation.comparison import bundled_coordinates
from stylefacet_training.evaluation.representations import embed_all
from stylefacet_training.plots import sheet
from stylefacet_training.terminal import Terminal

QUERY_COUNT, NEIGHBOUR_COUNT = 4, 6


def write_neighbours(
    bundle: Bundle, data: str, out: Path, *, seed: int, terminal: Terminal
) -> Sequence[Path]:
    """Writes a PNG a feature, and one of all blocks: queries drawn by the seed, then what is found.

    Raises:
        ResourceMissing: when the data does not exist.
        InvalidField: when it holds no photo.
    """
    size = bundle.manifest.input_height_px, bundle.manifest.input_width_px
    with terminal.bar("reading photos") as advance:
        pixels = read_pictures((data,), *size, advance=advance).pixels
    with terminal.bar("embedding") as advance:
        mean = embed_all(Encoder(bundle), pixels, advance).mean
    queries = np.random.default_rng(seed).permutation(len(pixels))[:QUERY_COUNT]
    columns = ["query", *(str(place) for place in range(1, NEIGHBOUR_COUNT + 1))]
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, codes in bundled_coordinates(bundle, mean).items():
        rows = []
        for query in queries:
            distances = np.square(codes - codes[query]).sum(axis=1)
            # The query comes first, even where another photo has the same code.
            distances[query] = -1.0
            nearest = np.argsort(distances, kind="stable")[: NEIGHBOUR_COUNT + 1]
            rows.append([pixels[i] for i in nearest])
        content = sheet(f"nearest by {name}", rows, [""] * len(rows), columns)
        paths.append(out / f"{name.replace(' ', '_')}.png")
        paths[-1].write_bytes(content)
    return paths
