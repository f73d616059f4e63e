import numpy as np
import pytest

from stylefacet.errors import InvalidField
from stylefacet_training.lab.looks import association, correlation_ratio, labels_of, measured


def garment(top: int, bottom: int, left: int, right: int, light: int) -> np.ndarray:
    picture = np.full((96, 64, 3), 240, np.uint8)
    picture[top:bottom, left:right] = light
    return picture


def test_height_width_and_darkness_are_those_of_the_garment():
    found = measured(np.stack([garment(24, 72, 16, 48, 51), garment(0, 96, 30, 34, 204)]))

    assert found[0] == pytest.approx([0.5, 0.5, 0.8])
    assert found[1] == pytest.approx([1.0, 4 / 64, 0.2])


def test_an_empty_photo_measures_nothing():
    assert measured(np.full((1, 96, 64, 3), 250, np.uint8))[0].tolist() == [0.0, 0.0, 0.0]


def test_the_correlation_ratio_is_the_share_of_variance_between_labels():
    values = np.array(["a", "a", "b", "b", ""])
    mean = np.array([[1, 0], [1, 2], [3, 1], [3, 1], [99, 99]], np.float32)

    found = correlation_ratio(mean, values)

    assert found == pytest.approx([1.0, 0.0])


def test_looks_are_named_in_the_order_of_their_columns():
    pixels = np.stack([garment(10, 40 + i, 10, 50, 100) for i in range(40)])
    mean = np.stack([np.arange(40), np.zeros(40)], 1).astype(np.float32)
    labels = {"neck": np.array(["v", "crew"] * 20)}

    table, names = association(mean, pixels, labels)

    assert names == ("height", "width", "darkness", "neck")
    assert table[0, 0] == pytest.approx(1.0)
    assert table[0, 3] < 0.1
    assert (table[1] == 0).all()


def test_labels_follow_the_photos_and_may_be_empty(tmp_path):
    table = (
        "filename,sleeve_length,neck,pattern,colour_master\na,long,,solid,red\nb,short,v,dot,blue\n"
    )
    (tmp_path / "labels.csv").write_text(table)

    found = labels_of(tmp_path, ["b", "a"])

    assert found["sleeve"].tolist() == ["short", "long"]
    assert found["neck"].tolist() == ["v", ""]


def test_a_table_without_the_labels_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_text("filename,neck\na,v\n")

    with pytest.raises(InvalidField, match="no column 'colour_master'"):
        labels_of(tmp_path, ["a"])
