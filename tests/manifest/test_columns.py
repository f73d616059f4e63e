import pytest

from stylefacet.errors import InvalidField
from stylefacet.manifest import ColumnMap, parse_column_map


def test_columns_serve_the_fields_they_are_named_after():
    columns = ColumnMap()

    assert columns.fields_of("labels.colour") == ("labels.colour",)
    assert columns.ignored(["product_id", "image", "width", "labels."]) == ("width", "labels.")


def test_mapped_column_may_serve_two_fields():
    columns = parse_column_map(["type=category", "type=labels.type"])

    assert columns.fields_of("type") == ("category", "labels.type")


def test_mapped_field_is_not_taken_from_the_column_of_its_name():
    columns = parse_column_map(["filename=image", "image=product_id"])

    assert columns.fields_of("image") == ("product_id",)
    assert columns.fields_of("product_id") == ()


def test_column_name_may_hold_an_equals_sign():
    assert parse_column_map(["a=b=image"]).fields_of("a=b") == ("image",)


@pytest.mark.parametrize("text", ["image", "=image", "a=", "a=colour", "a=labels."])
def test_text_that_maps_nothing_is_refused(text: str):
    with pytest.raises(InvalidField, match="--map"):
        parse_column_map([text])


def test_field_mapped_from_two_columns_is_refused():
    with pytest.raises(InvalidField, match="mapped from a and b"):
        parse_column_map(["a=image", "b=image"])


def test_missing_column_is_told_with_those_found():
    with pytest.raises(InvalidField, match="no column image; it has product_id, file"):
        ColumnMap().check(["product_id", "file"], ("product_id", "image"), "m.csv")


def test_mapping_of_a_column_that_is_not_there_is_refused():
    with pytest.raises(InvalidField, match="no column 'neck' to map; it has collar"):
        parse_column_map(["neck=labels.neck"]).check(["collar"], (), "m.csv")
