import numpy as np
import pytest

from stylefacet.errors import InvalidField
from stylefacet_training.data.garments import write_garments
from stylefacet_training.data.garments.catalogue import style_factors
from stylefacet_training.data.image_folder import read_image_folder
from stylefacet_training.data.sources import read_pictures


def test_rendered_pictures_equal_those_of_a_folder_of_them(tmp_path):
    write_garments(tmp_path, count=40, seed=3, colourways=2)

    rendered = read_pictures(["garments:40,seed=3,colourways=2"], 96, 64)

    folder = read_image_folder(tmp_path, 96, 64, pairs_column="product_code")
    assert np.array_equal(rendered.pixels, folder.pixels)
    assert len(set(rendered.groups)) == len(set(folder.groups)) == 20


@pytest.mark.parametrize(
    "source",
    ["garments:", "garments:many", "garments:1", "garments:9,sed=3", "garments:9,colourways=0"],
)
def test_a_malformed_source_is_refused(source):
    with pytest.raises(InvalidField, match="data"):
        read_pictures([source], 96, 64)


def test_pairs_of_rendered_garments_are_asked_for_in_the_source():
    with pytest.raises(InvalidField, match="colourways"):
        read_pictures(["garments:9"], 96, 64, pairs_column="product_code")


def test_several_sources_are_read_as_one_and_pairs_stay_within_each(tmp_path):
    for name in ("first", "second"):
        write_garments(tmp_path / name, count=4, seed=3, colourways=2)
    table = tmp_path / "second" / "labels.csv"
    table.write_text(table.read_text().replace("product_code", "style"))
    sources = [str(tmp_path / "first"), "garments:6,seed=3,colourways=3", str(tmp_path / "second")]

    pictures = read_pictures(sources, 96, 64, pairs_column="product_code")

    assert len(pictures) == len(set(pictures.names)) == 14
    sizes = sorted(pictures.groups.count(group) for group in set(pictures.groups))
    assert sizes == [1, 1, 1, 1, 2, 2, 3, 3]


def test_a_pairs_column_that_no_folder_has_is_refused(tmp_path):
    write_garments(tmp_path, count=4, seed=3)

    with pytest.raises(InvalidField, match="no column 'colourway'"):
        read_pictures([str(tmp_path), "garments:6"], 96, 64, pairs_column="colourway")


def test_garments_of_a_style_with_prints_share_their_cut_alone():
    rng = np.random.default_rng(5)

    factors = style_factors(60, 2, rng, prints=True)

    first, second = slice(0, 60, 2), slice(1, 60, 2)
    for name in ("collar", "collar_depth", "sleeve_length", "body_width", "hem"):
        assert np.array_equal(getattr(factors, name)[first], getattr(factors, name)[second])
    assert np.mean(factors.pattern[first] == factors.pattern[second]) < 0.5
