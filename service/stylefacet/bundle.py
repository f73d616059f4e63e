"""The encoder bundle, the folder that joins training and serving; runs no network itself.

A bundle holds ``encoder.onnx``, an optional ``decoder.onnx``, ``golden.npz``, ``card.md`` with its
pictures and ``manifest.json``, which carries the digest of every other file. The bundle's id is
the digest of the manifest, so it stands for the whole content.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from stylefacet.errors import BundleInvalid
from stylefacet.imaging import read_letterbox

FORMAT_VERSION = 1
ENCODER_FILE = "encoder.onnx"
DECODER_FILE = "decoder.onnx"
GOLDEN_FILE = "golden.npz"
MANIFEST_FILE = "manifest.json"
CARD_FILE = "card.md"
# Largest difference of a replayed letterbox, in grey levels: JPEG decoders round differently.
GOLDEN_PIXEL_TOLERANCE = 3
# Largest difference of a replayed output, in units of the latent prior's standard deviation.
GOLDEN_OUTPUT_TOLERANCE = 2e-3


class FeatureKind(StrEnum):
    """How a feature came to its map."""

    DIMENSIONS = "dimensions"
    PROJECTION = "projection"


@dataclass(frozen=True, slots=True)
class LatentBlock:
    """A named half-open range ``[start, end)`` of latent dimensions."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class BundledFeature:
    """A feature that comes with the encoder: coordinates are ``scale * matrix @ mean``.

    ``matrix`` has ``k`` rows of ``d`` numbers. With ``scale``, the mean squared distance of two
    items of the training population is 1.
    """

    name: str
    display_name: str
    kind: FeatureKind
    matrix: tuple[tuple[float, ...], ...]
    scale: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself. Sizes in pixels, times in ISO 8601 UTC."""

    name: str
    input_height_px: int
    input_width_px: int
    latent_dimension_count: int
    blocks: tuple[LatentBlock, ...]
    features: tuple[BundledFeature, ...]
    # Where the training photos came from and under which licence.
    training_data: str
    licence: str
    commit: str
    train_time: str
    config: dict[str, object]
    # Measured figures, named as in design/evaluation: shown, never used.
    quality: dict[str, float]
    # Variance of each latent dimension over the training population: scales features as long as
    # a catalogue is too small to do it.
    latent_variances: tuple[float, ...]
    # Novelty below this holds for 99 of 100 training photos.
    novelty_p99: float
    format_version: int = FORMAT_VERSION
    digests: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GoldenSample:
    """One photo with the outputs it must give: ``pixels`` (h, w, 3) uint8, vectors ``(d,)``."""

    content: bytes
    pixels: npt.NDArray[np.uint8]
    mean: npt.NDArray[np.float32]
    logvar: npt.NDArray[np.float32]
    novelty: float


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle read from disk whose digests and golden letterboxes agree."""

    path: Path
    id: str
    manifest: Manifest
    encoder: bytes
    decoder: bytes | None
    golden: tuple[GoldenSample, ...]


def write_bundle(
    path: Path,
    manifest: Manifest,
    encoder: bytes,
    decoder: bytes | None,
    golden: Sequence[GoldenSample],
    card: str,
    pictures: Mapping[str, bytes],
) -> Bundle:
    """Writes a bundle folder, whole or not at all, and returns it as read back.

    ``manifest.digests`` is filled in here; ``pictures`` maps file names to PNG bytes. An existing
    bundle at ``path`` is replaced; any other folder with content is refused.

    Raises:
        BundleInvalid: when ``path`` holds something else, or the manifest contradicts itself.
    """
    if path.exists() and not (path / MANIFEST_FILE).is_file() and any(path.iterdir()):
        raise BundleInvalid(str(path), "the folder holds other files; name an empty one")
    files = {ENCODER_FILE: encoder, CARD_FILE: card.encode(), **pictures}
    files[GOLDEN_FILE] = _pack_golden(golden)
    if decoder is not None:
        files[DECODER_FILE] = decoder
    digests = {name: _sha256(files[name]) for name in sorted(files)}
    record = asdict(replace(manifest, digests=digests))
    files[MANIFEST_FILE] = (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()
    _check_manifest(str(path), _parse_manifest(str(path), files[MANIFEST_FILE]))

    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        scratch.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        os.replace(scratch, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return read_bundle(path)


def read_bundle(path: Path) -> Bundle:
    """Returns the bundle in a folder after checking its digests and golden letterboxes.

    Golden outputs are replayed by ``stylefacet.inference``, which has the runtime.

    Raises:
        BundleInvalid: when anything is missing, damaged, unknown or contradictory.
    """
    where = str(path)
    if not path.is_dir():
        raise BundleInvalid(where, "there is no such folder")
    try:
        content = (path / MANIFEST_FILE).read_bytes()
        manifest = _parse_manifest(where, content)
        _check_manifest(where, manifest)
        for name, digest in manifest.digests.items():
            if _sha256((path / name).read_bytes()) != digest:
                raise BundleInvalid(where, f"{name} does not match its digest")
        encoder = (path / ENCODER_FILE).read_bytes()
        decoder = (path / DECODER_FILE).read_bytes() if DECODER_FILE in manifest.digests else None
        golden = _unpack_golden((path / GOLDEN_FILE).read_bytes())
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise BundleInvalid(where, f"{name} is missing") from error
    except OSError as error:
        raise BundleInvalid(where, str(error)) from error
    bundle = Bundle(path, bundle_id(content), manifest, encoder, decoder, golden)
    _replay_letterboxes(bundle)
    return bundle


def bundle_id(manifest: bytes) -> str:
    """Returns the id of the bundle that has this manifest file."""
    return _sha256(manifest)[:16]


def parse_manifest(where: str, content: bytes) -> Manifest:
    """Returns the manifest in a bundle's manifest file.

    Raises:
        BundleInvalid: when it cannot be read or contradicts itself.
    """
    manifest = _parse_manifest(where, content)
    _check_manifest(where, manifest)
    return manifest


def _replay_letterboxes(bundle: Bundle) -> None:
    size = bundle.manifest.input_height_px, bundle.manifest.input_width_px
    for number, sample in enumerate(bundle.golden):
        pixels = read_letterbox(sample.content, *size).pixels.astype(np.int16)
        difference = int(np.abs(pixels - sample.pixels).max())
        if difference > GOLDEN_PIXEL_TOLERANCE:
            raise BundleInvalid(
                str(bundle.path),
                f"golden photo {number} is read {difference} grey levels apart "
                f"(at most {GOLDEN_PIXEL_TOLERANCE}): imaging has changed since the export",
            )


def _parse_manifest(where: str, content: bytes) -> Manifest:
    try:
        record = json.loads(content)
        version = record.get("format_version")
        if version != FORMAT_VERSION:
            raise BundleInvalid(
                where, f"format version {version} is not the supported {FORMAT_VERSION}"
            )
        record["blocks"] = tuple(LatentBlock(**block) for block in record["blocks"])
        record["features"] = tuple(_parse_feature(item) for item in record["features"])
        record["latent_variances"] = tuple(float(v) for v in record["latent_variances"])
        return Manifest(**record)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleInvalid(where, f"{MANIFEST_FILE} cannot be read ({error})") from error


def _parse_feature(item: dict[str, object]) -> BundledFeature:
    rows = cast("list[list[float]]", item["matrix"])
    return BundledFeature(
        name=str(item["name"]),
        display_name=str(item["display_name"]),
        kind=FeatureKind(str(item["kind"])),
        matrix=tuple(tuple(float(v) for v in row) for row in rows),
        scale=float(cast("float", item["scale"])),
    )


def _check_manifest(where: str, manifest: Manifest) -> None:
    d = manifest.latent_dimension_count
    if d < 1 or manifest.input_height_px < 1 or manifest.input_width_px < 1:
        raise BundleInvalid(where, "sizes must be positive")
    for name in manifest.digests:
        if Path(name).name != name:
            raise BundleInvalid(where, f"{name!r} is no plain file name")
    if ENCODER_FILE not in manifest.digests or GOLDEN_FILE not in manifest.digests:
        raise BundleInvalid(where, f"{ENCODER_FILE} and {GOLDEN_FILE} must be listed")
    end = 0
    for block in manifest.blocks:
        if block.start != end or block.end <= block.start:
            raise BundleInvalid(where, f"block {block.name!r} does not follow the one before it")
        end = block.end
    if end != d:
        raise BundleInvalid(where, f"blocks cover {end} of {d} latent dimensions")
    if len(manifest.latent_variances) != d:
        raise BundleInvalid(where, f"it has {len(manifest.latent_variances)} variances, not {d}")
    unnamed = {b.name for b in manifest.blocks} - {f.name for f in manifest.features}
    if unnamed:
        raise BundleInvalid(where, f"block {min(unnamed)!r} has no feature of its name")
    for feature in manifest.features:
        matrix = np.array(feature.matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != d or not np.isfinite(matrix).all():
            raise BundleInvalid(where, f"feature {feature.name!r} needs finite rows of {d} numbers")
        if not (np.isfinite(feature.scale) and feature.scale > 0):
            raise BundleInvalid(where, f"feature {feature.name!r} needs a positive scale")


def _pack_golden(golden: Sequence[GoldenSample]) -> bytes:
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for number, sample in enumerate(golden):
        arrays[f"content_{number}"] = np.frombuffer(sample.content, np.uint8)
        arrays[f"pixels_{number}"] = sample.pixels
        arrays[f"mean_{number}"] = sample.mean
        arrays[f"logvar_{number}"] = sample.logvar
        arrays[f"novelty_{number}"] = np.float32(sample.novelty).reshape(1)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpack_golden(content: bytes) -> tuple[GoldenSample, ...]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        count = sum(1 for name in arrays.files if name.startswith("content_"))
        return tuple(
            GoldenSample(
                content=arrays[f"content_{number}"].tobytes(),
                pixels=arrays[f"pixels_{number}"],
                mean=arrays[f"mean_{number}"],
                logvar=arrays[f"logvar_{number}"],
                novelty=float(arrays[f"novelty_{number}"][0]),
            )
            for number in range(count)
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
