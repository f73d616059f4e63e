"""`stylefacet encoders install, activate, rollback, delete`: lets other encoders serve."""

from pathlib import Path

import click

from stylefacet.cli.operations import follow
from stylefacet.cli.options import Target, json_option, server_options
from stylefacet.cli.output import tell, write_json, write_table
from stylefacet.client import (
    EncoderSwitch,
    FeatureFate,
    FeatureQuality,
    FeatureShift,
    Operation,
    StylefacetClient,
)

_FATES = {
    FeatureFate.BUNDLED: "comes with the bundle",
    FeatureFate.BUNDLE_LACKS_IT: "GONE: the bundle has none",
    FeatureFate.KEPT: "kept from before",
    FeatureFate.REFITTED: "fitted anew",
    FeatureFate.UNAVAILABLE: "GONE until made anew",
    FeatureFate.NOT_FITTED: "GONE: cannot be fitted",
}
# Well above the share by which the limit is defined, by more than chance in 200 photos.
_MUCH_NOVEL = 0.05


@click.command()
@click.argument("bundle")
@click.option(
    "--on-server", is_flag=True, help="BUNDLE lies there, under its import root; nothing is sent."
)
@server_options
@json_option
def install(bundle: str, on_server: bool, target: Target, as_json: bool) -> None:
    """Install an encoder bundle, a folder or a zip file of one.

    The server takes it only if it gives its golden outputs there. Nothing is served by it until
    `stylefacet encoders activate`.

    \b
    Examples:
      stylefacet encoders install bundle
      stylefacet encoders install bundles/2026-11.zip --on-server
    """
    with target.connect() as client:
        if on_server:
            encoder = client.install_encoder_on_server(bundle)
        else:
            encoder = client.install_encoder(Path(bundle))
    if as_json:
        write_json(encoder)
    else:
        click.echo(encoder.encoder_id)
        tell(
            f"see what it would change: stylefacet encoders activate {encoder.encoder_id} --dry-run"
        )


@click.command()
@click.argument("encoder")
@click.option(
    "--category",
    "categories",
    multiple=True,
    help="Let it serve this category alone; may be given again [all that no other one serves].",
)
@click.option("--dry-run", is_flag=True, help="Tell what would become of images and features.")
@click.option(
    "--allow-missing-inputs",
    is_flag=True,
    help="Even if images are lost until their photos are sent again.",
)
@click.option("--no-wait", is_flag=True, help="Only start it and print the operation's name.")
@server_options
@json_option
def activate(
    encoder: str,
    categories: tuple[str, ...],
    dry_run: bool,
    allow_missing_inputs: bool,
    no_wait: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Let an installed encoder serve the catalogue, or some categories of it.

    The server embeds what it has kept of the photos, while searches go on, fits features anew and
    then switches at once. This command only watches, and may be interrupted.

    \b
    Examples:
      stylefacet encoders activate 3f2a9c0d11223344 --dry-run
      stylefacet encoders activate 3f2a9c0d11223344
      stylefacet encoders activate 3f2a9c0d11223344 --category trousers --category shorts
    """
    with target.connect() as client:
        started = client.activate_encoder(
            encoder,
            categories,
            validate_only=dry_run,
            allow_missing_inputs=allow_missing_inputs,
        )
        _end(client, started, no_wait, as_json)


@click.command()
@click.option("--dry-run", is_flag=True, help="Tell what would become of images and features.")
@click.option(
    "--allow-missing-inputs",
    is_flag=True,
    help="Even if images are lost until their photos are sent again.",
)
@click.option("--no-wait", is_flag=True, help="Only start it and print the operation's name.")
@server_options
@json_option
def rollback(
    dry_run: bool, allow_missing_inputs: bool, no_wait: bool, target: Target, as_json: bool
) -> None:
    """Undo the latest switch of encoders; done twice, it is made again.

    \b
    Example:
      stylefacet encoders rollback
    """
    with target.connect() as client:
        started = client.rollback_encoder(
            validate_only=dry_run, allow_missing_inputs=allow_missing_inputs
        )
        _end(client, started, no_wait, as_json)


@click.command()
@click.argument("encoder")
@server_options
def delete(encoder: str, target: Target) -> None:
    """Delete an encoder that does not serve, with its vectors.

    \b
    Example:
      stylefacet encoders delete 3f2a9c0d11223344
    """
    with target.connect() as client:
        client.delete_encoder(encoder)


def _end(client: StylefacetClient, started: Operation, no_wait: bool, as_json: bool) -> None:
    if no_wait:
        click.echo(started.operation_id)
        return
    ended = follow(client, started.operation_id)
    if as_json:
        write_json(ended)
    elif ended.switch is not None:
        _tell(ended.switch)
    if ended.error is not None:
        raise ended.error


def _tell(switch: EncoderSwitch) -> None:
    would = "" if switch.sequence_number else "would serve"
    for shift in switch.shifts:
        click.echo(
            f"{shift.encoder} {would or 'serves'} {shift.image_count:,} images, "
            f"{shift.embedded_count:,} of them embedded before"
        )
        if shift.lacking_input_count:
            tell(
                f"{shift.lacking_input_count:,} images have no kept input: they are not found "
                "until their photos are sent again"
            )
        if shift.enlarged_count:
            tell(
                f"{shift.enlarged_count:,} kept inputs are smaller than it wants; photos sent "
                "again would be sharper"
            )
        if shift.novel_share_after > max(_MUCH_NOVEL, shift.novel_share_before):
            tell(
                f"{shift.novel_share_after:.0%} of {shift.sample_count} photos are unlike those it "
                f"was trained on, {shift.novel_share_before:.0%} for the encoder before"
            )
    write_table(
        ["feature", "what becomes of it", "accuracy", "calibration error", ""],
        [_row(shift) for shift in switch.features],
    )
    if not switch.sequence_number:
        tell("nothing was changed")


def _row(shift: FeatureShift) -> list[str]:
    before, after = shift.quality_before, shift.quality_after
    return [
        shift.feature_id,
        _FATES.get(shift.fate, ""),
        _both(_accuracy(before), _accuracy(after)),
        _both(_miscalibration(before), _miscalibration(after)),
        shift.explanation,
    ]


def _both(before: str, after: str) -> str:
    return f"{before} -> {after}" if before and after else before or after


def _accuracy(quality: FeatureQuality | None) -> str:
    return f"{quality.balanced_accuracy:.0%}" if quality else ""


def _miscalibration(quality: FeatureQuality | None) -> str:
    if quality is None or quality.calibration_error is None:
        return ""
    return f"{quality.calibration_error:.3f}"
