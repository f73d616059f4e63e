import os
from pathlib import Path

import pytest

from stylefacet.app.import_root import ImportRoot
from stylefacet.errors import ImageTooLarge, ImageUndecodable, InvalidField


@pytest.fixture
def root(tmp_path: Path) -> ImportRoot:
    """A root with a manifest, beside a secret that lies outside it."""
    (tmp_path / "root" / "day").mkdir(parents=True)
    (tmp_path / "root" / "day" / "top.csv").write_text("product_id,image\n")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return ImportRoot(tmp_path / "root", max_image_bytes=100)


def test_a_manifest_is_found_by_its_relative_path(root: ImportRoot, tmp_path: Path):
    path = root.find("day/top.csv")

    assert path == tmp_path / "root" / "day" / "top.csv"
    assert root.name_of(path) == "day/top.csv"


OUTSIDE = """ |../secret.png|day/../../secret.png|/etc/passwd|C:\\x.csv|..\\x.csv|http://shop/top.csv
file:///etc/passwd|gs://bucket/top.csv|none.csv|day/none.csv|a\0b.csv""".replace("\n", "|").split(
    "|"
)


@pytest.mark.parametrize("text", ["", *OUTSIDE, "x" * 5000])
def test_what_leaves_the_root_or_is_not_there_is_refused(root: ImportRoot, text: str):
    with pytest.raises(InvalidField, match="manifest"):
        root.find(text)


def test_a_link_that_leaves_the_root_is_refused(root: ImportRoot, tmp_path: Path):
    link = tmp_path / "root" / "photo.png"
    link.symlink_to(tmp_path / "secret.png")
    (tmp_path / "root" / "out").symlink_to(tmp_path)

    with pytest.raises(InvalidField, match="leaves the server's import root"):
        root.read_photo(link)
    with pytest.raises(InvalidField, match="leaves the server's import root"):
        root.read_photo(tmp_path / "root" / "out" / "secret.png")
    with pytest.raises(InvalidField, match="leaves the server's import root"):
        root.find("out/secret.png")


def test_a_link_that_stays_in_the_root_is_followed(root: ImportRoot, tmp_path: Path):
    (tmp_path / "root" / "a.png").write_bytes(b"photo")
    (tmp_path / "root" / "b.png").symlink_to(tmp_path / "root" / "a.png")

    assert root.read_photo(tmp_path / "root" / "b.png") == b"photo"


def test_a_root_that_is_itself_a_link_is_followed(root: ImportRoot, tmp_path: Path):
    (tmp_path / "current").symlink_to(tmp_path / "root")

    linked = ImportRoot(tmp_path / "current", 100)
    assert linked.name_of(linked.find("day/top.csv")) == "day/top.csv"


def test_photos_that_are_too_large_empty_or_no_files_are_refused(root: ImportRoot, tmp_path: Path):
    folder = tmp_path / "root"
    (folder / "large.png").write_bytes(b"x" * 101)
    (folder / "empty.png").touch()
    os.mkfifo(folder / "pipe.png")

    with pytest.raises(ImageTooLarge):
        root.read_photo(folder / "large.png")
    with pytest.raises(ImageUndecodable):
        root.read_photo(folder / "empty.png")
    for name in ("pipe.png", "none.png", "day"):
        with pytest.raises(InvalidField, match=name):
            root.read_photo(folder / name)
