import numpy as np
import pytest

from stylefacet.errors import InvalidField
from stylefacet_training.data.garments import write_garments
from stylefacet_training.data.image_folder import read_image_folder
from stylefacet_training.data.sources import read_pictures


def test_rendered_pictures_equal_those_of_a_folder_of_them(tmp_path):
    write_garments(tmp_path, count=40, seed=3, colourways=2)

    rendered = read_pictures("garments:40,seed=3,colourways=2", 96, 64)

    folder = read_image_folder(tmp_path, 96, 64, pairs_column="product_code")
    assert np.array_equal(rendered.pixels, folder.pixels)
    assert len(set(rendered.groups)) == len(set(folder.groups)) == 20


@pytest.mark.parametrize(
    "source",
    ["garments:", "garments:many", "garments:1", "garments:9,sed=3", "garments:9,colourways=0"],
)
def test_a_malformed_source_is_refused(source):
    with pytest.raises(InvalidField, match="data"):
        read_pictures(source, 96, 64)


def test_pairs_of_rendered_garments_are_asked_for_in_the_source():
    with pytest.raises(InvalidField, match="colourways"):
        read_pictures("garments:9", 96, 64, pairs_column="product_code")
