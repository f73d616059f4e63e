import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from stylefacet.cli import main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_asks_the_command_for_its_completions(shell: str):
    result = CliRunner().invoke(main, ["completion", shell])

    assert result.exit_code == 0
    assert f"_STYLEFACET_COMPLETE={shell}_complete" in result.stdout


def test_unknown_shell_is_refused():
    assert CliRunner().invoke(main, ["completion", "tcsh"]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "expected"), [("stylefacet exp", "export"), ("stylefacet features up", "update")]
)
def test_half_a_command_is_completed(words: str, expected: str):
    count = len(words.split()) - 1
    environment = os.environ | {
        "_STYLEFACET_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(count),
    }
    code = "from stylefacet.cli import main; main(prog_name='stylefacet')"
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert f"plain,{expected}" in found.stdout.split()
