"""Another encoder takes over a running catalogue: nothing is lost, and what follows is told."""

import threading
from dataclasses import replace

import grpc
import pytest

from stylefacet.bundle import Bundle, write_bundle
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from stylefacet.v1 import encoder_service_pb2 as pb
from stylefacet.v1 import feature_pb2, similarity_service_pb2
from stylefacet.v1 import feature_service_pb2 as feature
from stylefacet.v1.catalog_service_pb2 import DeleteProductRequest, ExportFeaturesRequest
from stylefacet.v1.encoder_switch_pb2 import FeatureShift, SwitchEncodersResponse
from tests.conftest import photo
from tests.server.operations import Operations, metadata_of, reason_of, response_of
from tests.server.stubs import connect, fails_with, upload_row
from tests.server.switches import INVALID, REFUSED, default_encoder, fit, names, roll_back, shades
from tests.tiny_bundle import tiny_bundle_parts


@pytest.fixture
def settings(switchable: Settings) -> Settings:
    return switchable


def test_after_a_switch_searches_run_under_the_new_encoder(stubs, activate, installed):
    stubs.upload(30)
    before = stubs.search("p0", page_size=30)
    report = activate()
    after = stubs.search("p0", page_size=30, min_sequence=report.sequence_number)

    assert before.encoder != after.encoder == installed
    assert sorted(names(before)) == sorted(names(after))
    assert names(before) != names(after)
    (shift,) = report.shifts
    assert (shift.encoder, shift.image_count, shift.embedded_count) == (installed, 30, 0)
    assert after.sequence_number >= report.sequence_number > before.sequence_number
    assert default_encoder(stubs) == installed


def test_a_switched_catalogue_is_what_the_new_encoder_would_have_made(
    stubs, activate, installed, other_bundle, tmp_path
):
    stubs.upload(12)
    activate()
    fresh = Server(
        Settings(data_dir=tmp_path / "fresh", bundle=other_bundle.path, address="127.0.0.1:0")
    )
    fresh.start()
    with connect(fresh.address) as others:
        others.upload(12)
        wanted = others.search("p0").similar_products
    fresh.stop()

    found = stubs.search("p0").similar_products
    assert [hit.squared_distance for hit in found] == [hit.squared_distance for hit in wanted]


def test_a_switch_is_rolled_back_with_what_came_since(stubs, activate, operations):
    stubs.upload(20)
    first = default_encoder(stubs)
    before = stubs.search("p0", page_size=30)
    activate()
    list(stubs.catalog.UploadProducts(upload_row(n, photo(n)) for n in (20, 21)))
    stubs.catalog.DeleteProduct(DeleteProductRequest(name="products/p5"))
    report = roll_back(stubs, operations)
    after = stubs.search("p0", page_size=30)

    assert default_encoder(stubs) == after.encoder == first
    assert (report.shifts[0].image_count, report.shifts[0].embedded_count) == (21, 19)
    assert {"products/p20", "products/p21"} < set(names(after))
    left = [name for name in names(before) if name != "products/p5"]
    assert [name for name in names(after) if name in left] == left


def test_a_rolled_back_switch_is_made_again(stubs, activate, operations, installed):
    stubs.upload(5)
    activate()
    roll_back(stubs, operations)
    report = roll_back(stubs, operations)

    assert default_encoder(stubs) == installed
    assert report.shifts[0].embedded_count == 5


def test_there_is_nothing_to_roll_back_at_first(stubs):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "no other encoder"):
        stubs.encoder.RollbackEncoder(pb.RollbackEncoderRequest())


def test_features_are_refitted_kept_or_said_to_be_lost(stubs, activate, operations, installed):
    list(stubs.catalog.UploadProducts(shades(40)))
    fit(stubs, "shade", description="light or dark")
    dims = feature_pb2.Feature(dimensions=[1, 6])
    stubs.feature.CreateFeature(feature.CreateFeatureRequest(feature_id="sheen", feature=dims))
    told = activate(validate_only=True)
    done = activate()

    fates = {shift.feature: shift.fate for shift in told.features}
    assert fates == {
        "features/body": FeatureShift.BUNDLED,
        "features/collar": FeatureShift.BUNDLED,
        "features/sleeve": FeatureShift.BUNDLED,
        "features/shade": FeatureShift.REFITTED,
        "features/sheen": FeatureShift.UNAVAILABLE,
    }
    assert {shift.feature: shift.fate for shift in done.features} == fates
    shift = next(s for s in done.features if s.feature == "features/shade")
    assert shift.quality_before.carried
    assert shift.quality_after.balanced_accuracy > 0.9
    assert shift.quality_after.HasField("calibration_error")
    refitted = stubs.feature.GetFeature(feature.GetFeatureRequest(name="features/shade"))
    assert (refitted.encoder, refitted.description) == (installed, "light or dark")
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "make it anew"):
        stubs.feature.GetFeature(feature.GetFeatureRequest(name="features/sheen"))

    back = roll_back(stubs, operations)
    assert {s.fate for s in back.features if s.feature[9:] in ("shade", "sheen")} == {
        FeatureShift.KEPT
    }
    found = stubs.feature.GetFeature(feature.GetFeatureRequest(name="features/sheen"))
    assert list(found.dimensions) == [1, 6]


def test_a_lost_feature_is_made_anew_for_the_new_encoder(stubs, activate, operations):
    stubs.upload(30)
    for dimensions in ([1, 6], [2]):
        request = feature.CreateFeatureRequest(
            feature_id="sheen", feature=feature_pb2.Feature(dimensions=dimensions)
        )
        made = stubs.feature.CreateFeature(request)
        assert list(made.dimensions) == dimensions
        if dimensions == [1, 6]:
            activate()
    roll_back(stubs, operations)

    first = stubs.feature.GetFeature(feature.GetFeatureRequest(name="features/sheen"))
    assert list(first.dimensions) == [1, 6]


def test_trying_a_switch_changes_nothing(stubs, activate, installed):
    stubs.upload(25)
    before = default_encoder(stubs)
    report = activate(validate_only=True)
    encoder = stubs.encoder.GetEncoder(pb.GetEncoderRequest(name=installed))

    assert (report.sequence_number, encoder.embedded_image_count) == (0, 0)
    assert (report.shifts[0].image_count, report.shifts[0].sample_count) == (25, 25)
    assert default_encoder(stubs) == before


def test_novel_photos_are_told_before_the_switch(stubs, operations, bundle_root):
    parts = tiny_bundle_parts(seed=3)
    # The encoder that serves finds them all novel.
    lenient = replace(parts["manifest"], novelty_p99=1e9)
    write_bundle(bundle_root / "lenient", **(parts | {"manifest": lenient}))
    name = stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path="lenient")).name
    stubs.upload(10)
    request = pb.ActivateEncoderRequest(name=name, validate_only=True)
    ended = operations.wait(stubs.encoder.ActivateEncoder(request))

    (shift,) = response_of(ended, SwitchEncodersResponse()).shifts
    assert (shift.novel_share_before, shift.novel_share_after) == (1.0, 0.0)


def test_searches_and_writes_go_on_during_a_switch(stubs, activate, installed, server):
    stubs.upload(150)
    stop, faults, number = threading.Event(), [], iter(range(1000, 2000))
    written: list[str] = []

    def write() -> None:
        while not stop.is_set():
            n = next(number)
            row = upload_row(n, photo(n))
            (answer,) = stubs.catalog.UploadProducts(iter([row]))
            if answer.status.code:
                faults.append(answer)
            written.append(row.product.name)

    def search() -> None:
        while not stop.is_set():
            answer = stubs.search("p0", page_size=100)
            if len(answer.similar_products) != 100:
                faults.append(answer)

    threads = [threading.Thread(target=write), threading.Thread(target=search)]
    for thread in threads:
        thread.start()
    report = activate()
    stop.set()
    for thread in threads:
        thread.join()

    assert faults == []
    assert len(written) > 0
    exported = stubs.catalog.ExportFeatures(ExportFeaturesRequest())
    rows = {row.product.name: row for batch in exported for row in batch.products}
    assert set(written) <= rows.keys()
    assert all(row.image_count == 1 for row in rows.values())
    assert stubs.search("p0").encoder == installed == report.later.default_encoder


def test_a_cancelled_switch_leaves_the_old_encoder_serving(stubs, operations, installed):
    stubs.upload(60)
    before = default_encoder(stubs)
    started = stubs.encoder.ActivateEncoder(pb.ActivateEncoderRequest(name=installed))
    operations.cancel(started.name)
    ended = operations.wait(started)

    assert reason_of(ended) == "OPERATION_CANCELLED"
    assert default_encoder(stubs) == before
    assert len(stubs.search("p0", page_size=100).similar_products) == 59


def test_a_switch_goes_on_at_the_next_server_from_what_is_embedded(
    settings: Settings, other_bundle: Bundle
):
    first = Server(replace(settings, worker_count=1))
    first.start()
    with connect(first.address) as stubs, grpc.insecure_channel(first.address) as channel:
        stubs.upload(300)
        name = stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path="next")).name
        started = stubs.encoder.ActivateEncoder(pb.ActivateEncoderRequest(name=name))
        deadline = threading.Event()
        while metadata_of(Operations(channel).get(started.name)).done_count == 0:
            encoder = stubs.encoder.GetEncoder(pb.GetEncoderRequest(name=name))
            if encoder.embedded_image_count or deadline.wait(0.01):
                break
    first.stop()

    second = Server(settings)
    second.start()
    with connect(second.address) as stubs, grpc.insecure_channel(second.address) as channel:
        ended = Operations(channel).wait(started)
        report = response_of(ended, SwitchEncodersResponse())
        answer = stubs.search("p0", page_size=100)
    second.stop()

    assert answer.encoder == name
    assert report.shifts[0].image_count == 300
    assert metadata_of(ended).lost_count == 0


def test_images_without_inputs_are_told_and_come_back_when_sent_again(
    settings: Settings, other_bundle: Bundle
):
    server = Server(replace(settings, keep_inputs=False))
    server.start()
    with connect(server.address) as stubs, grpc.insecure_channel(server.address) as channel:
        operations = Operations(channel)
        stubs.upload(6)
        name = stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path="next")).name
        refused = operations.wait(
            stubs.encoder.ActivateEncoder(pb.ActivateEncoderRequest(name=name))
        )
        asked = pb.ActivateEncoderRequest(name=name, allow_missing_inputs=True)
        report = response_of(
            operations.wait(stubs.encoder.ActivateEncoder(asked)), SwitchEncodersResponse()
        )
        with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "upload one first"):
            stubs.search("p0")
        stubs.upload(6)
        found = names(stubs.search("p0"))
    server.stop()

    assert reason_of(refused) == "INPUTS_MISSING"
    assert report.shifts[0].lacking_input_count == 6
    assert len(found) == 5


def test_inputs_smaller_than_the_encoder_wants_are_told(stubs, operations, bundle_root):
    large = write_bundle(bundle_root / "large", **tiny_bundle_parts(seed=4, factor=2))
    name = stubs.encoder.InstallEncoder(pb.InstallEncoderRequest(path="large")).name
    stubs.upload(9)
    request = pb.ActivateEncoderRequest(name=name)
    ended = operations.wait(stubs.encoder.ActivateEncoder(request))

    (shift,) = response_of(ended, SwitchEncodersResponse()).shifts
    assert (shift.image_count, shift.enlarged_count) == (9, 9)
    assert len(names(stubs.search("p0"))) == 8
    assert large.manifest.input_height_px == 64


def test_an_encoder_that_serves_is_not_deleted_and_another_goes_with_its_vectors(
    stubs, activate, operations, installed
):
    stubs.upload(4)
    first = default_encoder(stubs)
    activate()
    with fails_with(REFUSED, "ENCODER_IN_USE", "it serves"):
        stubs.encoder.DeleteEncoder(pb.DeleteEncoderRequest(name=installed))
    stubs.encoder.DeleteEncoder(pb.DeleteEncoderRequest(name=first))

    listed = stubs.encoder.ListEncoders(pb.ListEncodersRequest()).encoders
    assert [each.name for each in listed] == [installed]
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "install its bundle"):
        stubs.encoder.RollbackEncoder(pb.RollbackEncoderRequest())
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        stubs.encoder.DeleteEncoder(pb.DeleteEncoderRequest(name=first))


def test_a_deletion_that_was_cut_short_is_finished_by_the_next(stubs, activate, monkeypatch):
    stubs.upload(4)
    first = default_encoder(stubs)
    activate()
    request = pb.DeleteEncoderRequest(name=first)
    with monkeypatch.context() as patch:
        patch.setattr("stylefacet.catalog.encoders.drop_embeddings", cut_short)
        with pytest.raises(grpc.RpcError):
            stubs.encoder.DeleteEncoder(request)
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        stubs.encoder.GetEncoder(pb.GetEncoderRequest(name=first))
    stubs.encoder.DeleteEncoder(request)

    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING"):
        stubs.encoder.DeleteEncoder(request)


def cut_short(*arguments):
    raise ConnectionError("the server was killed")


def test_a_repeated_request_starts_one_switch(stubs, operations, installed):
    stubs.upload(3)
    request = pb.ActivateEncoderRequest(name=installed, request_id="r-1")
    first = stubs.encoder.ActivateEncoder(request)
    operations.wait(first)
    again = stubs.encoder.ActivateEncoder(request)

    assert again.name == first.name
    other = pb.ActivateEncoderRequest(name=installed, validate_only=True, request_id="r-1")
    with fails_with(INVALID, "REQUEST_ID_REUSED"):
        stubs.encoder.ActivateEncoder(other)


def test_an_encoder_that_is_not_installed_cannot_serve(stubs):
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "install its bundle"):
        stubs.encoder.ActivateEncoder(pb.ActivateEncoderRequest(name="encoders/none"))


def test_a_vector_of_the_old_encoder_is_refused_after_the_switch(stubs, activate):
    stubs.upload(3)
    old = stubs.encoder.EmbedImage(pb.EmbedImageRequest(content=photo(1))).embedding
    activate()

    request = similarity_service_pb2.SearchSimilarProductsRequest(embedding=old)
    with fails_with(REFUSED, "ENCODER_MISMATCH", "name one that serves"):
        stubs.similarity.SearchSimilarProducts(request)


def test_a_page_token_of_the_old_encoder_ends(stubs, activate):
    stubs.upload(10)
    token = stubs.search("p0", page_size=3).next_page_token
    activate()

    with fails_with(INVALID, "PAGE_TOKEN_STALE"):
        stubs.search("p0", page_size=3, page_token=token)


def test_a_new_bundle_in_the_settings_is_installed_and_waits(
    settings: Settings, other_bundle: Bundle
):
    first = Server(settings)
    first.start()
    with connect(first.address) as stubs:
        stubs.upload(3)
        before = default_encoder(stubs)
    first.stop()
    second = Server(replace(settings, bundle=other_bundle.path))
    second.start()
    with connect(second.address) as stubs:
        listed = stubs.encoder.ListEncoders(pb.ListEncodersRequest()).encoders
        found = stubs.search("p0")
    second.stop()

    assert [each.name for each in listed] == [before, f"encoders/{other_bundle.id}"]
    assert (found.encoder, len(found.similar_products)) == (before, 2)
