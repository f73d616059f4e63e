"""`stylefacet settings`: what a server would be set to, and by what; starts nothing."""

import click

from stylefacet.cli.options import json_option
from stylefacet.cli.output import write_json, write_table
from stylefacet.cli.settings_options import SettingsChoice, settings_options


@click.command()
@settings_options
@json_option
def settings(choice: SettingsChoice, as_json: bool) -> None:
    """Show every setting of a server, its value and what set it.

    Takes the options, the file and the environment that `stylefacet serve` takes. Passwords in
    database URLs are hidden.

    \b
    Example:
      stylefacet settings --config stylefacet.toml
    """
    shown = choice.read().shown()
    if as_json:
        write_json({name: {"value": value, "source": source} for name, value, source in shown})
        return
    write_table(["setting", "value", "source"], [list(row) for row in shown])
