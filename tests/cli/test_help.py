from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from stylefacet.cli import main


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(path: tuple[str, ...]):
    result = CliRunner().invoke(main, [*path, "--help"])

    text = result.stdout.partition("Example")[2]
    assert result.exit_code == 0
    assert " ".join(("stylefacet", *path)) in text


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_option_has_a_help_text(path: tuple[str, ...]):
    command: click.Command = main
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]

    missing = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]

    assert missing == []


@pytest.mark.parametrize("word", ["list", "get", "images"])
def test_reading_commands_print_json_on_demand(word: str):
    groups = [g for g in main.commands.values() if isinstance(g, click.Group)]
    readers = [group.commands[word] for group in groups if word in group.commands]

    assert all("as_json" in {p.name for p in reader.params} for reader in readers)
    assert readers
