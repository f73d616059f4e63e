"""How often a photo of unknown category finds the encoder of its class.

``python tests/bench/encoder_routing.py --photos held_out --bundles bundles`` wants a folder of
photos and a bundle for each class, under the class's name in either. The encoders must not have
seen the photos.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stylefacet.app.library import LoadedEncoder
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.app.routing import best_suited, least_novel
from stylefacet.bundle import read_bundle
from stylefacet.imaging import DEFAULT_LIMITS
from stylefacet.inference import Decoder, EmbeddedPhoto, Encoder

Seen = list[tuple[LoadedEncoder, EmbeddedPhoto]]
RULES: dict[str, Callable[[Seen], int]] = {
    "drawn best": best_suited,
    "least novel": least_novel,
}


def load(path: Path) -> LoadedEncoder:
    """Returns the encoder of a bundle."""
    bundle = read_bundle(path)
    encoder = Encoder(bundle)
    decoder = None if bundle.decoder is None else Decoder(bundle)
    return LoadedEncoder(encoder, decoder, PhotoEmbedder(encoder, DEFAULT_LIMITS))


def main() -> None:
    """Prints the share of photos that find their encoder, by class and rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--bundles", type=Path, required=True)
    options = parser.parse_args()
    classes = sorted(path.name for path in options.bundles.iterdir() if path.is_dir())
    encoders = [load(options.bundles / name) for name in classes]
    shares: dict[str, list[float]] = {rule: [] for rule in RULES}
    total = 0
    for number, name in enumerate(classes):
        found = dict.fromkeys(RULES, 0)
        photos = sorted(path for path in (options.photos / name).iterdir() if path.is_file())
        for path in photos:
            content = path.read_bytes()
            seen = [(loaded, loaded.embedder.embed(content)) for loaded in encoders]
            for rule, choose in RULES.items():
                found[rule] += choose(seen) == number
        for rule in RULES:
            shares[rule].append(found[rule] / len(photos))
        total += len(photos)
        told = ", ".join(f"{rule} {shares[rule][-1]:.2f}" for rule in RULES)
        print(f"{name:<12} {len(photos):>5} photos: {told}")
    told = ", ".join(f"{rule} {np.mean(shares[rule]):.3f}" for rule in RULES)
    print(
        f"mean over {len(classes)} classes, {total} photos: {told}, chance {1 / len(classes):.3f}"
    )


if __name__ == "__main__":
    main()
