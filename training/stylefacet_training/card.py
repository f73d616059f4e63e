"""Writes the page a bundle shows of itself, from its manifest and its run; draws nothing."""

from collections.abc import Sequence

from stylefacet.bundle import Manifest
from stylefacet_training.summary import RunSummary

CAPTIONS = {
    "traversal.png": "One block of the latent vector moved at a time",
    "encounters.png": "Rendered garments that lie on the same ways",
    "reconstructions.png": "Pictures, decoded, and the average of two",
    "samples.png": "Random draws of the prior",
}


def write_card(
    manifest: Manifest, summary: RunSummary, pictures: Sequence[str], *, foreign_weights: str = ""
) -> str:
    """Returns card.md.

    ``pictures`` are the names of the PNG files beside it; ``foreign_weights`` names weights that
    took part in the encoder or in its training but were not trained in this run.
    """
    blocks = [f"| {b.name} | {b.start} to {b.end - 1} |" for b in manifest.blocks]
    features = [
        f"| {f.name} | {f.display_name} | {f.kind} | {len(f.matrix)} | {f.scale:.4g} |"
        for f in manifest.features
    ]
    quality = [f"| {name} | {value:.5g} |" for name, value in sorted(manifest.quality.items())]
    lines = [
        f"# {manifest.name}",
        "",
        f"An encoder of {manifest.input_height_px}x{manifest.input_width_px} pixel letterboxes "
        f"(height x width) into {manifest.latent_dimension_count} numbers, of which "
        f"{summary.active_unit_count} vary with the photo.",
        "",
        f"- Trained on: {manifest.training_data}",
        f"- Licence of the training data: {manifest.licence}",
        *([f"- Weights not trained here: {foreign_weights}"] if foreign_weights else []),
        f"- Code: {manifest.commit}",
        f"- Settings: model {manifest.config['model']}, seed {summary.seed}, "
        f"{summary.epochs} epochs; all of them in manifest.json",
        "",
        "## Blocks of latent dimensions",
        "",
        "| block | dimensions |",
        "| --- | --- |",
        *blocks,
        "",
        "## Features",
        "",
        "Coordinates are scale x (chosen dimensions of the mean); the mean squared distance of two "
        "training photos is 1.",
        "",
        "| feature | shown as | kind | coordinates | scale |",
        "| --- | --- | --- | --- | --- |",
        *features,
        "",
        "## Measured at the end of training",
        "",
        "Losses are in nats a photo; validation is on products held out of training.",
        "",
        "| figure | value |",
        "| --- | --- |",
        *quality,
        "",
        f"Novelty is at most {manifest.novelty_p99:.3g} for 99 of 100 training photos.",
        "",
    ]
    # An encoder of one block shows its dimensions instead (plots.py).
    unit = "latent dimension" if len(blocks) == 1 else "block of the latent vector"
    for name, caption in (CAPTIONS | {"traversal.png": f"One {unit} moved at a time"}).items():
        if name in pictures:
            lines += [f"## {caption}", "", f"![{caption}]({name})", ""]
    return "\n".join(lines)
