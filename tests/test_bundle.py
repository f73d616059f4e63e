import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stylefacet.bundle import (
    DECODER_FILE,
    ENCODER_FILE,
    MANIFEST_FILE,
    Bundle,
    LatentBlock,
    read_bundle,
    write_bundle,
)
from stylefacet.errors import BundleInvalid, DecoderMissing
from stylefacet.inference import Decoder, Encoder
from tests.tiny_bundle import tiny_bundle_parts


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_bundle(tmp_path / "bundle", **tiny_bundle_parts(seed=0))


def edit_manifest(bundle: Bundle, **changes: object) -> None:
    file = bundle.path / MANIFEST_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_bundle_read_back_is_the_bundle_written(bundle: Bundle):
    again = read_bundle(bundle.path)

    assert again.id == bundle.id
    assert again.manifest == bundle.manifest
    assert again.encoder == bundle.encoder


def test_id_stands_for_the_content(bundle: Bundle, tmp_path: Path):
    same = write_bundle(tmp_path / "same", **tiny_bundle_parts(seed=0))
    other = write_bundle(tmp_path / "other", **tiny_bundle_parts(seed=1))

    assert same.id == bundle.id
    assert other.id != bundle.id


def test_golden_outputs_are_replayed(bundle: Bundle):
    encoder = Encoder(bundle)
    sample = bundle.golden[0]

    outputs = encoder.embed(sample.pixels[None])

    np.testing.assert_allclose(outputs.mean[0], sample.mean, atol=1e-4)
    assert outputs.novelty.shape == (1,)


@pytest.mark.parametrize("count", [1, 7, 32])
def test_batches_agree_with_single_photos(bundle: Bundle, count: int):
    encoder = Encoder(bundle)
    pixels = np.random.default_rng(0).integers(0, 255, (count, 32, 24, 3), dtype=np.uint8)

    together = encoder.embed(pixels).mean

    apart = np.concatenate([encoder.embed(one[None]).mean for one in pixels])
    np.testing.assert_allclose(together, apart, atol=1e-5)


def test_decoder_draws_pictures_of_the_input_size(bundle: Bundle):
    pictures = Decoder(bundle).decode(np.zeros((2, 8), np.float32))

    assert pictures.shape == (2, 32, 24, 3)
    assert pictures.dtype == np.uint8


def test_bundle_without_decoder_says_so(tmp_path: Path):
    bundle = write_bundle(tmp_path / "bundle", **tiny_bundle_parts(seed=0) | {"decoder": None})

    with pytest.raises(DecoderMissing):
        Decoder(bundle)


def test_disagreeing_golden_output_is_refused(tmp_path: Path):
    parts = tiny_bundle_parts(seed=0)
    parts["golden"] = [replace(parts["golden"][0], mean=parts["golden"][0].mean + 0.1)]
    bundle = write_bundle(tmp_path / "bundle", **parts)

    with pytest.raises(BundleInvalid, match="golden photo 0 is embedded"):
        Encoder(bundle)


def test_golden_output_that_is_no_number_is_refused(tmp_path: Path):
    parts = tiny_bundle_parts(seed=0)
    parts["golden"] = [replace(parts["golden"][0], mean=parts["golden"][0].mean * np.nan)]
    bundle = write_bundle(tmp_path / "bundle", **parts)

    with pytest.raises(BundleInvalid, match="golden photo 0"):
        Encoder(bundle)


def test_disagreeing_letterbox_is_refused(tmp_path: Path):
    parts = tiny_bundle_parts(seed=0)
    sample = parts["golden"][0]
    parts["golden"] = [replace(sample, pixels=255 - sample.pixels)]

    with pytest.raises(BundleInvalid, match="imaging has changed"):
        write_bundle(tmp_path / "bundle", **parts)


def test_bundle_without_golden_samples_is_refused(tmp_path: Path):
    bundle = write_bundle(tmp_path / "bundle", **tiny_bundle_parts(seed=0) | {"golden": []})

    with pytest.raises(BundleInvalid, match="golden"):
        Encoder(bundle)


@pytest.mark.parametrize("name", [ENCODER_FILE, DECODER_FILE, "golden.npz", "card.md"])
def test_changed_file_is_refused(bundle: Bundle, name: str):
    file = bundle.path / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(BundleInvalid, match=name):
        read_bundle(bundle.path)


@pytest.mark.parametrize("name", [ENCODER_FILE, MANIFEST_FILE, "golden.npz"])
def test_missing_file_is_named(bundle: Bundle, name: str):
    (bundle.path / name).unlink()

    with pytest.raises(BundleInvalid, match=f"{name} is missing"):
        read_bundle(bundle.path)


def test_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(BundleInvalid, match="no such folder"):
        read_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"format_version": 99}, "format version 99"),
        ({"surprise": 1}, "manifest.json"),
        ({"blocks": [{"name": "collar", "start": 0, "end": 3}]}, "cover 3 of 8"),
        ({"blocks": [{"name": "collar", "start": 1, "end": 8}]}, "does not follow"),
        ({"latent_variances": [1.0]}, "1 variances"),
        ({"features": []}, "has no feature"),
        ({"digests": {"../x": "0"}}, "plain file name"),
        ({"digests": {}}, "must be listed"),
    ],
)
def test_contradictory_manifest_is_refused(bundle: Bundle, changes: dict, cause: str):
    edit_manifest(bundle, **changes)

    with pytest.raises(BundleInvalid, match=cause):
        read_bundle(bundle.path)


def test_model_that_is_no_model_is_refused(tmp_path: Path):
    parts = tiny_bundle_parts(seed=0) | {"encoder": b"no model"}

    with pytest.raises(BundleInvalid, match="runtime refuses"):
        Encoder(write_bundle(tmp_path / "bundle", **parts))


def test_folder_with_other_files_is_not_overwritten(tmp_path: Path):
    (tmp_path / "holiday.txt").write_text("keep me")

    with pytest.raises(BundleInvalid, match="other files"):
        write_bundle(tmp_path, **tiny_bundle_parts(seed=0))
    assert (tmp_path / "holiday.txt").read_text() == "keep me"


def test_failed_write_leaves_the_old_bundle(bundle: Bundle):
    parts = tiny_bundle_parts(seed=1)
    parts["manifest"] = replace(parts["manifest"], blocks=(LatentBlock("collar", 0, 3),))

    with pytest.raises(BundleInvalid):
        write_bundle(bundle.path, **parts)
    assert read_bundle(bundle.path).id == bundle.id
