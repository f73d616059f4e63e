"""Checks the records of a manifest and makes rows of them; opens no photo."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from stylefacet.errors import InvalidField, StylefacetError
from stylefacet.limits import RESOURCE_ID, RESOURCE_ID_RULE

IMAGES_FOLDER = "images"


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A product and one photo of it. ``place`` tells a person where the row stands."""

    row_number: int
    place: str
    product_id: str
    category: str
    image: Path
    display_name: str = ""
    style_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be imported, and why."""

    row_number: int
    place: str
    product_id: str
    error: StylefacetError


@dataclass(frozen=True, slots=True)
class _FirstRow:
    """What the first row of a product said: field names, shared by like rows, and digests."""

    place: str
    category: str
    names: tuple[str, ...]
    digests: bytes


_DIGEST_BYTES = 8


class RowChecker:
    """Turns fields into rows and holds rows of one product to each other.

    It remembers digests, about half a kilobyte a product (46 MiB for 100,000 of them), and no
    text. Not thread-safe.
    """

    def __init__(self, folder: Path, default_category: str) -> None:
        self._folder = folder
        self._default_category = default_category
        self._first: dict[str, _FirstRow] = {}
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._images: set[bytes] = set()

    def row(self, row_number: int, place: str, cells: Mapping[str, str]) -> ManifestRow | BadRow:
        """Returns the row that a record's fields make, or what is wrong with it."""
        try:
            return self._row(row_number, place, cells)
        except InvalidField as error:
            return BadRow(row_number, place, cells.get("product_id", ""), error)

    def _row(self, row_number: int, place: str, cells: Mapping[str, str]) -> ManifestRow:
        product_id = read_id(cells.get("product_id", ""))
        first = self._first.get(product_id)
        category = cells.get("category", "") or (
            first.category if first is not None else self._default_category
        )
        if not category:
            raise InvalidField("category", "is blank; fill it in or give --category")
        facts = {name: text for name, text in cells.items() if text}
        facts = {n: t for n, t in facts.items() if n not in ("product_id", "image")}
        numbers = {n[8:]: _number(n, t) for n, t in facts.items() if n.startswith("numbers.")}
        image = self._find_image(cells.get("image", ""))
        says_all = self._hold_to_first(place, product_id, facts | {"category": category})
        self._refuse_repetition(product_id, image)
        if not says_all:
            # Written alone, a part of the labels would replace all of them.
            return ManifestRow(row_number, place, product_id, category, image)
        return ManifestRow(
            row_number,
            place,
            product_id,
            category,
            image,
            display_name=facts.get("display_name", ""),
            style_id=facts.get("style_id", ""),
            labels={n[7:]: text for n, text in facts.items() if n.startswith("labels.")},
            numbers=numbers,
        )

    def _find_image(self, text: str) -> Path:
        """Returns the photo's path, beside the manifest or in ``images/`` there.

        Names that leave the folder are refused by how they are written; links are followed.
        """
        if not text:
            raise InvalidField("image", "is blank; name the photo's file")
        path = PurePosixPath(text.replace("\\", "/"))
        if "://" in text:
            raise InvalidField("image", f"{text!r} is an address; name a file in the folder")
        if path.is_absolute() or PureWindowsPath(text).drive or ".." in path.parts:
            raise InvalidField("image", f"{text!r} leaves the manifest's folder")
        for candidate in (self._folder / path, self._folder / IMAGES_FOLDER / path):
            try:
                if candidate.is_file():
                    return candidate
            except OSError as error:
                raise InvalidField("image", f"{text!r} is no file name") from error
        raise InvalidField("image", f"there is no file {text!r} beside the manifest or in images/")

    def _hold_to_first(self, place: str, product_id: str, facts: Mapping[str, str]) -> bool:
        """Returns whether the row says all that the product's first row said.

        Raises:
            InvalidField: when it says anything else.
        """
        names = tuple(sorted(facts))
        digests = b"".join(_digest(facts[name]) for name in names)
        first = self._first.get(product_id)
        if first is None:
            shared = self._shapes.setdefault(names, names)
            self._first[product_id] = _FirstRow(place, facts["category"], shared, digests)
            return True
        for name in names:
            rule = "rows of one product must agree"
            if name not in first.names:
                raise InvalidField(name, f"is blank for {product_id} in {first.place}; {rule}")
            start = first.names.index(name) * _DIGEST_BYTES
            if first.digests[start : start + _DIGEST_BYTES] != _digest(facts[name]):
                raise InvalidField(
                    name, f"{facts[name]!r} contradicts {first.place} for {product_id}; {rule}"
                )
        return names == first.names

    def _refuse_repetition(self, product_id: str, image: Path) -> None:
        mark = _digest(f"{product_id}/{image}")
        if mark in self._images:
            raise InvalidField("image", f"{image.name} was given for {product_id} already")
        self._images.add(mark)


def read_id(text: str) -> str:
    """Returns a product id.

    Raises:
        InvalidField: for a blank one or one with other characters.
    """
    if not text:
        raise InvalidField("product_id", "is blank")
    if not RESOURCE_ID.fullmatch(text):
        raise InvalidField("product_id", f"{text[:140]!r} must be {RESOURCE_ID_RULE}")
    return text


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise InvalidField(name, f"{text!r} is no number, such as 12.50") from None
    if not math.isfinite(number):
        raise InvalidField(name, f"{text!r} is not finite")
    return number


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
