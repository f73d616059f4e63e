"""`stylefacet encoders`: the models a server has loaded."""

import click

from stylefacet.cli.options import Target, json_option, server_options
from stylefacet.cli.output import write_facts, write_json, write_table


@click.group()
def encoders() -> None:
    """See which encoders a server has loaded.

    \b
    Example:
      stylefacet encoders list
    """


@encoders.command("list")
@server_options
@json_option
def list_encoders(target: Target, as_json: bool) -> None:
    """List the loaded encoders, the active one first.

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
        ["encoder", "name", "input", "dimensions", "blocks", "licence"],
        [
            [
                e.encoder_id,
                e.display_name,
                f"{e.input_width_px}x{e.input_height_px}",
                str(e.latent_dimension_count),
                " ".join(b.block for b in e.blocks),
                e.licence,
            ]
            for e in found
        ],
        right=("dimensions",),
    )


@encoders.command("get")
@click.argument("encoder", default="default")
@server_options
@json_option
def get_encoder(encoder: str, target: Target, as_json: bool) -> None:
    """Show one encoder; the active one when none is named.

    \b
    Example:
      stylefacet encoders get
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
