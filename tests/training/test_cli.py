import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from stylefacet_training.cli import main


def run_command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_folder_becomes_a_bundle_by_two_commands(photos: Path, tmp_path: Path):
    tiny = ("height_px=32", "width_px=32", "batch_size=8", "beta=0")
    settings = [f"--set={setting}" for setting in tiny]
    trained = run_command(
        "train", "--data", photos, "--out", tmp_path / "run", "--epochs", 2, "--json", *settings
    )
    exported = run_command(
        "export", tmp_path / "run", "--out", tmp_path / "bundle", "--licence", "CC0-1.0", "--json"
    )

    assert trained.exit_code == 0, trained.output
    assert json.loads(trained.stdout)["picture_count"] == 64
    assert exported.exit_code == 0, exported.output
    assert json.loads(exported.stdout)["features"] == ["latent"]


def test_a_resume_needs_no_other_flag(photos: Path, tmp_path: Path):
    settings = ["--set", "height_px=32", "--set", "width_px=32"]
    run_command("train", "--data", photos, "--out", tmp_path, "--epochs", 1, *settings)

    resumed = run_command("train", "--out", tmp_path, "--resume", "--epochs", 2, "--json")

    assert resumed.exit_code == 0, resumed.output
    assert json.loads(resumed.stdout)["epochs"] == 2


def test_plots_are_drawn_again(tiny_run, tmp_path: Path):
    result = run_command("plot", tiny_run.path, "--out", tmp_path, "--json")

    pictures = [Path(path) for path in json.loads(result.stdout)["pictures"]]
    assert len(pictures) == 3
    assert all(path.parent == tmp_path and path.is_file() for path in pictures)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["train", "--data", "nowhere", "--out", "run"], 1, "'nowhere' does not exist"),
        (["train", "--data", ".", "--out", "run"], 2, "holds no photo"),
        (["train", "--out", "run"], 2, "name a folder of photos"),
        (["train", "--data", ".", "--out", "run", "--preset", "x"], 2, "is none of thesis"),
        (["train", "--data", ".", "--out", "run", "--set", "beta"], 2, "not NAME=VALUE"),
        (["train", "--data", ".", "--out", "run", "--set", "bta=1"], 2, "did you mean 'beta'"),
        (["export", "nowhere", "--out", "bundle"], 1, "make one with"),
        (["plot", "nowhere"], 1, "make one with"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    arguments, exit_code, words, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    result = run_command(*arguments)

    assert result.exit_code == exit_code
    assert words in result.stderr
    assert "Traceback" not in result.output


def commands_by_words():
    """Yields each command under the words that call it, those of groups too."""
    for name, command in sorted(main.commands.items()):
        if isinstance(command, click.Group):
            yield from ((f"{name} {word}", each) for word, each in command.commands.items())
        else:
            yield name, command


@pytest.mark.parametrize(("name", "command"), list(commands_by_words()))
def test_every_command_has_help_with_an_example_and_json(name, command):
    text = command.get_help(click.Context(command))

    assert f"stylefacet-train {name}" in text
    assert "--json" in text
