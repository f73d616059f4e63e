"""The model runtime keeps its use to itself."""

import os
import subprocess
import sys
from pathlib import Path

from stylefacet.bundle import Bundle

PROGRAM = """
import sys
from pathlib import Path
from stylefacet.bundle import read_bundle
from stylefacet.inference import Encoder
print(Encoder(read_bundle(Path(sys.argv[1]))).id)
"""


def test_loading_an_encoder_leaves_nothing_in_the_home_folder(tmp_path: Path, tiny_bundle: Bundle):
    kept = {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tiny_bundle.path)],
        env=kept,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.strip() == tiny_bundle.id
    assert list(tmp_path.rglob("*")) == []
