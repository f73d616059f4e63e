"""Fixtures that all tests share: a tiny encoder bundle and a real server over it."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefacet.bundle import Bundle, write_bundle
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.tiny_bundle import TINY_SIZE, tiny_bundle_parts


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An encoder of eight dimensions that sees mean colours: `collar` on top, `body` below."""
    return write_bundle(tmp_path_factory.mktemp("bundle") / "tiny", **tiny_bundle_parts(seed=0))


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A second encoder, whose vectors do not mix with those of the first."""
    return write_bundle(tmp_path_factory.mktemp("bundle") / "other", **tiny_bundle_parts(seed=1))


@pytest.fixture
def settings(tiny_bundle: Bundle, tmp_path: Path) -> Settings:
    """Settings of a server on a free port with a data directory of its own.

    It embeds on its own threads: a process takes half a second of a core to start. Servers in
    processes of their own, as `stylefacet serve` runs them, embed in others.
    """
    return Settings(
        data_dir=tmp_path / "data",
        bundle=tiny_bundle.path,
        address="127.0.0.1:0",
        worker_count=2,
        embed_in_processes=False,
    )


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    """A real server on a real port, empty."""
    running = Server(settings)
    running.start()
    yield running
    running.stop()


def photo(seed: int, size: tuple[int, int] = TINY_SIZE, kind: str = "PNG") -> bytes:
    """Returns an encoded photo of random blocks on white; each seed gives another."""
    width, height = size
    rng = np.random.default_rng(seed)
    pixels = np.full((8, 6, 3), 255, np.uint8)
    pixels[1:7, 1:5] = rng.integers(0, 255, (6, 4, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST).save(buffer, kind)
    return buffer.getvalue()
