import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "service" / "stylefacet" / "v1"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated")
    command = [sys.executable, str(ROOT / "proto" / "generate.py"), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return out / "stylefacet" / "v1"


def test_committed_code_is_what_the_contract_generates(generated: Path):
    names = sorted(path.name for path in generated.iterdir() if path.is_file())
    committed = sorted(path.name for path in COMMITTED.iterdir() if path.is_file())

    assert committed == names
    _, differing, unreadable = filecmp.cmpfiles(COMMITTED, generated, names, shallow=False)
    assert (differing, unreadable) == ([], []), "run `poe proto` and commit the result"
