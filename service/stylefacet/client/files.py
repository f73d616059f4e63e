"""Reads photos from disk for sending; knows no RPC."""

from pathlib import Path

from stylefacet.errors import ImageTooLarge, ImageUndecodable, InvalidField
from stylefacet.limits import MAX_IMAGE_BYTES


def read_photo(path: Path) -> bytes:
    """Returns a photo's bytes, looked at no further.

    Raises:
        InvalidField: when the file cannot be read.
        ImageTooLarge: before reading, when it exceeds what a server takes.
        ImageUndecodable: when it is empty.
    """
    try:
        size_bytes = path.stat().st_size
        if size_bytes > MAX_IMAGE_BYTES:
            raise ImageTooLarge(size_bytes, MAX_IMAGE_BYTES, "bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidField("image", f"{path} cannot be read ({error.strerror})") from error
    if not content:
        raise ImageUndecodable("it is empty")
    return content
