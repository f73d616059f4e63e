"""Reads pictures and classes of idx files, as MNIST and Fashion-MNIST come; knows no model.

Source: the format's description on the MNIST site: two zero bytes, a type (8: unsigned bytes), the
number of axes, the length of each as big-endian int32, the values.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet_training.data.pictures import PictureSet

PREFIX = "idx:"
FORM = "idx:FOLDER, with ,part=train or ,part=t10k and ,count=N and ,first=N if wanted"
PARTS = ("train", "t10k")
_UNSIGNED_BYTES = 8


@dataclass(frozen=True, slots=True)
class IdxSource:
    """Which pictures of which folder: ``count`` of them from number ``first``; None: all."""

    folder: Path
    part: str = "train"
    count: int | None = None
    first: int = 0

    @classmethod
    def parse(cls, text: str) -> "IdxSource":
        """Returns what ``idx:mnist,part=t10k,count=500`` asks for.

        Raises:
            InvalidField: when the text has another form.
        """
        folder, *options = text.removeprefix(PREFIX).split(",")
        values = dict(option.partition("=")[::2] for option in options)
        numbers = {name: value for name, value in values.items() if name in ("count", "first")}
        if (
            set(values) - {"part", "count", "first"}
            or values.get("part", "train") not in PARTS
            or not all(value.isdecimal() for value in numbers.values())
            or not folder
        ):
            raise InvalidField("data", f"{text!r} is not {FORM}")
        count = int(numbers["count"]) if "count" in numbers else None
        return cls(Path(folder), values.get("part", "train"), count, int(numbers.get("first", "0")))


def read_idx_pictures(source: IdxSource, height_px: int, width_px: int) -> PictureSet:
    """Returns the pictures, ``(n, h, w, 1)``; each is a group of its own.

    Raises:
        ResourceMissing: when the file is not there.
        InvalidField: when it is no idx file of pictures, or they have another size.
    """
    images = _read(_path(source, "images", 3), 3)
    if images.shape[1:] != (height_px, width_px):
        size = "x".join(str(side) for side in images.shape[1:])
        raise InvalidField("data", f"pictures in {source.folder} have {size} pixels")
    images = _part(images, source)
    names = tuple(f"{source.part} {source.first + i}" for i in range(len(images)))
    return PictureSet(source.folder.resolve().name, images[..., None], names, names)


def read_idx_classes(source: IdxSource) -> npt.NDArray[np.int64]:
    """Returns the classes of the same pictures, ``(n,)``.

    Raises:
        ResourceMissing: when the file is not there.
        InvalidField: when it is no idx file of classes.
    """
    return _part(_read(_path(source, "labels", 1), 1), source).astype(np.int64)


def _part(values: npt.NDArray[np.uint8], source: IdxSource) -> npt.NDArray[np.uint8]:
    end = len(values) if source.count is None else source.first + source.count
    if end > len(values) or end - source.first < 2:
        raise InvalidField("data", f"{source.folder} has {len(values)} pictures in {source.part}")
    # A copy: what was read from a file's bytes cannot be written, which torch wants.
    return values[source.first : end].copy()


def _path(source: IdxSource, what: str, axes: int) -> Path:
    name = f"{source.part}-{what}-idx{axes}-ubyte"
    for path in (source.folder / f"{name}.gz", source.folder / name):
        if path.is_file():
            return path
    raise ResourceMissing("file", str(source.folder / name), "plain or with .gz")


def _read(path: Path, axes: int) -> npt.NDArray[np.uint8]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidField("data", f"{path} is damaged: {error}") from error
    head = 4 + 4 * axes
    if len(content) < head or content[:4] != bytes((0, 0, _UNSIGNED_BYTES, axes)):
        raise InvalidField("data", f"{path} is no idx file of bytes in {axes} dimensions")
    shape = tuple(int(n) for n in np.frombuffer(content[4:head], ">i4"))
    values = np.frombuffer(content, np.uint8, offset=head)
    if values.size != int(np.prod(shape)):
        raise InvalidField("data", f"{path} holds {values.size} values, not those of {shape}")
    return values.reshape(shape)
