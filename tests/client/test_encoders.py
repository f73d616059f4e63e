"""Encoders through the client: installed from either side, tried, switched, rolled back."""

import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from stylefacet.bundle import Bundle
from stylefacet.client import FeatureFate, Product, StylefacetClient, UploadRow
from stylefacet.errors import (
    BundleInvalid,
    EncoderInUse,
    EncodersMixed,
    InvalidField,
    ResourceMissing,
)
from stylefacet.server.settings import Settings
from tests.conftest import photo
from tests.server.switches import make_root, shade


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, other_bundle: Bundle) -> Settings:
    return replace(settings, import_root=make_root(tmp_path / "bundles", other_bundle))


@pytest.fixture
def filled(client: StylefacetClient) -> StylefacetClient:
    """A client of a server with 40 dark and light products in two categories."""
    rows = [
        UploadRow(n, Product(f"p{n}", ("top", "dress")[n // 30]), partial(shade, n))
        for n in range(40)
    ]
    assert not [outcome.error for outcome in client.upload(rows) if outcome.error]
    return client


def test_a_bundle_is_installed_from_here_and_from_there(client, other_bundle, settings):
    folder = client.install_encoder(other_bundle.path)
    packed = client.install_encoder(settings.import_root / "next.zip")
    there = client.install_encoder_on_server("next.zip")

    assert folder == packed == there
    assert folder.encoder_id == other_bundle.id
    assert (folder.serves_default, folder.embedded_image_count) == (False, 0)
    assert [each.serves_default for each in client.list_encoders()] == [True, False]


def test_what_is_no_bundle_is_refused_by_class(client, tmp_path):
    with pytest.raises(InvalidField, match="cannot be read"):
        client.install_encoder(tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(BundleInvalid, match="0 files manifest"):
        client.install_encoder(tmp_path / "empty.zip")


def test_a_trial_tells_what_a_switch_would_do(filled, other_bundle):
    filled.fit_feature("shade", {f"p{n}": "light" if n % 2 else "dark" for n in range(40)})
    filled.create_feature("sheen", dimensions=[1])
    encoder = filled.install_encoder(other_bundle.path)
    started = filled.activate_encoder(encoder.encoder_id, validate_only=True)
    switch = filled.wait_for_operation(started.operation_id).switch

    assert switch is not None
    (shift,) = switch.shifts
    fates = {each.feature_id: each.fate for each in switch.features}
    assert (shift.encoder, shift.image_count, switch.sequence_number) == (other_bundle.id, 40, 0)
    assert (fates["shade"], fates["sheen"]) == (FeatureFate.REFITTED, FeatureFate.UNAVAILABLE)
    refitted = next(each for each in switch.features if each.feature_id == "shade")
    assert refitted.quality_before is not None
    assert refitted.quality_after is not None
    assert refitted.quality_after.calibration_error is not None
    assert filled.get_encoder().encoder_id == switch.earlier.default_encoder


def test_a_switch_and_its_roll_back(filled, other_bundle):
    before = filled.search(product="p0")
    encoder = filled.install_encoder(other_bundle.path).encoder_id
    filled.wait_for_operation(filled.activate_encoder(encoder).operation_id)
    during = filled.search(product="p0")
    with pytest.raises(EncoderInUse):
        filled.delete_encoder(encoder)
    filled.wait_for_operation(filled.rollback_encoder().operation_id)

    assert (before.encoder != encoder, during.encoder) == (True, encoder)
    assert filled.search(product="p0").hits == before.hits
    filled.delete_encoder(encoder)
    with pytest.raises(ResourceMissing):
        filled.get_encoder(encoder)


def test_an_encoder_of_one_category(filled, other_bundle):
    encoder = filled.install_encoder(other_bundle.path).encoder_id
    filled.wait_for_operation(filled.activate_encoder(encoder, ["dress"]).operation_id)
    table = filled.export_features(encoder=encoder)

    assert filled.get_encoder(encoder).categories == ("dress",)
    assert filled.search(content=photo(1), category="dress").encoder == encoder
    assert filled.embed(photo(1), category="dress").encoder == encoder
    assert filled.embed(photo(1)).encoder != encoder
    assert len(list(table.products)) == 10
    assert {feature.encoder for feature in filled.list_features(encoder)} == {encoder}
    with pytest.raises(EncodersMixed):
        filled.compare(["p0", "p39"])
