"""Chooses some photos of a labelled folder by a column of its table, as a picture set."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stylefacet.errors import InvalidField
from stylefacet_training.data.image_folder import read_image_folder
from stylefacet_training.data.pictures import PictureSet

PREFIX = "chosen:"
FORM = "chosen:FOLDER,column=C,value=V, with ,count=N and ,first=N if wanted"


@dataclass(frozen=True, slots=True)
class ChosenSource:
    """Photos whose ``column`` says ``value``: ``count`` of them from number ``first``, or all."""

    folder: Path
    column: str
    value: str
    count: int | None = None
    first: int = 0

    @classmethod
    def parse(cls, text: str) -> "ChosenSource":
        """Returns what ``chosen:photos,column=product_class,value=dresses`` asks for.

        Raises:
            InvalidField: when the text has another form.
        """
        folder, *options = text.removeprefix(PREFIX).split(",")
        values = dict(option.partition("=")[::2] for option in options)
        numbers = {name: value for name, value in values.items() if name in ("count", "first")}
        if (
            set(values) - {"column", "value", "count", "first"}
            or not {"column", "value"} <= set(values)
            or not all(value.isdecimal() for value in numbers.values())
        ):
            raise InvalidField("data", f"{text!r} is not {FORM}")
        count = int(numbers["count"]) if "count" in numbers else None
        first = int(numbers.get("first", "0"))
        return cls(Path(folder), values["column"], values["value"], count, first)


def read_chosen(source: ChosenSource, height_px: int, width_px: int) -> PictureSet:
    """Returns the photos, in the table's order.

    Raises:
        ResourceMissing: when there is no such folder.
        InvalidField: when the table has no such column or too few such photos.
    """
    where = (source.column, source.value)
    pictures = read_image_folder(source.folder, height_px, width_px, where=where)
    end = len(pictures) if source.count is None else source.first + source.count
    if end > len(pictures) or end - source.first < 2:
        raise InvalidField(
            "data",
            f"{source.folder} has {len(pictures)} photos of {source.column} {source.value!r}",
        )
    part = pictures.take(np.arange(source.first, end))
    return replace(part, title=f"{source.value} of {pictures.title}")
