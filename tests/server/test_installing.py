"""Encoder bundles come in, from the server's disk or from a caller, and are verified first."""

import os
import time

import pytest

from stylefacet.bundle import write_bundle
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_service_pb2 as pb
from tests.server.stubs import fails_with
from tests.server.switches import INVALID, REFUSED, default_encoder
from tests.tiny_bundle import tiny_bundle_parts


@pytest.fixture
def settings(switchable: Settings) -> Settings:
    return switchable


@pytest.mark.parametrize("path", ["next", "next.zip"])
def test_a_bundle_is_installed_and_serves_nothing_yet(path, stubs, other_bundle, settings):
    before = default_encoder(stubs)
    encoder = stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path=path))

    assert encoder.name == f"encoders/{other_bundle.id}"
    assert (encoder.serves_default, list(encoder.categories)) == (False, [])
    assert default_encoder(stubs) == before != encoder.name
    assert (settings.data_dir / "encoders" / other_bundle.id / "manifest.json").is_file()
    listed = stubs.encoder.ListEncoders(pb.ListEncodersRequest()).encoders
    assert [each.name for each in listed] == [before, encoder.name]


def test_a_bundle_is_uploaded_in_pieces(stubs, bundle_root, other_bundle):
    content = (bundle_root / "next.zip").read_bytes()
    pieces = (content[i : i + 1000] for i in range(0, len(content), 1000))
    requests = (pb.UploadEncoderRequest(content=piece) for piece in pieces)

    assert stubs.encoder.UploadEncoder(requests).name == f"encoders/{other_bundle.id}"


def test_a_bundle_whose_golden_outputs_disagree_is_not_taken(stubs, bundle_root, settings):
    parts, others = tiny_bundle_parts(seed=1), tiny_bundle_parts(seed=2)
    swapped = parts | {"encoder": others["encoder"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stylefacet.bundle.read_bundle", lambda path: None)
        write_bundle(bundle_root / "swapped", **swapped)

    with fails_with(REFUSED, "BUNDLE_INVALID", "golden photo 0 is embedded"):
        stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path="swapped"))
    assert len(stubs.encoder.ListEncoders(pb.ListEncodersRequest()).encoders) == 1
    assert not any((settings.data_dir / "encoders").iterdir())


def test_what_a_killed_server_left_of_an_install_is_cleared_away(settings, tmp_path):
    folder = settings.data_dir / "encoders"
    for name, age_s in ((".new-old", 7200), (".new-fresh", 10)):
        (folder / name).mkdir(parents=True)
        (folder / name / "encoder.onnx").write_bytes(b"half")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    Server(settings).stop()

    assert [path.name for path in folder.iterdir()] == [".new-fresh"]


@pytest.mark.parametrize("path", ["../next", "/etc", "none", "https://host/next.zip", ""])
def test_a_path_that_leaves_the_root_or_leads_nowhere_is_refused(path, stubs):
    with fails_with(INVALID, "INVALID_FIELD", "path"):
        stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path=path))


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_an_upload_that_is_no_zip_is_refused(content, stubs):
    with fails_with(REFUSED, "BUNDLE_INVALID", "no zip file"):
        stubs.encoder.UploadEncoder(iter([pb.UploadEncoderRequest(content=content)]))
