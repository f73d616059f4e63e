import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylefacet.errors import InvalidField
from stylefacet.manifest import open_table

Write = Callable[..., Path]
# Each example overwrites the one file, so that the fixture may be shared.
ONE_FILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff"), max_size=20
)


def records(path: Path) -> list[object]:
    return [record for _, record in open_table(path).records()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_header_decides_the_delimiter(write: Write, delimiter: str):
    path = write(f"id{delimiter}name\n1{delimiter}red\n")

    assert records(path) == [{"id": "1", "name": "red"}]


def test_byte_order_mark_is_no_part_of_the_first_column(write: Write):
    assert records(write(b"\xef\xbb\xbfid,x\n1,2\n")) == [{"id": "1", "x": "2"}]


def test_line_ends_of_every_system_are_read(write: Write):
    assert records(write("id\r\n1\r\n\r\n2\r\n")) == [{"id": "1"}, {"id": "2"}]
    assert records(write("id,x\r1,2\r")) == [{"id": "1", "x": "2"}]


def test_records_know_the_line_they_start_at(write: Write):
    path = write('id,note\n\n1,"two\nlines"\n2,x\n')

    assert [line for line, _ in open_table(path).records()] == [3, 5]


def test_bad_records_do_not_stop_the_next(write: Write):
    found = records(write(b'id,x\n1\n2,3,4\n5,\xff\n6,"a"b\n7,8\n'))

    assert [isinstance(record, InvalidField) for record in found] == [True] * 4 + [False]
    assert found[-1] == {"id": "7", "x": "8"}


def test_quote_never_closed_tells_how_much_it_swallowed(write: Write):
    found = records(write('id,x\n1,"open\n2,3\n4,5\n'))

    assert len(found) == 1
    assert "2 lines after it" in str(found[0])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("a,a\n1,2\n", "two columns 'a'"),
        ("a,,\n1,2,3\n", "no name for column 2"),
        ("\ufeffid".encode("utf-16"), "UTF-16"),
    ],
)
def test_unusable_header_is_refused(write: Write, text: str | bytes, complaint: str):
    with pytest.raises(InvalidField, match=complaint):
        open_table(write(text))


def test_inner_objects_of_jsonl_are_named_by_their_path(write: Write):
    path = write('{"id": 7, "labels": {"colour": "red", "new": true}, "x": null}\n', "m.jsonl")

    assert records(path) == [{"id": "7", "labels.colour": "red", "labels.new": "true", "x": ""}]


def test_bad_lines_of_jsonl_do_not_stop_the_next(write: Write):
    text = '{"id": \n[1]\n{"id": [1]}\n{"id": "\\ud800"}\n{"id": 1}\n' + "[" * 100_000 + "\n"
    found = records(write(text, "m.jsonl"))

    assert [isinstance(record, InvalidField) for record in found] == [True] * 4 + [False, True]


@ONE_FILE
@given(rows=st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=5))
def test_any_csv_that_python_writes_is_read_back(write: Write, rows: list[list[str]]):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b", "c"], *rows])

    found = records(write(text.getvalue()))

    told = [[cell.strip() for cell in row] for row in rows]
    assert found == [dict(zip("abc", row, strict=True)) for row in told if any(row)]


@ONE_FILE
@given(row=st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=5))
def test_any_flat_json_object_is_read_back_as_text(write: Write, row: dict[str, object]):
    found = records(write(json.dumps(row) + "\n", "m.jsonl"))

    texts = {key: "" if value is None else str(value).strip() for key, value in row.items()}
    assert found == [texts]


@ONE_FILE
@given(content=st.binary(max_size=300), name=st.sampled_from(["m.csv", "m.jsonl"]))
def test_random_bytes_are_records_or_errors_and_never_a_crash(
    write: Write, content: bytes, name: str
):
    path = write(content, name)
    try:
        found = records(path)
    except InvalidField:
        return
    assert all(isinstance(record, dict | InvalidField) for record in found)
