"""`stylefacet tokens`: who may come into a server, kept in a file beside it; asks no server."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from stylefacet.cli.options import FILE, json_option
from stylefacet.cli.output import tell, write_json, write_table
from stylefacet.errors import ResourceExists, ResourceMissing, StylefacetError

_file_option = click.option(
    "--file",
    "file",
    type=FILE,
    required=True,
    envvar="STYLEFACET_TOKENS_FILE",
    show_envvar=True,
    help="The server's tokens file.",
)


@click.group()
def tokens() -> None:
    """Make, list and revoke the bearer tokens of a server.

    The file holds hashes alone. A server that runs takes up changes within a second.

    \b
    Example:
      stylefacet tokens create nightly-import --scope write --file tokens.toml
    """


@tokens.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice(["read", "write"]),
    default="read",
    show_default=True,
    help="What it may do; writing includes reading.",
)
@click.option("--days", type=click.IntRange(min=1), help="Days until it expires [never].")
@click.option("--out", type=FILE, help="Write the token to this new file instead of printing it.")
@_file_option
def create(name: str, scope: str, days: int | None, out: Path | None, file: Path) -> None:
    """Make a token and print it, this once.

    \b
    Example:
      stylefacet tokens create nightly-import --scope write --file tokens.toml --out token
    """
    from stylefacet.server.tokens import Scope, make_token, read_tokens, write_tokens

    now = datetime.now(UTC).replace(microsecond=0)
    expire_time = None if days is None else now + timedelta(days=days)
    text, token = make_token(name, Scope(scope), now, expire_time)
    kept = read_tokens(file) if file.exists() else ()
    if any(one.name == name for one in kept):
        raise ResourceExists("token", name, "revoke it first, or choose another name")
    if out is not None:
        _write_secret(out, text)
    try:
        write_tokens(file, [*kept, token])
    except StylefacetError:
        if out is not None:
            out.unlink()
        raise
    if out is None:
        click.echo(text)
    kept_at = "where you put it now" if out is None else f"in {out}"
    tell(f"{name} may {scope}; the token is kept {kept_at} and nowhere else")


@tokens.command("list")
@_file_option
@json_option
def list_tokens(file: Path, as_json: bool) -> None:
    """List the tokens: names, scopes, times.

    \b
    Example:
      stylefacet tokens list --file tokens.toml
    """
    from stylefacet.server.tokens import read_tokens

    now = datetime.now(UTC)
    rows = [
        {
            "name": token.name,
            "scope": token.scope.value,
            "created": token.create_time.isoformat(timespec="seconds"),
            "expires": token.expire_time.isoformat(timespec="seconds") if token.expire_time else "",
            "expired": token.expire_time is not None and token.expire_time <= now,
        }
        for token in read_tokens(file)
    ]
    if as_json:
        write_json(rows)
        return
    write_table(
        ["name", "scope", "created", "expires"],
        [
            [
                str(row["name"]),
                str(row["scope"]),
                str(row["created"]),
                f"{row['expires']}{' (expired)' if row['expired'] else ''}",
            ]
            for row in rows
        ],
    )


@tokens.command()
@click.argument("name")
@_file_option
def revoke(name: str, file: Path) -> None:
    """Take a token out of the file.

    \b
    Example:
      stylefacet tokens revoke nightly-import --file tokens.toml
    """
    from stylefacet.server.tokens import read_tokens, write_tokens

    kept = read_tokens(file)
    left = [token for token in kept if token.name != name]
    if len(left) == len(kept):
        raise ResourceMissing("token", name, "list them with `stylefacet tokens list`")
    write_tokens(file, left)
    tell(f"{name} is revoked")


def _write_secret(path: Path, text: str) -> None:
    """Writes a new file that its owner alone may read."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ResourceExists("file", str(path), "choose another") from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
