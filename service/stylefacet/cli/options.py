"""Options that many commands share, and the connection they lead to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from stylefacet.client import DEFAULT_ADDRESS, StylefacetClient

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a command's server is, and the token for it."""

    address: str
    token: str | None

    def connect(self) -> StylefacetClient:
        """Returns a client, for use in a ``with`` statement."""
        return StylefacetClient(self.address, self.token)


def server_options(command: CommandT) -> CommandT:
    """Adds ``--address`` and ``--token``; the command gets both as ``target``."""

    def target(address: str, token: str | None) -> Target:
        return Target(address, token)

    def pack(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
        ctx.params["target"] = target(value, ctx.params.pop("token", None))
        return value

    command = click.option(
        "--address",
        default=DEFAULT_ADDRESS,
        envvar="STYLEFACET_ADDRESS",
        show_envvar=True,
        show_default=True,
        metavar="HOST:PORT",
        expose_value=False,
        callback=pack,
        help="Where the server is.",
    )(command)
    return click.option(
        "--token",
        envvar="STYLEFACET_TOKEN",
        show_envvar=True,
        is_eager=True,
        help="Bearer token, if the server asks for one.",
    )(command)


def json_option(command: CommandT) -> CommandT:
    """Adds ``--json``; the command gets it as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(
        command
    )
