"""Examines a catalogue, its bundle and its disk, and says what to do; changes nothing, no RPC."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from stylefacet.bundle import Bundle, read_bundle
from stylefacet.catalog.inspection import (
    CURRENT_SCHEMA_VERSION,
    CatalogueInspector,
    CatalogueState,
)
from stylefacet.errors import BundleInvalid, ImageUndecodable, SettingInvalid, StoreCorrupt
from stylefacet.inference import Encoder
from stylefacet.kept_inputs import unpack_pixels

# Kept inputs that are read back; a disk that damages files damages many.
_SAMPLE_COUNT = 200
# Vectors that are compared at a time, and images named that have a wrong one.
_PAGE_COUNT = 64
_NAMED_COUNT = 3
# Below this SQLite's next commits are in danger.
_LOW_BYTES = 256 << 20
# Changes that a server takes in within a second or two.
_LAG_COUNT = 1000


class Level(StrEnum):
    """How a finding stands."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it, empty when nothing."""

    subject: str
    level: Level
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined."""

    store_url: str
    # Where SQLite lies; None for another database.
    data_dir: Path | None
    bundle: Path
    keep_inputs: bool


@dataclass(frozen=True, slots=True)
class IndexState:
    """What a running server tells of its index."""

    sequence: int
    store_sequence: int
    image_count: int


def examine(patient: Patient, with_vectors: bool = False) -> Iterator[Finding]:
    """Yields findings on the store, the bundle, the images and the disk, as they are made.

    Vectors are compared only if asked: every kept input is embedded for it, some milliseconds each.
    """
    bundle: Bundle | None = None
    encoder: Encoder | None = None
    try:
        bundle = read_bundle(patient.bundle)
        encoder = Encoder(bundle)
        yield Finding("bundle", Level.OK, f"{patient.bundle}: {bundle.id}, golden photos agree")
    except BundleInvalid as error:
        yield Finding(
            "bundle",
            Level.FAILURE,
            error.metadata["cause"],
            "restore it from a backup (`stylefacet restore`), or export it again",
        )
    yield from _examine_store(patient, bundle, encoder if with_vectors else None)
    if patient.data_dir is not None and patient.data_dir.is_dir():
        yield _examine_disk(patient.data_dir)


def examine_index(state: IndexState) -> Finding:
    """Returns how far a running server's index is behind its store."""
    lag = state.store_sequence - state.sequence
    where = f"{state.image_count:,} images, at change {state.sequence} of {state.store_sequence}"
    if lag > _LAG_COUNT:
        return Finding(
            "index", Level.WARNING, where, "see the server's log; a restart fills the index anew"
        )
    return Finding("index", Level.OK, where)


def _examine_store(
    patient: Patient, bundle: Bundle | None, encoder: Encoder | None
) -> Iterator[Finding]:
    try:
        inspector = CatalogueInspector(patient.store_url)
        version = inspector.read_schema_version()
    except (StoreCorrupt, SettingInvalid) as error:
        yield Finding(
            "store",
            Level.FAILURE,
            error.metadata.get("cause", error.message),
            "check --data-dir or --database-url; a new catalogue is made by `stylefacet serve`, "
            "a lost one comes back with `stylefacet restore`",
        )
        return
    yield _examine_schema(version)
    if version > CURRENT_SCHEMA_VERSION:
        return
    try:
        inspector.check_pages()
        state = inspector.read_state()
        yield Finding(
            "store",
            Level.OK,
            f"{state.product_count:,} products, {state.image_count:,} images, change "
            f"{state.sequence}",
        )
        yield from _examine_images(patient, state, bundle)
        yield _examine_inputs(inspector)
        if encoder is not None and version == CURRENT_SCHEMA_VERSION:
            yield _examine_vectors(inspector, encoder)
    except StoreCorrupt as error:
        yield Finding(
            "store",
            Level.FAILURE,
            error.metadata["cause"],
            "stop the server and restore the last backup (`stylefacet restore`)",
        )


def _examine_schema(version: int) -> Finding:
    if version > CURRENT_SCHEMA_VERSION:
        return Finding(
            "schema",
            Level.FAILURE,
            f"version {version}, this release knows {CURRENT_SCHEMA_VERSION}",
            "run the release that wrote it, or restore a backup of before the upgrade",
        )
    if version < CURRENT_SCHEMA_VERSION:
        return Finding(
            "schema",
            Level.WARNING,
            f"version {version}, this release writes {CURRENT_SCHEMA_VERSION}",
            "the next start migrates it, and earlier releases cannot read it then: back up first",
        )
    return Finding("schema", Level.OK, f"version {version}")


def _examine_images(
    patient: Patient, state: CatalogueState, bundle: Bundle | None
) -> Iterator[Finding]:
    if bundle is not None and state.encoder_id not in (None, bundle.id):
        yield _examine_encoder(state, bundle)
    elif bundle is not None:
        expected = (bundle.manifest.latent_dimension_count * 4,)
        if state.vector_sizes_bytes not in ((), expected):
            yield Finding(
                "vectors",
                Level.FAILURE,
                f"vectors of {state.vector_sizes_bytes} bytes, the encoder's have {expected[0]}",
                "restore a backup",
            )
    if state.unembedded_image_count:
        yield Finding(
            "images",
            Level.WARNING,
            f"{state.unembedded_image_count:,} of {state.image_count:,} have no vector: no search "
            "finds them",
            "upload their photos again",
        )
    if state.inputless_image_count and patient.keep_inputs:
        yield Finding(
            "inputs",
            Level.WARNING,
            f"{state.inputless_image_count:,} of {state.image_count:,} images were stored without "
            "their input",
            "a change of encoder will ask for their photos again: keep them at hand",
        )
    if state.unrealised_features:
        yield Finding(
            "features",
            Level.WARNING,
            f"the encoder has no map for {', '.join(state.unrealised_features)}",
            "fit them again (`stylefacet features update --refit`), or make them anew",
        )


def _examine_encoder(state: CatalogueState, bundle: Bundle) -> Finding:
    """Returns what to make of a catalogue that another encoder serves than the bundle's."""
    if state.encoder_id in state.installed_encoder_ids:
        return Finding(
            "encoder",
            Level.OK,
            f"{state.encoder_id} serves, the bundle is {bundle.id}: encoders were switched, or "
            "are to be (`stylefacet encoders list`)",
        )
    return Finding(
        "encoder",
        Level.FAILURE,
        f"the catalogue belongs to {state.encoder_id}, the bundle is {bundle.id}",
        "serve it with its own bundle (--bundle)",
    )


def _examine_inputs(inspector: CatalogueInspector) -> Finding:
    sample = inspector.sample_inputs(_SAMPLE_COUNT)
    damaged = sum(not _is_whole(kept.content, kept.sha256) for kept in sample)
    if damaged:
        return Finding(
            "inputs",
            Level.FAILURE,
            f"{damaged} of {len(sample)} kept inputs looked at are damaged",
            "check the disk and restore the last backup (`stylefacet restore`)",
        )
    if not sample:
        return Finding("inputs", Level.SKIPPED, "none are kept")
    return Finding("inputs", Level.OK, f"{len(sample)} kept inputs read back")


def _examine_vectors(inspector: CatalogueInspector, encoder: Encoder) -> Finding:
    """Compares an encoder's vectors with those of the kept inputs.

    A bit that turns over within a stored vector leaves a file that SQLite finds well.
    """
    compared_count = 0
    wrong: list[str] = []
    for page in inspector.page_vectors(encoder.id, _PAGE_COUNT):
        for stored in page:
            try:
                pixels = encoder.fit(unpack_pixels(stored.kept_input))
            except ImageUndecodable:
                continue  # which the inputs' own finding is about
            compared_count += 1
            if not encoder.agrees(pixels, stored.mean, stored.novelty):
                wrong.append(f"products/{stored.product_id}/images/{stored.image_id}")
    if not compared_count:
        return Finding("vectors", Level.SKIPPED, "none of this encoder has a kept input")
    if not wrong:
        return Finding("vectors", Level.OK, f"{compared_count:,} are what the encoder gives")
    more = f" and {len(wrong) - _NAMED_COUNT:,} more" if len(wrong) > _NAMED_COUNT else ""
    return Finding(
        "vectors",
        Level.FAILURE,
        f"{len(wrong):,} of {compared_count:,} are not what the encoder gives for the kept input: "
        f"{', '.join(wrong[:_NAMED_COUNT])}{more}",
        "check the disk; delete these images and upload their photos again, or restore a backup",
    )


def _is_whole(content: bytes, sha256: str) -> bool:
    try:
        return hashlib.sha256(unpack_pixels(content).tobytes()).hexdigest() == sha256
    except ImageUndecodable:
        return False


def _examine_disk(data_dir: Path) -> Finding:
    free_bytes = shutil.disk_usage(data_dir).free
    used_bytes = sum(path.stat().st_size for path in data_dir.rglob("*") if path.is_file())
    text = f"{_gigabytes(used_bytes)} used, {_gigabytes(free_bytes)} free at {data_dir}"
    if free_bytes < _LOW_BYTES:
        return Finding("disk", Level.FAILURE, text, "make room: writes will fail soon")
    if free_bytes < 2 * used_bytes:
        return Finding(
            "disk", Level.WARNING, text, "make room for a backup or an upgrade beside the data"
        )
    return Finding("disk", Level.OK, text)


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.2f} GB"
