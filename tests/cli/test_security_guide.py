"""The five lines of service/SECURITY.md, run by a shell as they stand, at a free port."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stylefacet.bundle import Bundle

GUIDE = Path(__file__).parents[2] / "service" / "SECURITY.md"
PROGRAM = f'#!/bin/sh\nexec {sys.executable} -c "from stylefacet.cli import main; main()" "$@"\n'


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_tls_takes_five_lines(tmp_path: Path, tiny_bundle: Bundle):
    found = re.search(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    lines = found[1].splitlines()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    # The server's line starts it in the background: the last one is tried until it is there.
    script = "\n".join(
        [
            "set -e",
            *lines[:4],
            "trap 'kill $!; wait $! || true' EXIT",
            f"for i in 1 2 3 4 5 6; do {lines[4]} && exit 0; sleep 1; done; exit 1",
        ]
    ).replace("50051", str(port))
    program = tmp_path / "bin" / "stylefacet"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "STYLEFACET_BUNDLE": str(tiny_bundle.path)}

    result = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert len(lines) == 5
    assert result.returncode == 0, result.stderr
    assert "tiny-0" in result.stdout
    assert (tmp_path / "nightly.token").stat().st_mode & 0o777 == 0o600
