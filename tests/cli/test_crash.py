"""A server that is killed in the middle of an import: the next one goes on with it."""

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
from stylefacet.client import OperationState, StylefacetClient
from tests.cli.test_program import COMMAND
from tests.cli.test_serve import address_told_by

ROW_COUNT = 250


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An import root with a manifest of photos that take a moment each to decode."""
    folder = tmp_path / "root"
    folder.mkdir()
    rows = ["product_id,image,category"]
    rng = np.random.default_rng(0)
    for n in range(10):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (500, 400, 3), dtype=np.uint8)).save(buffer, "PNG")
        (folder / f"{n}.png").write_bytes(buffer.getvalue())
    rows += [f"p{n},{n % 10}.png,top" for n in range(ROW_COUNT)]
    (folder / "top.csv").write_text("\n".join(rows))
    return folder


def serve(tmp_path: Path, root: Path, bundle: Bundle) -> "subprocess.Popen[str]":
    words = ["--data-dir", str(tmp_path / "data"), "--bundle", str(bundle.path)]
    environment = os.environ | {
        "STYLEFACET_OPERATION_LEASE_S": "1",
        "STYLEFACET_WORKER_COUNT": "1",
        "STYLEFACET_IMPORT_ROOT": str(root),
    }
    return subprocess.Popen(
        [*COMMAND, "serve", *words, "--address", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_an_import_goes_on_after_a_crash(tmp_path: Path, root: Path, tiny_bundle: Bundle):
    with serve(tmp_path, root, tiny_bundle) as killed:
        with StylefacetClient(address_told_by(killed)) as client:
            name = client.import_on_server("top.csv").operation_id
            while not list(client.list_products()):
                time.sleep(0.1)  # each call writes a line to the pipe, which holds few
            killed.kill()
        killed.wait(timeout=30)
        assert killed.stderr is not None
        killed.stderr.read()
    with serve(tmp_path, root, tiny_bundle) as process:
        with StylefacetClient(address_told_by(process)) as client:
            before = len(list(client.list_products()))
            ended = list(client.watch_operation(name, timeout_s=60))[-1]
            after = len(list(client.list_products()))
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        assert process.stderr is not None
        process.stderr.read()

    assert 0 < before < ROW_COUNT == after
    assert (ended.state, ended.lost_count) == (OperationState.SUCCEEDED, 1)
    assert ended.imported is not None
    # Rows in the store whose count had not reached it are found there unchanged.
    counted = ended.imported.created_count + ended.imported.unchanged_count
    assert (counted, ended.imported.failed_count) == (ROW_COUNT, 0)
