import numpy as np
import pytest

from stylefacet.errors import InvalidField, ResourceMissing
from stylefacet_training.evaluation.labelled import read_labelled


def test_values_stand_beside_their_photos(judged_garments):
    folder = read_labelled(judged_garments, ["labels.collar", "labels.pattern"])

    assert len(folder) == len(folder.values["labels.collar"]) == 90
    assert folder.letterboxes(24, 16).shape == (90, 24, 16, 3)
    assert "crew" in folder.values["labels.collar"]


def test_a_missing_value_is_empty(tmp_path):
    (tmp_path / "labels.csv").write_text("filename,neck\na.jpg,v\nb.jpg,\nc.jpg, v \n")

    assert read_labelled(tmp_path, ["neck"]).values["neck"].tolist() == ["v", "", "v"]


@pytest.mark.parametrize(
    ("table", "error", "words"),
    [
        (None, ResourceMissing, "lists photos in column 'filename'"),
        ("filename,neck\na.jpg,v\n", InvalidField, "no column 'colour', only filename, neck"),
        ("filename,colour\na.jpg,\n", InvalidField, "'colour' has no value at all"),
        ("filename,colour\n", InvalidField, "lists no photo"),
    ],
)
def test_a_table_that_cannot_be_judged_by_is_refused(tmp_path, table, error, words):
    if table is not None:
        (tmp_path / "labels.csv").write_text(table)

    with pytest.raises(error, match=words):
        read_labelled(tmp_path, ["colour"])


def test_an_unreadable_photo_is_named(judged_garments, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    first = next((judged_garments / "images").iterdir())
    (tmp_path / "good.jpg").write_bytes(first.read_bytes())
    (tmp_path / "labels.csv").write_text("filename,colour\ngood.jpg,red\nbad.jpg,red\n")

    with pytest.raises(InvalidField, match=r"bad\.jpg"):
        read_labelled(tmp_path, ["colour"]).letterboxes(8, 8)


def test_the_order_is_that_of_the_table(tmp_path, judged_garments):
    photos = sorted((judged_garments / "images").iterdir())[:2]
    for name, photo in zip(("b.jpg", "a.jpg"), photos, strict=True):
        (tmp_path / name).write_bytes(photo.read_bytes())
    (tmp_path / "labels.csv").write_text("filename,colour\nb.jpg,red\na.jpg,blue\n")

    folder = read_labelled(tmp_path, ["colour"])

    expected = read_labelled(judged_garments, ["labels.colour"]).letterboxes(8, 8)[:2]
    assert folder.names == ("b.jpg", "a.jpg")
    assert np.array_equal(folder.letterboxes(8, 8), expected)
