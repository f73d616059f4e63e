"""Writes an export to a CSV or Parquet file, whole or not at all; knows no server."""

import csv
import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from stylefacet.cli.whole_files import check_out, write_whole
from stylefacet.client import ExportedFeature, ExportedProduct, FeatureExport
from stylefacet.errors import InvalidField

# What a spreadsheet takes for the beginning of a formula, the full-width forms included.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NOT_CARRIED = "not carried"
_PARQUET_BATCH = 10_000

Cell: TypeAlias = str | int | float | None


class TableFormat(StrEnum):
    """The kinds of file that an export can be written to."""

    CSV = "csv"
    PARQUET = "parquet"


class ExportColumns:
    """The columns of an export: what the product is, then what each feature says of it.

    ``collar.0``, ``collar.1``, ... are coordinates; fitted features have ``collar.value`` and
    ``collar.probability`` beside them.
    """

    def __init__(self, export: FeatureExport) -> None:
        self._export = export
        self._types: dict[str, type] = {
            "product_id": str,
            "display_name": str,
            "category": str,
            "style_id": str,
            "image_count": int,
            "encoder": str,
            "sequence_number": int,
        }
        for feature in export.features:
            self._types |= _feature_columns(feature)

    @property
    def types(self) -> dict[str, type]:
        """The type of each column, in order: str, int or float."""
        return dict(self._types)

    def row(self, exported: ExportedProduct) -> list[Cell]:
        """Returns a product's cells; without an image those of the features are None."""
        product = exported.product
        cells: list[Cell] = [
            product.product_id,
            product.display_name,
            product.category,
            product.style_id,
            exported.image_count,
            self._export.encoder,
            self._export.sequence_number,
        ]
        if not exported.places:
            return cells + [None] * (len(self._types) - len(cells))
        for feature, place in zip(self._export.features, exported.places, strict=True):
            cells += [feature.version, *place.coordinates]
            if feature.fitted:
                predicted = (place.value, place.probability)
                cells += predicted if feature.carried else (_NOT_CARRIED, None)
        return cells


def check_target(path: Path, format: TableFormat) -> None:
    """Refuses a file that could not be written, before anything is asked for.

    Raises:
        InvalidField
    """
    check_out(path)
    if format is TableFormat.PARQUET:
        _import_pyarrow()


def write_export(export: FeatureExport, path: Path, format: TableFormat) -> int:
    """Writes an export to a file and returns how many products it has.

    The file appears, or replaces one of its name, when all of it is written and on disk.

    Raises:
        InvalidField: when Parquet is asked for and pyarrow is not installed.
    """
    write = _write_csv if format is TableFormat.CSV else _write_parquet
    columns = ExportColumns(export)
    return write_whole(
        path, lambda scratch: write(scratch, columns.types, map(columns.row, export.products))
    )


def guard_cell(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula: one that might be gets a ``'``.

    ``OWASP, CSV Injection``: a product's name comes from whoever typed it.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _feature_columns(feature: ExportedFeature) -> dict[str, type]:
    name = feature.feature_id
    columns: dict[str, type] = {f"{name}.version": int}
    columns |= {f"{name}.{number}": float for number in range(feature.coordinate_count)}
    if feature.fitted:
        columns |= {f"{name}.value": str, f"{name}.probability": float}
    return columns


def _write_csv(path: Path, types: dict[str, type], rows: Iterable[Sequence[Cell]]) -> int:
    # Ids have no letters that could do harm, and a guard would make other ids of them.
    is_id = [name in ("product_id", "style_id") for name in types]
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(types)
        for row in rows:
            writer.writerow(map(_csv_cell, row, is_id))
            count += 1
    return count


def _csv_cell(cell: Cell, is_id: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        # Nine digits bring back every float32.
        return f"{cell:.9g}"
    return guard_cell(cell) if isinstance(cell, str) and not is_id else str(cell)


def _write_parquet(path: Path, types: dict[str, type], rows: Iterable[Sequence[Cell]]) -> int:
    pyarrow = _import_pyarrow()
    parquet = importlib.import_module("pyarrow.parquet")
    kinds: dict[type, Callable[[], Any]] = {
        str: pyarrow.string,
        int: pyarrow.int64,
        float: pyarrow.float64,
    }
    schema = pyarrow.schema([(name, kinds[kind]()) for name, kind in types.items()])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in _batches(rows):
            columns = zip(*batch, strict=True)
            arrays = [pyarrow.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
            count += len(batch)
    return count


def _batches(rows: Iterable[Sequence[Cell]]) -> Iterator[list[Sequence[Cell]]]:
    remaining = iter(rows)
    while batch := list(itertools.islice(remaining, _PARQUET_BATCH)):
        yield batch


def _import_pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise InvalidField(
            "--format",
            "parquet needs pyarrow; pip install 'stylefacet[parquet]', or write csv",
        ) from error
