from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a manifest beside photos a.jpg and b.jpg, and c.jpg in images/."""

    def write_manifest(text: str | bytes, name: str = "m.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    (tmp_path / "images").mkdir()
    for photo in ("a.jpg", "b.jpg", "images/c.jpg"):
        (tmp_path / photo).write_bytes(b"not looked at")
    return write_manifest
