"""`stylefacet doctor`: what is wrong with a catalogue and its server, and what to do about it."""

import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import click

from stylefacet.cli.options import json_option
from stylefacet.cli.output import write_json
from stylefacet.cli.program import EXIT_FAILED
from stylefacet.cli.serve import require_server
from stylefacet.cli.settings_options import SettingsChoice, settings_options

if TYPE_CHECKING:  # a client's installation runs without the server's modules
    from stylefacet.app.examination import Finding

_TIMEOUT_S = 5.0
_MARKS = {"ok": "ok", "skipped": "--", "warning": "warning", "failure": "FAILED"}


@click.command()
@settings_options
@click.option(
    "--vectors",
    "with_vectors",
    is_flag=True,
    help="Embed every kept input again and compare: some milliseconds an image.",
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, choice: SettingsChoice, with_vectors: bool, as_json: bool) -> None:
    """Examine store, bundle, disk and index, and say what to do.

    Takes the options, the file and the environment that `stylefacet serve` takes, beside a running
    server or without one; changes nothing. The index is asked about at `metrics_address`.
    Ends with 1 when something has failed.

    \b
    Example:
      stylefacet doctor --data-dir catalogue
    """
    require_server()
    from stylefacet.app.examination import Level, Patient, examine

    settings = choice.read().settings
    data_dir = None if settings.database_url else settings.data_dir
    patient = Patient(settings.store_url, data_dir, settings.bundle, settings.keep_inputs)
    found = []
    for finding in (*examine(patient, with_vectors), _ask_index(settings.metrics_address)):
        found.append(finding)
        if not as_json:
            click.echo(f"{_MARKS[finding.level]:8} {finding.subject:9} {finding.text}")
            if finding.remedy:
                click.echo(f"{'':8} {'':9} -> {finding.remedy}")
    if as_json:
        write_json(found)
    if any(finding.level is Level.FAILURE for finding in found):
        ctx.exit(EXIT_FAILED)


def _ask_index(metrics_address: str) -> "Finding":
    """Asks a running server's metrics how far its index is."""
    from prometheus_client.parser import text_string_to_metric_families

    from stylefacet.app.examination import Finding, IndexState, Level, examine_index

    if not metrics_address:
        return Finding("index", Level.SKIPPED, "no metrics_address is set to ask a server at")
    try:
        url = f"http://{metrics_address}/metrics"
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        values = {s.name: int(s.value) for family in families for s in family.samples}
        state = IndexState(
            values["stylefacet_index_sequence"],
            values["stylefacet_store_sequence"],
            values["stylefacet_index_images"],
        )
    except (urllib.error.URLError, OSError):
        return Finding("index", Level.SKIPPED, f"no server serves metrics at {metrics_address}")
    except KeyError:
        return Finding(
            "index",
            Level.FAILURE,
            f"the server at {metrics_address} does not reach its store",
            "see its log, and check that its database answers",
        )
    except (ValueError, UnicodeDecodeError):
        return Finding(
            "index",
            Level.FAILURE,
            f"{metrics_address} answers with something else than metrics",
            "check metrics_address",
        )
    return examine_index(state)
