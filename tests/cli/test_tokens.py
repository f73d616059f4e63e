import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stylefacet.cli import main
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.certificates import Authority


def tokens(*words: str, file: Path) -> Result:
    return CliRunner().invoke(main, ["tokens", *words, "--file", str(file)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


def test_token_is_printed_once_and_listed_by_name(file: Path):
    made = tokens("create", "night", "--scope", "write", "--days", "30", file=file)
    listed = json.loads(tokens("list", "--json", file=file).stdout)

    assert made.stdout.startswith("sf_")
    assert made.stdout.strip() not in file.read_text()
    assert [(row["name"], row["scope"], row["expired"]) for row in listed] == [
        ("night", "write", False)
    ]


def test_revoked_token_is_gone(file: Path):
    tokens("create", "night", file=file)
    tokens("create", "day", file=file)
    tokens("revoke", "night", file=file)

    assert [row["name"] for row in json.loads(tokens("list", "--json", file=file).stdout)] == [
        "day"
    ]


def test_token_that_is_not_kept_is_not_written_either(tmp_path: Path):
    out = tmp_path / "token"
    failed = tokens("create", "night", "--out", str(out), file=tmp_path / "none" / "tokens.toml")
    made = tokens("create", "night", "--out", str(out), file=tmp_path / "tokens.toml")
    again = tokens("create", "day", "--out", str(out), file=tmp_path / "tokens.toml")

    assert (failed.exit_code, made.exit_code, again.exit_code) == (2, 0, 1)
    assert out.read_text().startswith("sf_")
    assert made.stdout == ""
    assert out.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "night"), "exists already"),
        (("create", "a name"), "letters"),
        (("revoke", "nobody"), "does not exist"),
    ],
)
def test_what_cannot_be_done_is_one_line(file: Path, words: tuple[str, ...], told: str):
    tokens("create", "night", file=file)
    result = tokens(*words, file=file)

    assert result.exit_code != 0
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_commands_come_in_with_tls_and_a_token(settings: Settings, file: Path, tmp_path: Path):
    authority = Authority(tmp_path)
    pair = authority.issue("server")
    token = tokens("create", "reader", file=file).stdout
    (tmp_path / "token").write_text(token)
    server = Server(replace(settings, tls_cert=pair.cert, tls_key=pair.key, tokens_file=file))
    server.start()
    here = ["--address", server.address, "--tls-ca", str(authority.path)]
    listing, runner = ["products", "list", "--json", *here], CliRunner()

    by_file = runner.invoke(main, [*listing, "--token-file", str(tmp_path / "token")])
    by_variable = runner.invoke(main, listing, env={"STYLEFACET_TOKEN": token.strip()})
    without = runner.invoke(main, listing)
    deleting = ["products", "delete", "p1", *here]
    writing = runner.invoke(main, deleting, env={"STYLEFACET_TOKEN": token.strip()})
    server.stop()

    assert (by_file.exit_code, by_variable.exit_code) == (0, 0), by_file.stderr
    assert (without.exit_code, writing.exit_code) == (1, 1)
    assert "send a valid bearer token" in without.stderr
    assert "write scope" in writing.stderr


def test_every_command_that_asks_a_server_takes_the_same_options():
    connecting = [
        command
        for group in (main, *main.commands.values())
        for command in getattr(group, "commands", {}).values()
        if "address" in (names := {p.name for p in command.params}) and "config" not in names
    ]
    wanted = {"token_file", "tls_ca", "tls_cert", "tls_key"}

    assert len(connecting) > 20
    assert all(wanted <= {p.name for p in command.params} for command in connecting)
    assert not any("token" in {p.name for p in command.params} for command in connecting)


def test_token_file_that_cannot_be_read_is_one_line(tmp_path: Path):
    result = CliRunner().invoke(
        main, ["products", "list", "--token-file", str(tmp_path / "nowhere")]
    )

    assert result.exit_code == 2
    assert result.stderr.startswith("error: --token-file:")
    assert result.stderr.count("\n") == 1
