"""The options of commands that run beside a server's data: settings by flag, file, environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylefacet.cli.options import FILE

if TYPE_CHECKING:  # a client's installation runs without the server's modules
    from stylefacet.server.settings_sources import SourcedSettings

# The settings with a flag of their own; `--set` reaches the others.
_FLAGS: dict[str, dict[str, Any]] = {
    "data_dir": {"type": FILE, "help": "Where the catalogue is kept [./stylefacet-data]."},
    "bundle": {"type": FILE, "help": "Folder of the encoder bundle [the shipped one]."},
    "address": {"metavar": "HOST:PORT", "help": "Where to listen [127.0.0.1:50051]."},
    "database_url": {"help": "Another database than SQLite in the data directory."},
    "import_root": {"type": FILE, "help": "Folder that imports on the server may read [none]."},
    "tls_cert": {"type": FILE, "help": "PEM file of the server's certificate and chain [none]."},
    "tls_key": {"type": FILE, "help": "PEM file of the certificate's key [none]."},
    "tls_client_ca": {"type": FILE, "help": "PEM file of who signs clients' certificates [none]."},
    "tokens_file": {"type": FILE, "help": "Tokens let in; see `stylefacet tokens` [none]."},
    "allow_insecure": {
        "is_flag": True,
        "default": None,
        "help": "Listen beyond this machine although whoever reaches the port may read and write.",
    },
}


@dataclass(frozen=True, slots=True)
class SettingsChoice:
    """What the command line says of settings; :meth:`read` joins it with file and environment."""

    flags: Mapping[str, object]
    file: Path | None

    def read(self) -> "SourcedSettings":
        """Returns the settings and where each comes from.

        Raises:
            SettingInvalid: for one that cannot be used.
        """
        from stylefacet.server.settings_sources import read_settings

        return read_settings(self.flags, file=self.file)


def settings_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options of settings; the command gets them as ``choice``."""

    @wraps(command)
    def run(config: Path | None, given: dict[str, str], **options: Any) -> Any:
        flags = {name: options.pop(name) for name in _FLAGS}
        return command(choice=SettingsChoice(flags | given, config), **options)

    decorated: Callable[..., Any] = click.option(
        "--set",
        "given",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_split,
        help="Any other setting; can be repeated. `stylefacet settings` lists them.",
    )(run)
    decorated = click.option(
        "--config",
        type=FILE,
        envvar="STYLEFACET_CONFIG",
        show_envvar=True,
        help="TOML file of settings; environment and flags win over it.",
    )(decorated)
    for name, attributes in reversed(_FLAGS.items()):
        decorated = click.option(f"--{name.replace('_', '-')}", **attributes)(decorated)
    return decorated


def _split(
    context: click.Context, parameter: click.Parameter, words: tuple[str, ...]
) -> dict[str, str]:
    given = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise click.BadParameter(f"{word!r} is not NAME=VALUE", context, parameter)
        given[name.replace("-", "_")] = value
    return given
