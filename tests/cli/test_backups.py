import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stylefacet.bundle import Bundle
from stylefacet.cli import main
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.cli.test_program import outside


def command(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def beside(settings: Settings, filled) -> list[object]:
    """The options that lead beside a running server's data: 24 products."""
    return ["--data-dir", settings.data_dir, "--bundle", settings.bundle]


def test_a_backup_is_taken_and_restored(beside, tmp_path: Path):
    taken = command("backup", "--out", tmp_path / "b", *beside, "--json")
    restored = command("restore", tmp_path / "b", "--data-dir", tmp_path / "new")
    looked = command(
        "doctor", "--data-dir", tmp_path / "new", "--bundle", tmp_path / "new" / "bundle"
    )

    assert json.loads(taken.stdout)["catalogue"]["product_count"] == 24
    assert (restored.exit_code, looked.exit_code) == (0, 0), restored.stderr + looked.stdout
    assert "products  24" in restored.stdout
    assert f"--data-dir {tmp_path / 'new'} --bundle" in restored.stderr


def test_doctor_asks_a_running_server_for_its_index(tmp_path: Path, tiny_bundle: Bundle):
    words = ["--data-dir", tmp_path / "d", "--bundle", tiny_bundle.path]
    running = Server(
        Settings(tmp_path / "d", tiny_bundle.path, "127.0.0.1:0", metrics_address="127.0.0.1:0")
    )
    running.start()
    metrics = running.metrics_address
    asked = command("doctor", *words, "--set", f"metrics_address={metrics}", "--json")
    running.stop()
    gone = command("doctor", *words, "--set", f"metrics_address={metrics}", "--json")

    assert json.loads(asked.stdout)[-1]["level"] == "ok"
    assert json.loads(asked.stdout)[-1]["text"] == "0 images, at change 0 of 0"
    assert json.loads(gone.stdout)[-1]["level"] == "skipped"


def test_doctor_ends_with_one_when_something_failed(tmp_path: Path, tiny_bundle: Bundle):
    result = command("doctor", "--data-dir", tmp_path / "no", "--bundle", tiny_bundle.path)

    assert result.exit_code == 1
    assert "FAILED   store" in result.stdout
    assert "-> check --data-dir" in result.stdout


def test_mistakes_are_one_line(beside, tmp_path: Path):
    (tmp_path / "there").mkdir()
    for words in (
        ["backup", "--out", tmp_path / "there", *beside],
        ["backup", "--out", tmp_path / "b", "--data-dir", tmp_path / "none"],
        ["restore", tmp_path / "there", "--data-dir", tmp_path / "new"],
        ["backup", "--out", tmp_path / "b", "--database-url", "postgresql://me@localhost/shop"],
    ):
        result = outside(*map(str, words))

        assert result.returncode == 2
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("error: ")
