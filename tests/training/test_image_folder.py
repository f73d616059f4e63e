import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet.imaging import read_letterbox
from stylefacet_training.data.image_folder import read_image_folder
from stylefacet_training.data.pictures import split_by_group


def jpeg(colour: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 40), colour).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three photos of two products under images/, the table in an order of its own."""
    (tmp_path / "images").mkdir()
    for name, colour in {"a": (200, 0, 0), "b": (0, 200, 0), "c": (0, 0, 200)}.items():
        (tmp_path / "images" / f"{name}.jpg").write_bytes(jpeg(colour))
    (tmp_path / "labels.csv").write_text(
        "filename,product_code,neck\nc.jpg,1,crew\na.jpg,2,boat\nb.jpg,1,hood\n"
    )
    return tmp_path


def test_photos_of_all_folders_are_read_as_the_service_reads_them(tmp_path):
    (tmp_path / "new" / "deep").mkdir(parents=True)
    (tmp_path / "new" / "deep" / "b.JPG").write_bytes(jpeg((10, 120, 30)))
    (tmp_path / "a.jpg").write_bytes(jpeg((200, 10, 30)))
    (tmp_path / "notes.txt").write_text("no photo")

    pictures = read_image_folder(tmp_path, 24, 16)

    assert pictures.names == ("a.jpg", "new/deep/b.JPG")
    expected = read_letterbox((tmp_path / "a.jpg").read_bytes(), 24, 16).pixels
    assert np.array_equal(pictures.pixels[0], expected)


def test_a_table_gives_the_order_and_the_products(labelled):
    pictures = read_image_folder(labelled, 24, 16, pairs_column="product_code")

    assert pictures.names == ("c.jpg", "a.jpg", "b.jpg")
    assert pictures.groups == ("1", "2", "1")


def test_without_pairs_every_photo_is_a_product_of_its_own(labelled):
    assert len(set(read_image_folder(labelled, 24, 16).groups)) == 3


def test_bad_photos_are_listed_and_the_good_ones_are_read(labelled):
    (labelled / "images" / "a.jpg").write_text("a text named like a photo")
    (labelled / "images" / "b.jpg").unlink()

    pictures = read_image_folder(labelled, 24, 16)

    assert pictures.names == ("c.jpg",)
    assert [skipped.name for skipped in pictures.skipped] == ["a.jpg", "b.jpg"]
    assert "not a JPEG" in pictures.skipped[0].cause
    assert "No such file" in pictures.skipped[1].cause


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(InvalidField, match="holds no photo"):
        read_image_folder(tmp_path, 24, 16)


def test_a_folder_of_bad_photos_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")

    with pytest.raises(InvalidField, match="none of the 1 photos"):
        read_image_folder(tmp_path, 24, 16)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ResourceMissing, match="does not exist"):
        read_image_folder(tmp_path / "nowhere", 24, 16)


def test_a_missing_pairs_column_names_those_there_are(labelled):
    with pytest.raises(InvalidField, match="only filename, product_code, neck"):
        read_image_folder(labelled, 24, 16, pairs_column="style")


def test_a_split_keeps_products_whole_and_covers_everything():
    groups = [f"product {i // 3}" for i in range(60)]

    split = split_by_group(groups, validation_share=0.1, seed=4)

    assert sorted([*split.training, *split.validation]) == list(range(60))
    assert len(split.validation) == 6
    assert not {groups[i] for i in split.training} & {groups[i] for i in split.validation}


def test_a_split_follows_from_its_seed():
    groups = [str(i) for i in range(50)]

    first, same, other = (split_by_group(groups, 0.2, seed).validation for seed in (1, 1, 2))

    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_one_product_cannot_be_split():
    with pytest.raises(InvalidField, match="fewer than two"):
        split_by_group(["only", "only"], 0.1, seed=0)
