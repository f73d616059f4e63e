"""The folder that imports may read, and nothing outside it; knows neither manifests nor rows."""

import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from stylefacet.errors import ImageTooLarge, ImageUndecodable, InvalidField


class ImportRoot:
    """Opens files below a folder by names that stay in it, links included. Thread-safe."""

    def __init__(self, folder: Path, max_image_bytes: int) -> None:
        self._folder = folder.resolve()
        self._max_image_bytes = max_image_bytes

    def find(self, text: str, field: str = "manifest") -> Path:
        """Returns the path of a file or a folder.

        Raises:
            InvalidField: for a name that leaves the folder or stands for nothing.
        """
        path = PurePosixPath(text.replace("\\", "/"))
        if not text.strip():
            raise InvalidField(field, "is empty; name a file under the server's import root")
        if "://" in text:
            raise InvalidField(field, f"{text!r} is an address; name a file")
        if path.is_absolute() or PureWindowsPath(text).drive or ".." in path.parts:
            raise InvalidField(field, f"{text!r} leaves the server's import root")
        try:
            self._resolve(field, self._folder / path)
        except (OSError, ValueError, RuntimeError) as error:
            raise InvalidField(
                field, f"there is no {text!r} under the server's import root"
            ) from error
        return self._folder / path

    def read_photo(self, path: Path) -> bytes:
        """Returns a photo's bytes, looked at no further.

        Raises:
            InvalidField: when the file cannot be read, or a link leads out of the folder.
            ImageTooLarge, ImageUndecodable: when it is over the limit, or empty.
        """
        try:
            # The resolved path has no links; a link put in its last place meanwhile is refused.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            with os.fdopen(os.open(self._resolve("image", path), flags), "rb") as file:
                facts = os.fstat(file.fileno())
                if not stat.S_ISREG(facts.st_mode):
                    raise InvalidField("image", f"{path.name} is no file")
                if facts.st_size > self._max_image_bytes:
                    raise ImageTooLarge(facts.st_size, self._max_image_bytes, "bytes")
                content = file.read(self._max_image_bytes)
        except (OSError, ValueError, RuntimeError) as error:
            cause = error.strerror if isinstance(error, OSError) else str(error)
            raise InvalidField("image", f"{path.name} cannot be read ({cause})") from error
        if not content:
            raise ImageUndecodable("it is empty")
        return content

    def name_of(self, path: Path) -> str:
        """Returns a path as callers know it, relative to the folder."""
        return path.relative_to(self._folder).as_posix()

    def _resolve(self, field: str, path: Path) -> Path:
        resolved = path.resolve(strict=True)
        if not resolved.is_relative_to(self._folder):
            raise InvalidField(
                field, f"{self.name_of(path)!r} is a link that leaves the server's import root"
            )
        return resolved
