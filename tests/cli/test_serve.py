import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest

from stylefacet.bundle import Bundle
from stylefacet.client import RetryPolicy, StylefacetClient
from stylefacet.server.runtime import Server
from stylefacet.v1.encoder_service_pb2 import EmbedImageRequest
from stylefacet.v1.encoder_service_pb2_grpc import EncoderServiceStub
from tests.cli.test_program import COMMAND, outside
from tests.conftest import photo
from tests.server.stubs import never


def serve(data_dir: Path, bundle: Bundle, address: str, *more: str) -> "subprocess.Popen[str]":
    words = ["serve", "--data-dir", str(data_dir), "--bundle", str(bundle.path), *more]
    return subprocess.Popen(
        [*COMMAND, *words, "--address", address], stderr=subprocess.PIPE, text=True
    )


def address_told_by(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line)["event"] == "serving":
            return str(json.loads(line)["address"])
    raise AssertionError("the server ended without a word")


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_server_serves_until_it_is_told_to_stop(tmp_path: Path, tiny_bundle: Bundle):
    with serve(tmp_path, tiny_bundle, "127.0.0.1:0") as process:
        with StylefacetClient(address_told_by(process), retry=RetryPolicy(attempts=1)) as client:
            encoder = client.get_encoder()
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=30)
        assert process.stderr is not None
        process.stderr.read()

    assert encoder.display_name == "tiny-0"
    assert code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_server_ends_within_its_grace_though_a_caller_stays(tmp_path: Path, tiny_bundle: Bundle):
    grace = ("--set", "shutdown_grace_s=1")
    with serve(tmp_path, tiny_bundle, "127.0.0.1:0", *grace) as process:
        address = address_told_by(process)
        with grpc.insecure_channel(address) as channel, never() as requests:
            held = EncoderServiceStub(channel).StreamingEmbedImages(requests)
            StylefacetClient(address).get_encoder()
            process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            code = process.wait(timeout=30)
            took_s = time.monotonic() - started
            held.cancel()
        assert process.stderr is not None
        process.stderr.read()

    assert code == 0
    assert 0.5 < took_s < 10


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_second_signal_waits_for_nobody(tmp_path: Path, tiny_bundle: Bundle):
    notice = ("--set", "shutdown_notice_s=60")
    with serve(tmp_path, tiny_bundle, "127.0.0.1:0", *notice) as process:
        address_told_by(process)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=20)
        assert process.stderr is not None
        process.stderr.read()

    assert code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_server_ends_although_a_photo_never_does(tmp_path: Path, tiny_bundle: Bundle):
    # In the place of a decoder that runs for minutes; Python waits for such threads at its end.
    stuck = (
        "import time; from stylefacet.app.photos import PhotoEmbedder; "
        "PhotoEmbedder.embed = PhotoEmbedder.embed_many = lambda *given: time.sleep(120); "
        "from stylefacet.cli import main; main()"
    )
    words = ["--data-dir", str(tmp_path), "--bundle", str(tiny_bundle.path)]
    with subprocess.Popen(
        [sys.executable, "-c", stuck, "serve", *words, "--address", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "STYLEFACET_SHUTDOWN_GRACE_S": "0.5"},
    ) as process:
        with grpc.insecure_channel(address_told_by(process)) as channel:
            call = EncoderServiceStub(channel).EmbedImage.future(
                EmbedImageRequest(content=photo(1))
            )
            time.sleep(1)
            process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            code = process.wait(timeout=60)
            took_s = time.monotonic() - started
            assert call.exception() is not None
        assert process.stderr is not None
        told = [json.loads(line)["event"] for line in process.stderr]

    assert code == 0
    assert took_s < 30
    assert told[-1] == "stopped"


def test_port_in_use_is_one_line(server: Server, tmp_path: Path, tiny_bundle: Bundle):
    words = ["--data-dir", str(tmp_path / "other"), "--bundle", str(tiny_bundle.path)]
    result = outside("serve", *words, "--address", server.address)

    told = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 2
    assert len(told) == 1
    assert "is another server there" in told[0]
