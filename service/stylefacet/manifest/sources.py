"""Opens what an import is given: a folder of photos or a manifest; opens no photo."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from stylefacet.errors import InvalidField
from stylefacet.manifest.columns import ColumnMap
from stylefacet.manifest.rows import BadRow, ManifestRow, RowChecker
from stylefacet.manifest.tables import CSV_SUFFIXES, JSONL_SUFFIXES, Table, open_table

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
DEFAULT_FOLDER_CATEGORY = "uncategorised"


class Source(Protocol):
    """Rows to import, in order; ``notes`` are remarks for the person who imports."""

    row_count: int
    notes: tuple[str, ...]

    def rows(self) -> Iterator[ManifestRow | BadRow]:
        """Yields the rows, good and bad; may be called again for the same."""


def open_source(
    path: Path, columns: ColumnMap | None = None, category: str = "", strict: bool = False
) -> Source:
    """Returns the source at a path: a folder, or a CSV or JSONL manifest.

    ``category`` stands in where a row has none. ``strict`` refuses columns that would be ignored.

    Raises:
        InvalidField: when nothing can be imported from it, saying what to do.
    """
    columns = columns if columns is not None else ColumnMap()
    if path.is_dir():
        if columns.explicit:
            raise InvalidField("--map", f"is for manifests; {path} is a folder")
        return FolderSource(path, category or DEFAULT_FOLDER_CATEGORY)
    if path.is_file() and path.suffix.lower() not in CSV_SUFFIXES + JSONL_SUFFIXES:
        raise InvalidField(str(path), "is neither a folder of photos nor a CSV or JSONL manifest")
    if not path.exists():
        raise InvalidField(str(path), "there is no such folder or manifest")
    return ManifestSource(open_table(path), columns, category, strict)


class FolderSource:
    """Photos of a folder and the folders in it; a file's name without its end is the id."""

    def __init__(self, folder: Path, category: str) -> None:
        self._folder = folder
        self._category = category
        self._photos = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in PHOTO_SUFFIXES
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
            and path.is_file()
        )
        self.row_count = len(self._photos)
        if not self._photos:
            raise InvalidField(
                str(folder), f"holds no photo ({' '.join(PHOTO_SUFFIXES)}); choose another folder"
            )
        tables = (p for p in folder.iterdir() if p.suffix.lower() in CSV_SUFFIXES + JSONL_SUFFIXES)
        self.notes = tuple(
            f"{table} is not read; import it instead of the folder to bring its data along"
            for table in sorted(tables)
        )

    def rows(self) -> Iterator[ManifestRow | BadRow]:
        """Yields a row for each photo, in order of path."""
        checker = RowChecker(self._folder, self._category)
        for number, path in enumerate(self._photos, start=1):
            name = path.relative_to(self._folder).as_posix()
            yield checker.row(number, name, {"product_id": path.stem, "image": name})


class ManifestSource:
    """The rows of a CSV or JSONL manifest."""

    def __init__(self, table: Table, columns: ColumnMap, category: str, strict: bool) -> None:
        self._table = table
        self._columns = columns
        self._category = category
        required = ("product_id", "image") if category else ("product_id", "image", "category")
        found, self.row_count = _scan(table)
        if not self.row_count:
            raise InvalidField(str(table.path), "has no rows")
        columns.check(found, required, str(table.path))
        ignored = columns.ignored(found)
        if ignored and strict:
            raise InvalidField(
                str(table.path), f"has columns of no use: {', '.join(ignored)}; use --map"
            )
        self.notes: tuple[str, ...] = ()
        if ignored:
            self.notes = (f"ignored columns: {', '.join(ignored)}",)

    def rows(self) -> Iterator[ManifestRow | BadRow]:
        """Yields a row for each record, in order."""
        checker = RowChecker(self._table.path.parent, self._category)
        for number, (line, record) in enumerate(self._table.records(), start=1):
            place = f"line {line}"
            if isinstance(record, InvalidField):
                yield BadRow(number, place, "", record)
                continue
            cells = {
                name: text
                for column, text in record.items()
                for name in self._columns.fields_of(column)
            }
            yield checker.row(number, place, cells)


def _scan(table: Table) -> tuple[tuple[str, ...], int]:
    """Returns the names of all columns, in order of appearance, and the number of records."""
    columns = dict.fromkeys(table.columns)
    count = 0
    for _, record in table.records():
        count += 1
        if not table.columns and not isinstance(record, InvalidField):
            columns.update(dict.fromkeys(record))
    return tuple(columns), count
