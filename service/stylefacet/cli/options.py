"""Options that many commands share, and the connection they lead to."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from stylefacet.client import DEFAULT_ADDRESS, StylefacetClient, Tls
from stylefacet.errors import InvalidField

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)


# Where a token may stand beside --token-file: not in the arguments, which every user of a machine
# can list.
TOKEN_VARIABLE = "STYLEFACET_TOKEN"
_FLAGS: dict[str, dict[str, Any]] = {
    "--address": {
        "default": DEFAULT_ADDRESS,
        "envvar": "STYLEFACET_ADDRESS",
        "show_default": True,
        "metavar": "HOST:PORT",
        "help": "Where the server is.",
    },
    "--token-file": {
        "type": FILE,
        "envvar": "STYLEFACET_TOKEN_FILE",
        "help": f"File of a bearer token; {TOKEN_VARIABLE} can hold one as well.",
    },
    "--tls": {
        "is_flag": True,
        "envvar": "STYLEFACET_TLS",
        "help": "Encrypt, and trust the authorities that browsers trust.",
    },
    "--tls-ca": {
        "type": FILE,
        "envvar": "STYLEFACET_TLS_CA",
        "help": "Encrypt, and trust the authorities in this PEM file.",
    },
    "--tls-cert": {
        "type": FILE,
        "envvar": "STYLEFACET_CLIENT_CERT",
        "help": "PEM file of a client's certificate, if the server asks for one.",
    },
    "--tls-key": {
        "type": FILE,
        "envvar": "STYLEFACET_CLIENT_KEY",
        "help": "PEM file of the certificate's key.",
    },
    "--tls-server-name": {
        "envvar": "STYLEFACET_TLS_SERVER_NAME",
        "default": "",
        "help": "Name in the server's certificate, when the address is another.",
    },
    "--allow-plaintext-token": {
        "is_flag": True,
        "envvar": "STYLEFACET_ALLOW_PLAINTEXT_TOKEN",
        "help": "Send the token unencrypted to another machine.",
    },
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a command's server is, and how to get in."""

    address: str
    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    allow_plaintext_token: bool = False

    def connect(self) -> StylefacetClient:
        """Returns a client, for use in a ``with`` statement."""
        return StylefacetClient(
            self.address,
            self.token,
            tls=self.tls,
            allow_plaintext_token=self.allow_plaintext_token,
        )


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of a connection; the command gets them as ``target``."""

    @wraps(command)
    def run(
        address: str,
        token_file: Path | None,
        tls: bool,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        tls_server_name: str,
        allow_plaintext_token: bool,
        **others: Any,
    ) -> Any:
        encrypts = tls or tls_ca or tls_cert or tls_key
        target = Target(
            address,
            _read_token(token_file),
            Tls(tls_ca, tls_cert, tls_key, tls_server_name) if encrypts else None,
            allow_plaintext_token,
        )
        return command(target=target, **others)

    decorated: Callable[..., Any] = run
    for flag, attributes in reversed(_FLAGS.items()):
        decorated = click.option(flag, show_envvar=True, **attributes)(decorated)
    return decorated


def _read_token(file: Path | None) -> str | None:
    """Returns the token of a file, or of the environment."""
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        token = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise InvalidField("--token-file", f"{file} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InvalidField("--token-file", f"{file} holds no token") from error
    if not token:
        raise InvalidField("--token-file", f"{file} is empty")
    return token


def encoder_option(command: CommandT) -> CommandT:
    """Adds ``--encoder``, for what is about the products of one of several encoders."""
    return click.option(
        "--encoder", default="", help="Whose products or features [the default encoder's]."
    )(command)


def json_option(command: CommandT) -> CommandT:
    """Adds ``--json``; the command gets it as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(
        command
    )
