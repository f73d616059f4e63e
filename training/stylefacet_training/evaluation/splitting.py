"""Divides a labelled folder among parts by product; copies no photo and reads no attribute."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stylefacet.errors import InvalidField, ResourceExists, ResourceMissing
from stylefacet_training.data.image_folder import FILENAME_COLUMN, LABELS


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a divided folder, as it was written."""

    folder: Path
    photo_count: int
    group_count: int


def divide(
    data: Path, out: Path, column: str, shares: Mapping[str, float], seed: int
) -> Sequence[Part]:
    """Writes a folder a part, each with its rows of ``labels.csv`` and a link to the photos.

    ``shares`` are of the different values of ``column``, which never fall on two sides: pictures
    of one product are near duplicates, and a figure over them would be of memory. The same seed
    gives the same parts.

    Raises:
        ResourceMissing: when there is no ``labels.csv``.
        ResourceExists: when a part is there already.
        InvalidField: for a missing column, shares that do not add up to 1, or an empty part.
    """
    if any(share <= 0 for share in shares.values()) or abs(sum(shares.values()) - 1.0) > 1e-6:
        raise InvalidField("shares", "must be above 0 and add up to 1")
    columns, rows = _rows(data, column)
    part_of = parts_by_group(sorted({row[column] for row in rows}), shares, seed)
    for name in shares:
        if name not in part_of.values():
            raise InvalidField("shares", f"leaves {name} without a {column}")
        if (out / name).exists():
            raise ResourceExists("folder", str(out / name), "name another --out")
    parts = []
    for name in shares:
        mine = [row for row in rows if part_of[row[column]] == name]
        _write(out / name, data, columns, mine)
        parts.append(Part(out / name, len(mine), len({row[column] for row in mine})))
    return parts


def _rows(data: Path, column: str) -> tuple[Sequence[str], Sequence[Mapping[str, str]]]:
    table = data / LABELS
    if not table.is_file():
        raise ResourceMissing("file", str(table), f"it lists photos in column {FILENAME_COLUMN!r}")
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = reader.fieldnames or []
        for wanted in (FILENAME_COLUMN, column):
            if wanted not in columns:
                raise InvalidField(
                    "by", f"{table} has no column {wanted!r}, only {', '.join(columns)}"
                )
        return columns, [row for row in reader if row[FILENAME_COLUMN]]


def parts_by_group(
    groups: Sequence[str], shares: Mapping[str, float], seed: int
) -> Mapping[str, str]:
    """Returns the part of each group, drawn by the seed; ``shares`` are of the groups."""
    order = np.random.default_rng(seed).permutation(len(groups))
    # Rounded, lest a sum of shares a hair below 1 lose the last group.
    ends = np.round(np.cumsum(list(shares.values())) * len(groups)).astype(int)
    part_of = {}
    for place, group in enumerate(order):
        part_of[groups[group]] = list(shares)[int(np.searchsorted(ends, place, side="right"))]
    return part_of


def _write(
    folder: Path, data: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> None:
    folder.mkdir(parents=True)
    photos = data / "images" if (data / "images").is_dir() else data
    (folder / "images").symlink_to(photos.resolve(), target_is_directory=True)
    with (folder / LABELS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
