"""`stylefacet backup` and `restore`: a catalogue in SQLite with its bundle, while servers write."""

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylefacet.cli.options import FILE, json_option
from stylefacet.cli.output import progress_bar, tell, write_facts, write_json
from stylefacet.cli.program import typed_program
from stylefacet.cli.serve import require_server
from stylefacet.cli.settings_options import SettingsChoice, settings_options

if TYPE_CHECKING:  # a client's installation runs without the server's modules
    from stylefacet.app.backups import Backup


@click.command()
@click.option("--out", type=FILE, required=True, help="The folder to make; it must not exist.")
@settings_options
@json_option
def backup(out: Path, choice: SettingsChoice, as_json: bool) -> None:
    """Copy a catalogue and its bundle as they are now.

    Takes the options, the file and the environment that `stylefacet serve` takes. Servers go on
    writing meanwhile: the copy is what was committed when it began. The folder appears when all of
    it is written and on disk.

    \b
    Example:
      stylefacet backup --data-dir catalogue --out backups/2026-11-21
    """
    require_server()
    from stylefacet.app.backups import back_up

    settings = choice.read().settings
    with progress_bar("Copying", 1) as bar:
        made = back_up(
            settings.store_url,
            settings.bundle,
            out,
            lambda: datetime.now(UTC),
            lambda done_bytes, total_bytes: bar.show("Copying", done_bytes, total_bytes),
        )
    _write(made, as_json)


@click.command()
@click.argument("backup", type=FILE)
@settings_options
@json_option
def restore(backup: Path, choice: SettingsChoice, as_json: bool) -> None:
    """Put a backup into a data directory that holds no catalogue.

    Each file is compared with the digest that was taken when it was backed up. A backup of an
    earlier release is brought up to this one's schema by the next start.

    \b
    Example:
      stylefacet restore backups/2026-11-21 --data-dir restored
    """
    require_server()
    from stylefacet.app.backups import BUNDLE_FOLDER
    from stylefacet.app.backups import restore as restore_backup

    data_dir = choice.read().settings.data_dir
    with progress_bar("Restoring", 1) as bar:
        made = restore_backup(
            backup,
            data_dir,
            lambda done_bytes, total_bytes: bar.show("Restoring", done_bytes, total_bytes),
        )
    _write(made, as_json)
    words = ["--data-dir", str(data_dir), "--bundle", str(data_dir / BUNDLE_FOLDER)]
    tell(f"Serve it: {typed_program()} serve {shlex.join(words)}")


def _write(backup: "Backup", as_json: bool) -> None:
    if as_json:
        write_json(backup)
        return
    catalogue = backup.catalogue
    write_facts(
        {
            "taken": backup.create_time,
            "products": f"{catalogue.product_count:,}",
            "images": f"{catalogue.image_count:,}",
            "change": str(catalogue.sequence),
            "encoder": catalogue.encoder_id or "none yet",
            "size": f"{backup.size_bytes / 1e6:,.1f} MB",
        }
    )
