"""Encoders in processes of their own: what comes out, and what happens when one ends."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil
import pytest

from stylefacet.app.photos import PhotoEmbedder
from stylefacet.bundle import Bundle
from stylefacet.errors import ImageTooLarge, ImageUndecodable, ResourceMissing, ShuttingDown
from stylefacet.imaging import DEFAULT_LIMITS, ImageLimits
from stylefacet.inference import EmbeddedPhoto, Encoder, EncoderProcesses
from stylefacet.inference.photos import embed_photos
from stylefacet.kept_inputs import pack_pixels
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.stages import Stage, StageRun, watch_stages
from stylefacet.v1 import encoder_service_pb2
from tests.conftest import photo
from tests.endurance.site import Site
from tests.server.stubs import connect

RED, BLUE = photo(0), photo(1)


@pytest.fixture
def processes(tiny_bundle: Bundle) -> Iterator[EncoderProcesses]:
    """Two processes that know the tests' encoder."""
    running = EncoderProcesses(2)
    running.add(tiny_bundle)
    yield running
    running.close()


@pytest.fixture
def embedder(processes: EncoderProcesses, tiny_bundle: Bundle) -> PhotoEmbedder:
    """Embeds in these processes."""
    return PhotoEmbedder(Encoder(tiny_bundle), DEFAULT_LIMITS, processes)


class EndsItsReader:
    """Stands for a photo on which a decoder crashes: who unpickles it has ended."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return os.abort, ()


DEADLY = cast(bytes, EndsItsReader())


def children() -> list[psutil.Process]:
    """The processes that this one has started for encoders."""
    return [c for c in psutil.Process().children() if "stylefacet.inference.worker" in c.cmdline()]


def fault_count(process: psutil.Process) -> int:
    """How often a process was given a page of memory."""
    after_name = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2]
    return int(after_name.split()[7])


def test_vectors_are_those_of_this_process(embedder: PhotoEmbedder):
    here = embed_photos(embedder.encoder, [RED, BLUE], DEFAULT_LIMITS)
    there = embedder.embed_many([RED, BLUE])

    for mine, other in zip(here, there, strict=True):
        assert isinstance(mine, EmbeddedPhoto)
        assert isinstance(other, EmbeddedPhoto)
        np.testing.assert_array_equal(mine.mean, other.mean)
        np.testing.assert_array_equal(mine.pixels, other.pixels)
        assert mine.novelty == other.novelty


def test_kept_inputs_are_embedded_as_well(embedder: PhotoEmbedder):
    photo = embedder.embed(RED)

    kept = embedder.embed_kept(pack_pixels(photo.pixels))

    np.testing.assert_array_equal(kept.mean, photo.mean)


def test_what_is_wrong_with_a_photo_comes_back_whole(
    processes: EncoderProcesses, tiny_bundle: Bundle
):
    limits = ImageLimits(max_pixels=10)
    small = PhotoEmbedder(Encoder(tiny_bundle), limits, processes)
    (expected,) = embed_photos(small.encoder, [RED], limits)

    with pytest.raises(ImageTooLarge) as raised:
        small.embed(RED)

    assert isinstance(expected, ImageTooLarge)
    assert (raised.value.message, raised.value.metadata) == (expected.message, expected.metadata)


def test_stages_are_told_where_they_are_waited_for(embedder: PhotoEmbedder):
    told: list[StageRun] = []
    watch_stages(told.append)

    embedder.embed(RED)

    assert [run.stage for run in told] == [Stage.DECODE, Stage.INFERENCE]
    assert all(run.duration_ns > 0 for run in told)


def test_photo_that_ends_its_process_is_refused_and_its_neighbours_are_not(
    embedder: PhotoEmbedder,
):
    first, deadly, last = embedder.embed_many([RED, DEADLY, BLUE])

    assert isinstance(first, EmbeddedPhoto)
    assert isinstance(last, EmbeddedPhoto)
    assert isinstance(deadly, ImageUndecodable)
    assert f"signal {signal.SIGABRT}" in deadly.message
    assert isinstance(embedder.embed(RED), EmbeddedPhoto)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts as Linux does")
def test_process_keeps_the_memory_that_every_photo_takes(embedder: PhotoEmbedder):
    large = photo(2, (800, 1200), "WEBP")
    for _ in range(3):
        embedder.embed(large)
    (child,) = children()

    before = fault_count(child)
    for _ in range(10):
        embedder.embed(large)

    assert fault_count(child) - before < 100


def test_process_that_somebody_kills_is_replaced(embedder: PhotoEmbedder):
    embedder.embed(RED)
    for child in children():
        child.kill()
        child.wait(10)

    assert isinstance(embedder.embed(RED), EmbeddedPhoto)


def test_failure_of_a_function_is_raised_here_with_its_trace(
    processes: EncoderProcesses, tiny_bundle: Bundle
):
    with pytest.raises(RuntimeError, match="AttributeError") as raised:
        processes.run(tiny_bundle.id, cast(Any, Encoder.fit), "no pixels")

    assert any("Traceback" in note for note in raised.value.__notes__)


def test_process_that_does_not_start_is_not_the_photos_fault(
    embedder: PhotoEmbedder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(RuntimeError, match="did not start, with exit status 1"):
        embedder.embed(RED)


def test_encoder_that_is_forgotten_can_be_added_again(
    processes: EncoderProcesses, embedder: PhotoEmbedder, tiny_bundle: Bundle
):
    embedder.embed(RED)
    processes.forget(tiny_bundle.id)
    with pytest.raises(ResourceMissing):
        embedder.embed(RED)
    processes.add(tiny_bundle)

    assert isinstance(embedder.embed(RED), EmbeddedPhoto)


def test_closed_processes_are_gone_and_nothing_is_blamed_on_photos(
    processes: EncoderProcesses, embedder: PhotoEmbedder
):
    embedder.embed(RED)
    processes.close()

    assert children() == []
    with pytest.raises(ShuttingDown):
        embedder.embed(RED)


def test_processes_closed_before_they_are_ready_end_without_a_word(
    capfd: pytest.CaptureFixture[str],
):
    hasty = EncoderProcesses(2)
    hasty.start()
    hasty.close()

    assert children() == []
    assert capfd.readouterr().err == ""


def test_server_embeds_on_when_its_processes_are_killed(settings: Settings):
    request = encoder_service_pb2.EmbedImageRequest(content=RED)
    server = Server(replace(settings, embed_in_processes=True))
    server.start()
    with connect(server.address) as stubs:
        before = stubs.encoder.EmbedImage(request)
        for child in children():
            child.kill()
        after = stubs.encoder.EmbedImage(request)
    server.stop()

    assert before == after
    assert children() == []


def test_processes_end_with_a_server_that_is_killed(tmp_path: Path, tiny_bundle: Bundle):
    with Site(tiny_bundle.path, tmp_path / "data").server() as server:
        ours = psutil.Process(server.process.pid).children()
        server.kill()
        _, alive = psutil.wait_procs(ours, timeout=10)

    assert ours
    assert alive == []
