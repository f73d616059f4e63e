import csv

import pytest
from click.testing import CliRunner

from stylefacet.errors import InvalidField, ResourceExists
from stylefacet_training.cli import main
from stylefacet_training.data.image_folder import read_image_folder
from stylefacet_training.evaluation.splitting import divide, parts_by_group

SHARES = {"training": 0.5, "tune": 0.25, "report": 0.25}


def rows_of(folder):
    with (folder / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_photo_lands_in_one_part_and_products_stay_together(fit_garments, tmp_path):
    parts = divide(fit_garments, tmp_path, "labels.collar", SHARES, seed=1)

    names = [{row["filename"] for row in rows_of(part.folder)} for part in parts]
    collars = [{row["labels.collar"] for row in rows_of(part.folder)} for part in parts]
    assert sum(map(len, names)) == len(set.union(*names)) == len(rows_of(fit_garments))
    assert sum(map(len, collars)) == len(set.union(*collars))
    assert [part.photo_count for part in parts] == [len(part) for part in names]


def test_a_part_is_a_folder_of_photos(fit_garments, tmp_path):
    part = divide(fit_garments, tmp_path, "labels.collar", SHARES, seed=1)[0]

    assert len(read_image_folder(part.folder, 16, 16)) == part.photo_count


def test_the_seed_decides_the_parts_and_shares_their_sizes():
    groups = [f"p{i:03}" for i in range(100)]
    one, again, other = (parts_by_group(groups, SHARES, seed) for seed in (0, 0, 1))

    assert one == again != other
    assert [list(one.values()).count(name) for name in SHARES] == [50, 25, 25]


def test_parts_are_not_written_over(fit_garments, tmp_path):
    divide(fit_garments, tmp_path, "labels.collar", SHARES, seed=1)

    with pytest.raises(ResourceExists):
        divide(fit_garments, tmp_path, "labels.collar", SHARES, seed=2)


@pytest.mark.parametrize("shares", [{"a": 0.5, "b": 0.4}, {"a": 1.5, "b": -0.5}])
def test_shares_must_divide_the_whole(fit_garments, tmp_path, shares):
    with pytest.raises(InvalidField, match="add up to 1"):
        divide(fit_garments, tmp_path, "labels.collar", shares, seed=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--by", "size"], "no column 'size'"),
        (["--by", "labels.collar", "--shares", "a=1,b"], "is not NAME=SHARE"),
        (["--by", "labels.collar", "--shares", "../a=1"], "is no name for a folder"),
    ],
)
def test_a_mistake_is_one_line(fit_garments, tmp_path, arguments, words):
    command = ["split", "--data", str(fit_garments), "--out", str(tmp_path / "parts"), *arguments]
    result = CliRunner().invoke(main, command)

    assert result.exit_code == 2
    assert words in result.stderr
