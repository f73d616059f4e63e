"""A server that is killed while another encoder takes over: the next one goes on with it."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefacet.bundle import Bundle
from stylefacet.client import OperationState, Product, StylefacetClient, UploadRow
from tests.cli.test_program import COMMAND
from tests.cli.test_serve import address_told_by

IMAGE_COUNT = 400


def serve(folder: Path, bundle: Bundle) -> "subprocess.Popen[str]":
    words = ["--data-dir", str(folder / "data"), "--bundle", str(bundle.path)]
    environment = os.environ | {
        "STYLEFACET_OPERATION_LEASE_S": "1",
        "STYLEFACET_WORKER_COUNT": "1",
    }
    return subprocess.Popen(
        [*COMMAND, "serve", *words, "--address", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def rows() -> list[UploadRow]:
    rng = np.random.default_rng(0)
    found = []
    for n in range(IMAGE_COUNT):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (32, 24, 3), dtype=np.uint8)).save(buffer, "PNG")
        found.append(UploadRow(n, Product(f"p{n}", "top"), buffer.getvalue))
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_a_switch_goes_on_after_a_crash(tmp_path: Path, tiny_bundle: Bundle, other_bundle: Bundle):
    with serve(tmp_path, tiny_bundle) as killed:
        with StylefacetClient(address_told_by(killed)) as client:
            list(client.upload(rows()))
            encoder = client.install_encoder(other_bundle.path).encoder_id
            before = client.search(product="p0", limit=5)
            name = client.activate_encoder(encoder).operation_id
            while not (embedded := client.get_encoder(encoder).embedded_image_count):
                time.sleep(0.01)
            killed.kill()
        killed.wait(timeout=30)
        assert killed.stderr is not None
        killed.stderr.read()
    with serve(tmp_path, tiny_bundle) as process:
        with StylefacetClient(address_told_by(process)) as client:
            after_crash = client.search(product="p0", limit=5)
            went_on = client.get_encoder(encoder).embedded_image_count
            ended = list(client.watch_operation(name, timeout_s=60))[-1]
            after = client.search(product="p0", limit=1000)
            back = client.wait_for_operation(client.rollback_encoder().operation_id)
            rolled_back = client.search(product="p0", limit=5)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        assert process.stderr is not None
        process.stderr.read()

    assert 0 < embedded <= went_on
    assert (ended.state, ended.lost_count) == (OperationState.SUCCEEDED, 1)
    assert after.encoder == encoder
    assert len(after.hits) == IMAGE_COUNT - 1
    # Until the switch nothing had changed, and the roll-back finds everything embedded.
    if after_crash.encoder == before.encoder:
        assert after_crash.hits == before.hits
    assert rolled_back.hits == before.hits
    assert back.switch is not None
    assert back.switch.shifts[0].embedded_count == IMAGE_COUNT
