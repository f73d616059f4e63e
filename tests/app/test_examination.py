"""What `stylefacet doctor` finds in catalogues: sound, aged, damaged, of another release."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stylefacet.app.examination import (
    Finding,
    IndexState,
    Level,
    Patient,
    examine,
    examine_index,
)
from stylefacet.bundle import Bundle
from stylefacet.client import StylefacetClient
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.catalog.test_earlier_releases import DUMPS
from tests.server.stubs import connect


@pytest.fixture
def patient(settings: Settings) -> Patient:
    """A catalogue of eight products whose server has stopped."""
    running = Server(settings)
    running.start()
    with connect(running.address) as stubs:
        stubs.upload(8)
    running.stop()
    return Patient(settings.store_url, settings.data_dir, settings.bundle, keep_inputs=True)


def found(patient: Patient, subject: str) -> list[Finding]:
    return [finding for finding in examine(patient) if finding.subject == subject]


def change(patient: Patient, statement: str) -> None:
    assert patient.data_dir is not None
    connection = sqlite3.connect(patient.data_dir / "catalogue.db")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_sound_catalogue_has_nothing_to_do(patient: Patient):
    findings = list(examine(patient))

    assert {finding.level for finding in findings} == {Level.OK}
    assert [f.subject for f in findings] == ["bundle", "schema", "store", "inputs", "disk"]
    assert "8 products, 8 images" in findings[2].text


def test_looking_changes_nothing(patient: Patient):
    assert patient.data_dir is not None
    before = (patient.data_dir / "catalogue.db").read_bytes()
    list(examine(patient))

    assert (patient.data_dir / "catalogue.db").read_bytes() == before


def test_a_catalogue_in_use_is_examined_beside_its_server(server: Server, settings: Settings):
    with connect(server.address) as stubs:
        stubs.upload(2)
        patient = Patient(settings.store_url, settings.data_dir, settings.bundle, True)
        assert "2 products" in found(patient, "store")[0].text


def test_a_missing_catalogue_is_a_failure(patient: Patient, tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'none' / 'catalogue.db'}"
    (finding,) = found(replace(patient, store_url=url), "store")

    assert finding.level is Level.FAILURE
    assert "stylefacet serve" in finding.remedy


def test_a_damaged_page_is_a_failure(patient: Patient):
    assert patient.data_dir is not None
    file = patient.data_dir / "catalogue.db"
    content = bytearray(file.read_bytes())
    content[8192:] = bytes(byte ^ 0x5A for byte in content[8192:])
    file.write_bytes(content)
    (finding,) = found(patient, "store")

    assert finding.level is Level.FAILURE
    assert "restore" in finding.remedy


def test_an_earlier_schema_is_a_warning_to_back_up_first(patient: Patient, tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript(DUMPS[1].read_text())
    connection.close()
    aged = replace(patient, store_url=f"sqlite:///{tmp_path / 'old.db'}")
    (finding,) = found(aged, "schema")

    assert finding.level is Level.WARNING
    assert "back up first" in finding.remedy


def test_a_newer_schema_is_a_failure(patient: Patient):
    change(patient, "UPDATE properties SET value = '999' WHERE name = 'schema_version'")
    (finding,) = found(patient, "schema")

    assert finding.level is Level.FAILURE
    assert "999" in finding.text


def test_a_damaged_bundle_is_a_failure(patient: Patient, tmp_path: Path):
    (finding,) = found(replace(patient, bundle=tmp_path), "bundle")

    assert finding.level is Level.FAILURE


def test_the_bundle_of_another_encoder_is_a_failure(patient: Patient, other_bundle: Bundle):
    change(patient, "UPDATE encoders SET install_time = NULL")
    (finding,) = found(replace(patient, bundle=other_bundle.path), "encoder")

    assert finding.level is Level.FAILURE
    assert other_bundle.id in finding.text


def test_a_catalogue_whose_encoder_was_switched_is_sound(settings: Settings, other_bundle: Bundle):
    running = Server(settings)
    running.start()
    with connect(running.address) as stubs, StylefacetClient(running.address) as client:
        stubs.upload(8)
        stubs.upload(2, category="dress")
        encoder = client.install_encoder(other_bundle.path).encoder_id
        for categories in (["dress"], []):
            started = client.activate_encoder(encoder, categories)
            client.wait_for_operation(started.operation_id)
            patient = Patient(settings.store_url, settings.data_dir, settings.bundle, True)
            assert {finding.level for finding in examine(patient)} == {Level.OK}
    running.stop()

    assert encoder in found(patient, "encoder")[0].text


@pytest.mark.parametrize("version", DUMPS)
def test_catalogues_of_every_earlier_release_are_read(patient: Patient, tmp_path: Path, version):
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript(DUMPS[version].read_text())
    connection.close()
    url = f"sqlite:///{tmp_path / 'old.db'}"

    assert "2 products, 2 images" in found(replace(patient, store_url=url), "store")[0].text


def test_images_without_vectors_or_inputs_are_counted(patient: Patient):
    change(patient, "DELETE FROM embeddings WHERE image_key IN (1, 2, 3)")
    change(patient, "UPDATE images SET input_sha256 = NULL WHERE image_key = 4")

    assert found(patient, "images")[0].text.startswith("3 of 8 have no vector")
    assert found(patient, "inputs")[0].text.startswith("1 of 8 images were stored without")


def test_a_damaged_input_is_a_failure(patient: Patient):
    change(patient, "UPDATE kept_inputs SET content = x'00' WHERE rowid = 1")
    (finding,) = found(patient, "inputs")

    assert finding.level is Level.FAILURE
    assert finding.text.startswith("1 of 8")


def test_vectors_of_another_length_are_a_failure(patient: Patient):
    change(patient, "UPDATE embeddings SET mean = x'00000000' WHERE image_key = 1")

    assert found(patient, "vectors")[0].level is Level.FAILURE


def compared(patient: Patient) -> Finding:
    (finding,) = (f for f in examine(patient, with_vectors=True) if f.subject == "vectors")
    return finding


def test_sound_vectors_are_what_the_encoder_gives_for_the_kept_inputs(patient: Patient):
    assert compared(patient) == Finding("vectors", Level.OK, "8 are what the encoder gives")


@pytest.mark.parametrize("flipped", [b"\x40", b"\x7f"], ids=["another number", "no number"])
def test_a_vector_with_a_flipped_bit_is_named(patient: Patient, flipped: bytes):
    assert patient.data_dir is not None
    with closing(sqlite3.connect(patient.data_dir / "catalogue.db")) as connection:
        (mean,) = connection.execute("SELECT mean FROM embeddings WHERE image_key = 3").fetchone()
        # The highest byte of the second number: sign and exponent.
        changed = mean[:7] + bytes([mean[7] ^ flipped[0]]) + mean[8:]
        connection.execute("UPDATE embeddings SET mean = ? WHERE image_key = 3", (changed,))
        connection.commit()
    finding = compared(patient)

    assert finding.level is Level.FAILURE
    assert finding.text.startswith("1 of 8 are not")
    assert "products/p2/images/" in finding.text
    assert [f.level for f in found(patient, "store")] == [Level.OK]


def test_a_damaged_input_and_an_image_without_one_are_not_compared(patient: Patient):
    change(patient, "UPDATE kept_inputs SET content = x'00' WHERE rowid = 1")
    change(patient, "UPDATE images SET input_sha256 = NULL WHERE image_key = 4")

    assert compared(patient).text.startswith("6 are")


def test_vectors_of_another_encoder_than_the_bundles_are_not_compared(
    patient: Patient, other_bundle: Bundle
):
    assert compared(replace(patient, bundle=other_bundle.path)).level is Level.SKIPPED


def test_an_index_far_behind_is_a_warning():
    assert examine_index(IndexState(5, 5_000, 100)).level is Level.WARNING
    assert examine_index(IndexState(5_000, 5_000, 100)).level is Level.OK
