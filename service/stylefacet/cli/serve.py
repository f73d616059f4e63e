"""`stylefacet serve`: starts a server and keeps it running; needs the server extra."""

from pathlib import Path

import click

from stylefacet.cli.options import FILE
from stylefacet.cli.program import EXIT_USAGE, give_up


@click.command()
@click.option("--data-dir", type=FILE, help="Where the catalogue is kept [./stylefacet-data].")
@click.option("--bundle", type=FILE, help="Folder of the encoder bundle [the shipped one].")
@click.option("--address", metavar="HOST:PORT", help="Where to listen [127.0.0.1:50051].")
@click.option("--config", type=FILE, help="TOML file of settings; flags win over it.")
@click.option("--database-url", help="Another database than SQLite in the data directory.")
@click.option("--import-root", type=FILE, help="Folder that imports on the server may read [none].")
@click.option(
    "--allow-insecure",
    is_flag=True,
    default=None,
    help="Listen beyond this machine although whoever reaches the port may read and write.",
)
def serve(
    data_dir: Path | None,
    bundle: Path | None,
    address: str | None,
    config: Path | None,
    database_url: str | None,
    import_root: Path | None,
    allow_insecure: bool | None,
) -> None:
    """Serve a catalogue until interrupted.

    Every setting can also come from a TOML file or from the environment, such as
    STYLEFACET_DATA_DIR.

    \b
    Example:
      stylefacet serve --data-dir catalogue --bundle bundle --address 127.0.0.1:50051
    """
    require_server()
    from stylefacet.server.main import run_server
    from stylefacet.server.settings import load_settings

    flags = {
        "data_dir": data_dir,
        "bundle": bundle,
        "address": address,
        "database_url": database_url,
        "import_root": import_root,
        "allow_insecure": allow_insecure,
    }
    run_server(load_settings(flags, file=config))


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
