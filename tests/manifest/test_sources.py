from collections.abc import Callable
from pathlib import Path

import pytest

from stylefacet.errors import InvalidField
from stylefacet.manifest import BadRow, ManifestRow, open_source, parse_column_map

Write = Callable[..., Path]
HEADER = "product_id,image,category,display_name,labels.colour,numbers.price\n"


def rows(path: Path, *maps: str, category: str = "") -> list[ManifestRow | BadRow]:
    return list(open_source(path, parse_column_map(maps), category).rows())


def complaints(found: list[ManifestRow | BadRow]) -> list[str]:
    return [row.error.message if isinstance(row, BadRow) else "" for row in found]


def test_row_holds_all_that_the_manifest_says(write: Write):
    path = write(HEADER + "4711,a.jpg,top,Red top,red,19.5\n")

    assert rows(path) == [
        ManifestRow(
            1, "line 2", "4711", "top", path.parent / "a.jpg", "Red top", "",
            {"colour": "red"}, {"price": 19.5},
        )
    ]  # fmt: skip


def test_photos_are_found_beside_the_manifest_or_in_images(write: Write):
    found = rows(write("product_id,image,category\n1,a.jpg,top\n2,c.jpg,top\n3,images/c.jpg,top\n"))

    assert [row.image.name for row in found if isinstance(row, ManifestRow)] == [
        "a.jpg",
        "c.jpg",
        "c.jpg",
    ]


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        ("../a.jpg", "leaves the manifest's folder"),
        ("images/../../a.jpg", "leaves the manifest's folder"),
        ("/etc/passwd", "leaves the manifest's folder"),
        ("C:\\a.jpg", "leaves the manifest's folder"),
        ("http://x/a.jpg", "is an address"),
        ("z.jpg", "there is no file 'z.jpg'"),
        ("", "is blank"),
        ("a" * 5000, "a"),
    ],
)
def test_photo_elsewhere_is_a_row_error(write: Write, image: str, complaint: str):
    found = rows(write(f"product_id,image,category\n1,{image},top\n2,b.jpg,top\n"))

    assert isinstance(found[0], BadRow)
    assert complaint in found[0].error.message
    assert isinstance(found[1], ManifestRow)


def test_same_product_with_another_photo_adds_it(write: Write):
    found = rows(write(HEADER + "1,a.jpg,top,T,red,1\n1,b.jpg,top,T,red,1\n1,c.jpg,,,,\n"))

    assert complaints(found) == ["", "", ""]
    last = found[2]
    assert isinstance(last, ManifestRow)
    assert (last.category, last.labels) == ("top", {})


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        ("1,a.jpg,top,T,red,1", "a.jpg was given for 1 already"),
        ("1,b.jpg,dress,T,red,1", "category: 'dress' contradicts line 2 for 1"),
        ("1,b.jpg,top,T,blue,1", "labels.colour: 'blue' contradicts line 2 for 1"),
        ("1,b.jpg,top,T,red,2", "numbers.price: '2' contradicts line 2"),
    ],
)
def test_rows_of_one_product_must_agree(write: Write, second: str, complaint: str):
    found = rows(write(f"{HEADER}1,a.jpg,top,T,red,1\n{second}\n"))

    assert complaint in complaints(found)[1]


def test_fact_that_the_first_row_left_out_contradicts_it(write: Write):
    found = rows(write(HEADER + "1,a.jpg,top,,,\n1,b.jpg,top,,red,\n"))

    assert "labels.colour: is blank for 1 in line 2" in complaints(found)[1]


def test_first_row_that_failed_binds_no_later_one(write: Write):
    found = rows(write(HEADER + "1,z.jpg,dress,,,\n1,a.jpg,top,,,\n"))

    assert complaints(found)[1] == ""


@pytest.mark.parametrize("number", ["cheap", "nan", "inf", "1e999", '"19,5"'])
def test_number_that_is_none_is_a_row_error(write: Write, number: str):
    found = rows(write(f"{HEADER}1,a.jpg,top,,,{number}\n"))

    assert complaints(found)[0].startswith("numbers.price:")


@pytest.mark.parametrize("product_id", ["", "a b", "a/b", "x" * 129, "\u00fcber"])
def test_unusable_id_is_a_row_error(write: Write, product_id: str):
    found = rows(write(f"product_id,image,category\n{product_id},a.jpg,top\n"))

    assert complaints(found)[0].startswith("product_id:")


def test_category_of_the_command_line_fills_blanks_alone(write: Write):
    path = write("product_id,image,category\n1,a.jpg,\n2,b.jpg,dress\n")

    found = rows(path, category="top")

    assert [row.category for row in found if isinstance(row, ManifestRow)] == ["top", "dress"]
    assert complaints(rows(path))[0].startswith("category: is blank")


def test_category_column_may_be_missing_when_one_is_given(write: Write):
    path = write("product_id,image\n1,a.jpg\n")

    assert complaints(rows(path, category="top")) == [""]
    with pytest.raises(InvalidField, match="no column category"):
        open_source(path)


def test_other_columns_are_ignored_and_told(write: Write):
    path = write("filename,id,category,width\na.jpg,1,top,9\n")
    maps = parse_column_map(["filename=image", "id=product_id"])

    assert open_source(path, maps).notes == ("ignored columns: width",)
    with pytest.raises(InvalidField, match="columns of no use: width"):
        open_source(path, maps, strict=True)


def test_jsonl_rows_may_each_have_their_own_fields(write: Write):
    path = write(
        '{"product_id": 1, "image": "a.jpg", "category": "top"}\n'
        '{"product_id": 2, "image": "b.jpg", "category": "top", "labels": {"colour": "red"}}\n',
        "m.jsonl",
    )

    found = rows(path)

    assert [row.labels for row in found if isinstance(row, ManifestRow)] == [{}, {"colour": "red"}]


def test_folder_gives_a_row_for_each_photo(tmp_path: Path):
    for name in ("1.jpg", "2.PNG", "sub/1.webp", ".hidden.jpg", "notes.txt", ".cache/3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    found = rows(tmp_path)

    assert [(row.product_id, row.place) for row in found] == [
        ("1", "1.jpg"),
        ("2", "2.PNG"),
        ("1", "sub/1.webp"),
    ]
    assert {row.category for row in found if isinstance(row, ManifestRow)} == {"uncategorised"}


def test_folder_tells_of_a_manifest_in_it(write: Write):
    path = write(HEADER, "labels.csv")

    assert "labels.csv is not read" in open_source(path.parent).notes[0]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("empty", "holds no photo"),
        ("nowhere", "no such folder or manifest"),
        ("photo.jpg", "neither a folder of photos nor"),
        ("header.csv", "has no rows"),
    ],
)
def test_source_of_nothing_is_refused(tmp_path: Path, name: str, complaint: str):
    (tmp_path / "empty").mkdir()
    (tmp_path / "photo.jpg").write_bytes(b"x")
    (tmp_path / "header.csv").write_text(HEADER)

    with pytest.raises(InvalidField, match=complaint):
        open_source(tmp_path / name)
