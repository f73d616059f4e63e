"""`stylefacet encoders`: the models a server has installed, and which of them serve."""

import click

from stylefacet.cli.options import Target, json_option, server_options
from stylefacet.cli.output import write_facts, write_json, write_table
from stylefacet.cli.switches import activate, delete, install, rollback
from stylefacet.client import Encoder


@click.group()
def encoders() -> None:
    """See which encoders a server has, install others and let them serve.

    \b
    Examples:
      stylefacet encoders list
      stylefacet encoders install bundle
      stylefacet encoders activate 3f2a9c0d --dry-run
    """


@encoders.command("list")
@server_options
@json_option
def list_encoders(target: Target, as_json: bool) -> None:
    """List the installed encoders, those that serve first.

    \b
    Example:
      stylefacet encoders list
    """
    with target.connect() as client:
        found = list(client.list_encoders())
    if as_json:
        write_json(found)
        return
    write_table(
        ["encoder", "name", "serves", "images", "input", "dimensions", "licence"],
        [
            [
                e.encoder_id,
                e.display_name,
                serves(e),
                f"{e.embedded_image_count:,}",
                f"{e.input_width_px}x{e.input_height_px}",
                str(e.latent_dimension_count),
                e.licence,
            ]
            for e in found
        ],
        right=("images", "dimensions"),
    )


@encoders.command("describe")
@click.argument("encoder", default="default")
@server_options
@json_option
def describe_encoder(encoder: str, target: Target, as_json: bool) -> None:
    """Show one encoder; the default one when none is named.

    \b
    Example:
      stylefacet encoders describe
    """
    with target.connect() as client:
        found = client.get_encoder(encoder)
    if as_json:
        write_json(found)
        return
    write_facts(
        {
            "encoder": found.encoder_id,
            "name": found.display_name,
            "serves": serves(found),
            "embedded": f"{found.embedded_image_count:,} images",
            "installed": found.install_time.isoformat() if found.install_time else "",
            "input": f"{found.input_width_px}x{found.input_height_px} px",
            "dimensions": str(found.latent_dimension_count),
            "blocks": ", ".join(f"{b.block} [{b.start}, {b.end})" for b in found.blocks),
            "decodable": "yes" if found.decodable else "no",
            "trained on": found.training_data,
            "trained at": found.train_time.isoformat() if found.train_time else "",
            "licence": found.licence,
            "novelty p99": f"{found.novelty_p99:.4g}",
            **{name: f"{value:.4g}" for name, value in sorted(found.quality.items())},
        }
    )


def serves(encoder: Encoder) -> str:
    """Returns what an encoder serves, in a few words."""
    named = ", ".join(encoder.categories)
    if encoder.serves_default:
        return "all" if not named else f"all, {named}"
    return named or "nothing"


for command in (install, activate, rollback, delete):
    encoders.add_command(command)
