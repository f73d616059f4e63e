"""The encoder that ships: whole, small, and able to tell collars and sleeves apart."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from stylefacet.bundle import Bundle, read_bundle
from stylefacet.cli.demo import unpack_catalogue
from stylefacet.inference import Encoder
from stylefacet.server.settings import DEFAULT_BUNDLE

LARGEST_MB = 20


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return read_bundle(DEFAULT_BUNDLE)


@pytest.fixture(scope="module")
def catalogue(
    bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, str]], npt.NDArray[np.float32]]:
    """The demo's manifest and the latent means of its photos, a row a row."""
    manifest = unpack_catalogue(tmp_path_factory.mktemp("catalogue"))
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    encoder = Encoder(bundle)  # replays the bundle's golden outputs
    photos = [encoder.letterbox((manifest.parent / row["image"]).read_bytes()) for row in rows]
    return rows, encoder.embed(np.stack([photo.pixels for photo in photos])).mean


def test_it_has_the_promised_features_and_size(bundle: Bundle):
    names = {feature.name for feature in bundle.manifest.features}
    size = sum(path.stat().st_size for path in Path(bundle.path).iterdir())

    assert {"collar", "sleeve"} <= names
    assert size < LARGEST_MB * 2**20
    assert "CC0" in bundle.manifest.licence


@pytest.mark.parametrize(("feature", "floor"), [("collar", 0.6), ("sleeve", 0.5)])
def test_nearest_garments_by_a_feature_are_alike_in_it(bundle: Bundle, catalogue, feature, floor):
    rows, means = catalogue
    (block,) = (b for b in bundle.manifest.blocks if b.name == feature)
    coordinates = means[:, block.start : block.end]
    values = np.array([row[f"labels.{feature}"] for row in rows])

    gaps = np.square(coordinates[:, None] - coordinates[None]).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    nearest = np.argsort(gaps, axis=1, kind="stable")[:, :10]

    found = np.mean(values[nearest] == values[:, None])
    by_chance = np.mean(values[:, None] == values[None])
    assert found > floor > 2 * by_chance
