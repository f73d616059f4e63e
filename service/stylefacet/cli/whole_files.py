"""Writes a file whole or not at all; knows nothing of what is in it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from stylefacet.errors import InvalidField

ResultT = TypeVar("ResultT")


def check_out(path: Path) -> None:
    """Refuses a file that could not be written, before anything is asked for.

    Raises:
        InvalidField
    """
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise InvalidField("--out", f"{path} must name a file in a folder that exists")


def write_whole(path: Path, write: Callable[[Path], ResultT]) -> ResultT:
    """Has ``write`` fill a file and returns what it returned.

    The file appears, or replaces one of its name, when all of it is written and on disk.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        result = write(scratch)
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
    return result
