"""`stylefacet serve`: starts a server and keeps it running; needs the server extra."""

import click

from stylefacet.cli.program import EXIT_USAGE, give_up
from stylefacet.cli.settings_options import SettingsChoice, settings_options


@click.command()
@settings_options
def serve(choice: SettingsChoice) -> None:
    """Serve a catalogue until interrupted.

    Every setting can also come from a TOML file or from the environment, such as
    STYLEFACET_DATA_DIR; `stylefacet settings` shows what results.

    \b
    Example:
      stylefacet serve --data-dir catalogue --bundle bundle --address 127.0.0.1:50051
    """
    require_server()
    from stylefacet.server.main import run_server

    run_server(choice.read().settings)


def require_server() -> None:
    """Ends the command with one line when the server's libraries are not installed."""
    try:
        import stylefacet.server.runtime  # noqa: F401  # only whether it can be imported
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "stylefacet":
            raise
        give_up(
            f"{error.name} is not installed; install stylefacet[server] "
            "(pip install 'stylefacet[server]')",
            EXIT_USAGE,
        )
