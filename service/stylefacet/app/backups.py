"""Backs a catalogue up with its bundle, and restores both; knows no RPC.

A backup is a folder: ``catalogue.db``, ``bundle/`` and ``backup.json``, which names the digest of
every other file. It appears under its name when all of it is on disk.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from stylefacet import __version__
from stylefacet.bundle import read_bundle
from stylefacet.catalog.copying import (
    CatalogueFacts,
    Progress,
    copy_sqlite,
    is_readable_version,
    read_facts,
    sqlite_file,
    sync_file,
)
from stylefacet.errors import BackupInvalid, InvalidField

FORMAT_VERSION = 1
CATALOGUE_FILE = "catalogue.db"
BUNDLE_FOLDER = "bundle"
MANIFEST_FILE = "backup.json"
_CHUNK_BYTES = 1 << 20
# What a disk should have left beside a copy.
_SPARE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class BackedUpFile:
    """A file of a backup."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds, as its manifest tells."""

    create_time: str
    stylefacet_version: str
    catalogue: CatalogueFacts
    bundle_id: str
    files: dict[str, BackedUpFile]

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(file.size_bytes for file in self.files.values())


def back_up(
    store_url: str,
    bundle: Path,
    out: Path,
    now: Callable[[], datetime],
    progress: Progress = lambda done, total: None,
) -> Backup:
    """Copies a catalogue in SQLite and its bundle to a new folder, while servers write.

    Raises:
        InvalidField: for a folder that exists, or a disk too small.
        StoreCorrupt, BundleInvalid: for what cannot be backed up.
        SettingInvalid: for a catalogue in another database.
    """
    source = sqlite_file(store_url)
    bundle_id = read_bundle(bundle).id
    if out.exists():
        raise InvalidField("out", f"{out} exists; name a folder that does not")
    if not out.resolve().parent.is_dir():
        raise InvalidField("out", f"there is no folder {out.resolve().parent}")
    _check_room("out", out.resolve().parent, _size_with_log(source) + _folder_size(bundle))
    with _scratch_folder(out.resolve().parent, out.name) as scratch:
        copy_sqlite(source, scratch / CATALOGUE_FILE, progress)
        shutil.copytree(bundle, scratch / BUNDLE_FOLDER)
        backup = Backup(
            now().isoformat(timespec="seconds"),
            __version__,
            read_facts(scratch / CATALOGUE_FILE),
            bundle_id,
            {name: _describe(scratch / name) for name in _file_names(scratch)},
        )
        document = {"format_version": FORMAT_VERSION} | asdict(backup)
        (scratch / MANIFEST_FILE).write_text(json.dumps(document, indent=2) + "\n")
        _sync_tree(scratch)
        scratch.rename(out)
    sync_file(out.resolve().parent)
    return backup


def read_backup(folder: Path) -> Backup:
    """Returns what a backup says that it holds.

    Raises:
        BackupInvalid: when it is none, or of another format.
    """
    try:
        document = json.loads((folder / MANIFEST_FILE).read_text())
        if document.pop("format_version") != FORMAT_VERSION:
            raise BackupInvalid(str(folder), "another release wrote it, in another format")
        document["catalogue"] = CatalogueFacts(**document["catalogue"])
        document["files"] = {name: BackedUpFile(**file) for name, file in document["files"].items()}
        return Backup(**document)
    except FileNotFoundError as error:
        raise BackupInvalid(str(folder), f"it has no {MANIFEST_FILE}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupInvalid(str(folder), f"its {MANIFEST_FILE} is damaged") from error


def restore(folder: Path, data_dir: Path, progress: Progress = lambda done, total: None) -> Backup:
    """Puts a backup into a data directory that holds no catalogue; each file is verified.

    The catalogue comes last: a restore that was broken off can be done again.

    Raises:
        BackupInvalid: for a damaged backup, or one of a newer release.
        InvalidField: for a directory that holds a catalogue, or a disk too small.
    """
    backup = read_backup(folder)
    version = backup.catalogue.schema_version
    if not is_readable_version(version):
        raise BackupInvalid(
            str(folder),
            f"schema version {version} is newer than this release; restore it with "
            f"stylefacet {backup.stylefacet_version}",
        )
    if CATALOGUE_FILE not in backup.files or not all(map(_is_plain, backup.files)):
        raise BackupInvalid(str(folder), f"its {MANIFEST_FILE} is damaged")
    for name in (CATALOGUE_FILE, f"{CATALOGUE_FILE}-wal"):
        if (data_dir / name).exists():
            raise InvalidField(
                "data_dir", f"{data_dir} holds a catalogue; move it away or choose another"
            )
    data_dir.mkdir(parents=True, exist_ok=True)
    _check_room("data_dir", data_dir, backup.size_bytes)
    with _scratch_folder(data_dir, "restore") as scratch:
        done_bytes = 0
        for name, expected in backup.files.items():
            _copy_verified(folder, name, scratch / name, expected)
            done_bytes += expected.size_bytes
            progress(done_bytes, backup.size_bytes)
        read_facts(scratch / CATALOGUE_FILE)
        _sync_tree(scratch)
        shutil.rmtree(data_dir / BUNDLE_FOLDER, ignore_errors=True)
        (scratch / BUNDLE_FOLDER).rename(data_dir / BUNDLE_FOLDER)
        (scratch / CATALOGUE_FILE).rename(data_dir / CATALOGUE_FILE)
    sync_file(data_dir)
    return backup


def _copy_verified(folder: Path, name: str, target: Path, expected: BackedUpFile) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with (folder / name).open("rb") as source, target.open("wb") as copy:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                copy.write(chunk)
    except FileNotFoundError as error:
        raise BackupInvalid(str(folder), f"{name} is missing") from error
    if digest.hexdigest() != expected.sha256:
        raise BackupInvalid(str(folder), f"{name} is not what was backed up")


def _describe(path: Path) -> BackedUpFile:
    with path.open("rb") as file:
        return BackedUpFile(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _file_names(folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _is_plain(name: str) -> bool:
    """Whether a manifest's name stays inside its folder."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts)


def _size_with_log(database: Path) -> int:
    log = database.with_name(f"{database.name}-wal")
    return database.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _check_room(field: str, folder: Path, wanted_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < wanted_bytes + _SPARE_BYTES:
        raise InvalidField(
            field,
            f"{wanted_bytes / 1e9:.1f} GB are needed and {free_bytes / 1e9:.1f} GB are free at "
            f"{folder}",
        )


@contextmanager
def _scratch_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yields an empty folder; whatever is left of it at the end goes."""
    scratch = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".partial", dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        for name in files:
            sync_file(Path(place, name))
        sync_file(Path(place))
