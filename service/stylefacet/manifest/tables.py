"""Reads CSV and JSONL files record by record, as text; knows nothing of products.

A record that cannot be read stands as an error in its place, and the next one is read.
"""

import csv
import itertools
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

from stylefacet.errors import InvalidField

Record = Mapping[str, str]
DELIMITERS = ",;\t|"
CSV_SUFFIXES = (".csv", ".tsv")
JSONL_SUFFIXES = (".jsonl", ".ndjson")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MAX_LINE_CHARACTERS = 2**20


class Table(ABC):
    """A file of records. ``columns`` is empty where each record has its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: tuple[str, ...] = ()

    @abstractmethod
    def records(self) -> Iterator[tuple[int, Record | InvalidField]]:
        """Yields the line each record starts at, counted from 1, and the record or its error."""


def open_table(path: Path) -> Table:
    """Returns the table in a file, by the end of its name: .csv, .tsv, .jsonl or .ndjson.

    Raises:
        InvalidField: when there is no such file, it is of another kind, or has no header.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InvalidField(str(path), "there is no such file")
    try:
        with path.open("rb") as file:
            if file.read(2) in _UTF16_MARKS:
                raise InvalidField(str(path), "is in UTF-16; save it as UTF-8")
    except OSError as error:
        raise InvalidField(str(path), f"cannot be read ({error.strerror})") from error
    if suffix in CSV_SUFFIXES:
        return CsvTable(path)
    if suffix in JSONL_SUFFIXES:
        return JsonlTable(path)
    raise InvalidField(str(path), "is no table; give a .csv, .tsv, .jsonl or .ndjson file")


class CsvTable(Table):
    """A CSV with a header, UTF-8 with or without a mark; of , ; | and tab the header decides."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._lines() as lines:
            header = next((line for line in lines if line.strip()), "")
        self._delimiter = max(DELIMITERS, key=header.count)
        first = next(self._cells(), (0, []))[1]
        if isinstance(first, InvalidField):
            raise InvalidField(str(path), f"has a bad header: {first.metadata['description']}")
        self.columns = tuple(cell.strip() for cell in first)
        self._check_header()

    def records(self) -> Iterator[tuple[int, Record | InvalidField]]:
        """Yields lines and records."""
        wanted = len(self.columns)
        for line, cells in itertools.islice(self._cells(), 1, None):
            if isinstance(cells, InvalidField):
                yield line, cells
            elif len(cells) != wanted:
                yield line, InvalidField("row", f"has {len(cells)} cells, the header {wanted}")
            else:
                values = (cell.strip() for cell in cells)
                yield line, dict(zip(self.columns, values, strict=True))

    def _lines(self) -> "_Lines":
        return _Lines(self.path)

    def _cells(self) -> Iterator[tuple[int, list[str] | InvalidField]]:
        """Yields the rows that are not blank, the header first."""
        with self._lines() as lines:
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            while True:
                start = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    lost = reader.line_num - start
                    also = f"; the {lost} lines after it were lost with it" if lost else ""
                    yield start, InvalidField("row", f"is no CSV ({error}){also}")
                    continue
                if not any(cell.strip() for cell in cells):
                    continue
                yield start, _bad_text(cells) or cells

    def _check_header(self) -> None:
        if not self.columns:
            raise InvalidField(str(self.path), "is empty; its first line names the columns")
        for number, column in enumerate(self.columns, start=1):
            if not column and self.columns.count("") > 1:
                raise InvalidField(str(self.path), f"has no name for column {number}")
            if self.columns.count(column) > 1:
                raise InvalidField(str(self.path), f"has two columns {column!r}")


class JsonlTable(Table):
    """A JSON object a line; values of inner objects are named ``outer.inner``."""

    def records(self) -> Iterator[tuple[int, Record | InvalidField]]:
        """Yields lines and records."""
        with _Lines(self.path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _json_record(line)


class _Lines:
    """The lines of a text file, of bounded length; bytes outside UTF-8 become lone surrogates."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Iterator[str]:
        try:
            self._file = self._path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        except OSError as error:
            raise InvalidField(str(self._path), f"cannot be read ({error.strerror})") from error
        # Without the bound, one endless line would be read into memory whole.
        return iter(lambda: self._file.readline(_MAX_LINE_CHARACTERS), "")

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _json_record(line: str) -> Record | InvalidField:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        return InvalidField("row", f"is no JSON ({error})")
    if not isinstance(found, dict):
        return InvalidField("row", "is no JSON object")
    cells: dict[str, str] = {}
    for key, value in found.items():
        inner = {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else None
        for name, leaf in ({key: value} if inner is None else inner).items():
            if isinstance(leaf, dict | list):
                return InvalidField(name, "is neither text nor a number")
            cells[name] = _json_text(leaf)
    return _bad_text([*cells, *cells.values()]) or cells


def _json_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _bad_text(cells: list[str]) -> InvalidField | None:
    for cell in cells:
        try:
            cell.encode()
        except UnicodeEncodeError:
            return InvalidField("row", f"holds bytes that are not UTF-8 in {_shown(cell)}")
        if "\0" in cell:
            return InvalidField("row", f"holds a NUL character in {_shown(cell)}")
    return None


def _shown(cell: str) -> str:
    return ascii(cell[:40])
