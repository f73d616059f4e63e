"""Installs encoder bundles from the server's disk or from a caller, and deletes them; no RPC."""

import io
from collections.abc import Iterable

from stylefacet.app.import_root import ImportRoot
from stylefacet.app.library import BundleLibrary, read_folder, read_zip
from stylefacet.app.realms import SWITCH_KIND, EncoderSet
from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.store import Store
from stylefacet.errors import BundleInvalid, EncoderInUse, ImportDisabled, ResourceMissing
from stylefacet.limits import MAX_BUNDLE_BYTES

_UPLOADED = "the uploaded file"


class EncoderInstaller:
    """Takes encoders in and lets them go. Thread-safe; holds no state of its own."""

    def __init__(
        self, store: Store, library: BundleLibrary, encoders: EncoderSet, root: ImportRoot | None
    ) -> None:
        """Takes no root for a server without a folder to import from."""
        self._store = store
        self._library = library
        self._encoders = encoders
        self._root = root

    def install(self, name: str) -> str:
        """Takes a bundle that lies under the import root; returns the encoder's id.

        Raises:
            ImportDisabled, InvalidField: when there is no such folder or file.
            BundleInvalid: when it does not do here what it says of itself.
        """
        if self._root is None:
            raise ImportDisabled
        path = self._root.find(name, "path")
        if path.is_dir():
            files = read_folder(path, name)
        else:
            try:
                if path.stat().st_size > MAX_BUNDLE_BYTES:
                    raise BundleInvalid(name, f"it is larger than {MAX_BUNDLE_BYTES:,} bytes")
                files = read_zip(path.read_bytes(), name)
            except OSError as error:
                raise BundleInvalid(name, str(error.strerror)) from error
        return self._take(files, name)

    def install_upload(self, pieces: Iterable[bytes]) -> str:
        """Takes a zipped bundle that comes in pieces; returns the encoder's id.

        Raises:
            BundleInvalid: as `install`.
        """
        content = io.BytesIO()
        for piece in pieces:
            content.write(piece)
            if content.tell() > MAX_BUNDLE_BYTES:
                raise BundleInvalid(_UPLOADED, f"it is larger than {MAX_BUNDLE_BYTES:,} bytes")
        return self._take(read_zip(content.getvalue(), _UPLOADED), _UPLOADED)

    def delete(self, encoder_id: str) -> None:
        """Deletes an encoder that does not serve, with its vectors.

        A deletion that was cut short, which leaves vectors, is finished by the next.

        Raises:
            ResourceMissing, EncoderInUse.
        """
        encoders = self._store.encoders
        if encoders.find_installed(encoder_id) is None and not encoders.has_vectors(encoder_id):
            raise ResourceMissing("encoder", encoder_id, "list them with ListEncoders")

        def check(assignment: Assignment | None, coming: Iterable[Assignment]) -> None:
            if assignment is not None and encoder_id in assignment.encoder_ids:
                raise EncoderInUse(encoder_id, "it serves; let another one serve first")
            if any(encoder_id in each.encoder_ids for each in coming):
                raise EncoderInUse(encoder_id, "an operation lets it serve; cancel that first")

        encoders.delete(encoder_id, SWITCH_KIND, check)
        self._library.forget(encoder_id)

    def _take(self, files: dict[str, bytes], name: str) -> str:
        loaded, _ = self._library.install(files, name)
        return loaded.encoder.id
