"""Takes encoder bundles in, keeps them for all servers of a store, and loads them; knows no RPC.

The store has the files of every installed bundle. A folder of this server's holds them unpacked,
each written whole or not at all; what is missing or damaged there is fetched from the store again.
"""

import io
import logging
import os
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stylefacet.app.photos import PhotoEmbedder
from stylefacet.bundle import MANIFEST_FILE, Bundle, bundle_id, read_bundle
from stylefacet.catalog.encoder_store import EncoderStore
from stylefacet.catalog.failures import explain_file
from stylefacet.errors import BundleInvalid, ResourceMissing
from stylefacet.imaging import ImageLimits
from stylefacet.inference import Decoder, Encoder, EncoderProcesses
from stylefacet.limits import MAX_BUNDLE_BYTES

_log = logging.getLogger(__name__)
_UNFINISHED = ".new-"
# Older ones are of servers that were killed; another one may be at work on a newer one.
_UNFINISHED_FOR_S = 3600.0


@dataclass(frozen=True, slots=True)
class LoadedEncoder:
    """An encoder whose golden outputs agree, ready to be used."""

    encoder: Encoder
    decoder: Decoder | None
    embedder: PhotoEmbedder


class BundleLibrary:
    """The encoders that can be loaded here. Thread-safe.

    ``_lock`` guards ``_loaded``, and lets one bundle be unpacked and loaded at a time.
    """

    def __init__(
        self,
        store: EncoderStore,
        folder: Path,
        limits: ImageLimits,
        processes: EncoderProcesses | None = None,
    ) -> None:
        """Opens the folder; encoders that are loaded embed in ``processes``, if there are any."""
        self._store = store
        self._folder = folder
        self._limits = limits
        self._processes = processes
        self._lock = threading.RLock()
        _clear_unfinished(folder)
        self._loaded: dict[str, LoadedEncoder] = {}

    def take_own(self, path: Path) -> LoadedEncoder:
        """Loads the bundle that a server was started with, and installs it unless it is.

        Raises:
            BundleInvalid
        """
        bundle = read_bundle(path)
        with self._lock:
            loaded = self._loaded[bundle.id] = self._open(bundle)
        self._store.install(bundle.id, _read_files(bundle))
        return loaded

    def load(self, encoder_id: str) -> LoadedEncoder:
        """Returns an installed encoder.

        Raises:
            ResourceMissing: when it is not installed.
            BundleInvalid: when it does not run on this machine as it should.
        """
        with self._lock:
            if encoder_id not in self._loaded:
                self._loaded[encoder_id] = self._open(self._fetch(encoder_id))
            return self._loaded[encoder_id]

    def install(self, files: Mapping[str, bytes], name: str) -> tuple[LoadedEncoder, bool]:
        """Verifies a bundle by its golden outputs and takes it; returns whether it is new.

        ``name`` is what the caller calls it, for messages.

        Raises:
            BundleInvalid: and nothing was taken.
        """
        with self._scratch() as scratch, self._lock:
            try:
                _write_files(scratch, files)
                bundle = read_bundle(scratch)
                loaded = self._loaded.get(bundle.id) or self._open(bundle)
                kept = _read_files(bundle)
            except BundleInvalid as error:
                raise BundleInvalid(name, error.metadata.get("cause", error.message)) from error
            is_new = self._store.install(bundle.id, kept)
            self._loaded[bundle.id] = loaded
            self._place(scratch, bundle.id)
        return loaded, is_new

    def forget(self, encoder_id: str) -> None:
        """Drops an encoder that is not installed any more."""
        with self._lock:
            self._loaded.pop(encoder_id, None)
            if self._processes is not None:
                self._processes.forget(encoder_id)
            shutil.rmtree(self._folder / encoder_id, ignore_errors=True)

    def _open(self, bundle: Bundle) -> LoadedEncoder:
        encoder = Encoder(bundle)
        decoder = None if bundle.decoder is None else Decoder(bundle)
        if self._processes is not None:
            self._processes.add(bundle)
        embedder = PhotoEmbedder(encoder, self._limits, self._processes)
        return LoadedEncoder(encoder, decoder, embedder)

    def _fetch(self, encoder_id: str) -> Bundle:
        path = self._folder / encoder_id
        if path.is_dir():
            try:
                bundle = read_bundle(path)
                if bundle.id == encoder_id:
                    return bundle
            except BundleInvalid as error:
                _log.warning("bundle fetched again", extra={"cause": error.message})
        files = self._store.read_files(encoder_id)
        if not files:
            raise ResourceMissing("encoder", encoder_id, "install its bundle")
        with self._scratch() as scratch:
            _write_files(scratch, files)
            self._place(scratch, encoder_id)
        return read_bundle(path)

    def _place(self, scratch: Path, encoder_id: str) -> None:
        path = self._folder / encoder_id
        scratch.chmod(0o755)
        shutil.rmtree(path, ignore_errors=True)
        os.replace(scratch, path)

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._folder))
        except OSError as error:
            raise explain_file(error, str(self._folder)) from error
        try:
            yield scratch
        except OSError as error:
            raise explain_file(error, str(self._folder)) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _clear_unfinished(folder: Path) -> None:
    """Removes what servers left that were killed while they took a bundle in."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _UNFINISHED_FOR_S:
                shutil.rmtree(path)


def read_folder(path: Path, name: str) -> dict[str, bytes]:
    """Returns the files of a bundle's folder by name, nothing of what else lies there.

    Raises:
        BundleInvalid: when it is no bundle, or too large.
    """
    try:
        files = [f for f in path.iterdir() if f.is_file() and not f.is_symlink()]
        sizes = {file: file.stat().st_size for file in files}
        if sum(sizes.values()) > MAX_BUNDLE_BYTES:
            raise BundleInvalid(name, f"it is larger than {MAX_BUNDLE_BYTES:,} bytes")
        return {file.name: file.read_bytes() for file in files}
    except OSError as error:
        raise BundleInvalid(name, str(error.strerror)) from error


def read_zip(content: bytes, name: str) -> dict[str, bytes]:
    """Returns the files of a zipped bundle by name; they may stand in one folder together.

    Raises:
        BundleInvalid: when it is no zip file, too large when unpacked, or of several folders.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > MAX_BUNDLE_BYTES:
                raise BundleInvalid(name, f"it unpacks to more than {MAX_BUNDLE_BYTES:,} bytes")
            manifests = [e for e in entries if PurePosixPath(e.filename).name == MANIFEST_FILE]
            if len(manifests) != 1:
                raise BundleInvalid(name, f"it holds {len(manifests)} files {MANIFEST_FILE}")
            folder = PurePosixPath(manifests[0].filename).parent
            # Read with the size that was declared as the limit: an entry may lie about it.
            return {
                PurePosixPath(entry.filename).name: _read_entry(archive, entry)
                for entry in entries
                if PurePosixPath(entry.filename).parent == folder
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise BundleInvalid(name, f"it is no zip file that can be read ({error})") from error


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as file:
        return file.read(entry.file_size)


def _read_files(bundle: Bundle) -> dict[str, bytes]:
    names = [*sorted(bundle.manifest.digests), MANIFEST_FILE]
    files = {name: (bundle.path / name).read_bytes() for name in names}
    if bundle_id(files[MANIFEST_FILE]) != bundle.id:
        raise BundleInvalid(str(bundle.path), "it was changed while it was read")
    return files


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if PurePosixPath(name).name != name or name in ("", ".", ".."):
            raise BundleInvalid(str(folder), f"{name!r} is no plain file name")
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
