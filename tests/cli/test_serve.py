import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stylefacet.bundle import Bundle
from stylefacet.client import RetryPolicy, StylefacetClient
from stylefacet.server.runtime import Server
from tests.cli.test_program import COMMAND, outside


def serve(data_dir: Path, bundle: Bundle, address: str) -> "subprocess.Popen[str]":
    words = ["serve", "--data-dir", str(data_dir), "--bundle", str(bundle.path)]
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


def test_port_in_use_is_one_line(server: Server, tmp_path: Path, tiny_bundle: Bundle):
    words = ["--data-dir", str(tmp_path / "other"), "--bundle", str(tiny_bundle.path)]
    result = outside("serve", *words, "--address", server.address)

    told = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.returncode == 2
    assert len(told) == 1
    assert "is another server there" in told[0]


def test_data_of_another_encoder_are_refused(tmp_path: Path, server: Server, other_bundle: Bundle):
    # The server fixture keeps its data below the same tmp_path.
    words = ["--data-dir", str(tmp_path / "data"), "--bundle", str(other_bundle.path)]
    result = outside("serve", *words, "--address", "127.0.0.1:0")

    assert result.returncode == 2
    assert "belongs to encoder" in result.stderr
