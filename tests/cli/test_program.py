import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from stylefacet.cli import main
from stylefacet.cli.program import typed_program
from tests.cli.conftest import Run

COMMAND = [sys.executable, "-c", "from stylefacet.cli import main; main()"]


def outside(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )


def test_no_server_is_one_line_and_exit_1():
    result = CliRunner().invoke(main, ["products", "list", "--address", "127.0.0.1:1"])

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: no server answers at 127.0.0.1:1")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["search"],
        ["search", "--product", "p1", "--image", "x.jpg"],
        ["search", "--product", "p1", "--limit", "0"],
        ["search", "--product", "p1", "--weight", "collar"],
        ["search", "--product", "p1", "--weight", "collar=nan"],
        ["search", "--product", "p1", "--weight", "collar=-1"],
        ["search", "--product", "p1", "--weight", "collar=inf"],
        ["search", "--product", "p1", "--weight", "collar=1", "--weight", "collar=2"],
        ["features", "create", "f"],
        ["features", "create", "f", "--dimensions", "1,x"],
        ["products", "update", "p1"],
        ["products", "update", "p1", "--number", "price=cheap"],
        ["import", "/no/such/folder"],
        ["serve", "--address", "here"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_2(words: list[str]):
    result = CliRunner().invoke(main, words)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_refusal_by_the_server_is_one_line(filled: Run):
    unknown = filled("search", "--product", "p1", "--weight", "hem=1")
    malformed = filled("search", "--product", "p1", "--filter", 'category = "top')

    assert (unknown.exit_code, malformed.exit_code) == (1, 2)
    assert "hem" in unknown.stderr
    assert "position" in malformed.stderr
    assert unknown.stderr.count("\n") == malformed.stderr.count("\n") == 1


def test_file_that_cannot_be_written_is_one_line(filled: Run, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")

    result = filled("search", "--product", "p1", "--sheet", tmp_path / "file" / "s.png")

    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_reader_that_goes_away_is_no_failure_to_tell_of():
    ends = f"{' '.join(map(repr_for_shell, COMMAND))} --help | true"
    result = subprocess.run(ends, shell=True, capture_output=True, text=True, check=False)

    assert result.stderr == ""


def repr_for_shell(word: str) -> str:
    return f"'{word}'"


def test_client_commands_load_neither_numpy_nor_the_server():
    code = (
        "import sys, stylefacet.cli;"
        "print([m for m in ('numpy', 'onnxruntime', 'faiss', 'sqlalchemy', 'stylefacet.server')"
        " if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert result.stdout.strip() == "[]"


def test_serving_without_the_extra_says_what_to_install():
    code = (
        "import sys; sys.modules['onnxruntime'] = None;"
        "from stylefacet.cli import main; main(['serve'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert result.returncode == 2
    assert "install stylefacet[server]" in result.stderr
    assert result.stderr.count("\n") == 1


def test_folder_that_is_no_bundle_stops_the_start(tmp_path: Path):
    result = outside("serve", "--data-dir", str(tmp_path / "d"), "--bundle", str(tmp_path))

    assert result.returncode == 2
    assert "is no usable encoder bundle" in result.stderr
    assert result.stderr.count("\n") == 1


def test_program_is_named_as_it_must_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "stylefacet"
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])

    monkeypatch.setenv("PATH", str(tmp_path))
    assert typed_program() == "stylefacet"
    monkeypatch.setenv("PATH", "")
    assert typed_program() == str(program)
