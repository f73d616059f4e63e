"""A server over the tiny bundle with a catalogue whose groups, gaps and names are known."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from stylefacet.bundle import Bundle
from stylefacet.cli.demo import unpack_catalogue
from stylefacet.cli.imports import ImportReport, run_import
from stylefacet.client import Product, StylefacetClient, UploadRow
from stylefacet.manifest import open_source
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.tiny_bundle import TINY_SIZE

HOSTILE = '</script><img src=x onerror="alert(1)">\u202e&amp;\'"'
COLOURS = ("red", "blue", "green", "black")
PRODUCT_COUNT = 80


def shade(base: int, change: int) -> bytes:
    """Returns a photo of one of several garments, a little changed."""
    pixels = np.full((8, 6, 3), 255.0)
    pixels[1:7, 1:5] = np.random.default_rng(base).integers(30, 225, (6, 4, 3))
    pixels[1:7, 1:5] += 6 * np.random.default_rng(1000 + change).normal(size=(6, 4, 3))
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    picture.resize(TINY_SIZE, Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def product(number: int) -> Product:
    """Returns one of 80 products: four looks of each of 20 garments; number 7 is hostile."""
    # A quarter of all is knitted, and none of the tops.
    fabric = "woven" if number % 4 else "knit"
    season = HOSTILE if number < 30 else "summer"
    return Product(
        f"p{number:02}",
        "top" if number % 2 else "dress",
        HOSTILE if number == 7 else f"Garment {number}",
        labels={"colour": COLOURS[number % 4], "fabric": fabric, "season": season},
        numbers={"price": 10.0 + number},
        style_id=f"s{number // 4}" if number < 40 else "",
    )


@pytest.fixture(scope="package")
def shop(
    tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StylefacetClient]:
    """A client of a server that has the 80 products and one more without a photo.

    No test changes anything, so one server serves them all.
    """
    data_dir = tmp_path_factory.mktemp("report") / "data"
    server = Server(Settings(data_dir=data_dir, bundle=tiny_bundle.path, address="127.0.0.1:0"))
    server.start()
    with StylefacetClient(server.address) as client:
        outcomes = list(client.upload(map(_row, range(PRODUCT_COUNT))))
        assert all(outcome.error is None for outcome in outcomes)
        client.update_product(Product("bare"), allow_missing=True)
        yield client
    server.stop()


@pytest.fixture(scope="package")
def demo(
    tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StylefacetClient]:
    """A client of a server that has the shipped catalogue of the demo."""
    folder = tmp_path_factory.mktemp("demo")
    source = open_source(unpack_catalogue(folder / "catalogue"))
    server = Server(
        Settings(data_dir=folder / "data", bundle=tiny_bundle.path, address="127.0.0.1:0")
    )
    server.start()
    with StylefacetClient(server.address) as client:
        imported = ImportReport()
        run_import(client, source, imported, lambda: None)
        assert not imported.failures
        yield client
    server.stop()


def _row(number: int) -> UploadRow:
    return UploadRow(number, product(number), lambda: shade(number // 4, number))
