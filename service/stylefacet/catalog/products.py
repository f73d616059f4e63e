"""Reads and writes products inside a transaction that the store opened; knows no images' bytes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    BindParameter,
    Connection,
    Double,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    null,
    select,
    union_all,
    update,
)

from stylefacet.catalog import encoders
from stylefacet.catalog import tables as t
from stylefacet.catalog.assignment import EVERYTHING, Scope
from stylefacet.catalog.changes import latest_sequence, next_sequence, record_changes
from stylefacet.catalog.entities import Product, ProductFields, ProductUpdate
from stylefacet.catalog.filter import Node
from stylefacet.catalog.filter_sql import compile_filter, compile_selection
from stylefacet.catalog.images import ENCODER_KEY, in_scope
from stylefacet.catalog.limits import check_mask, check_product
from stylefacet.catalog.prepared import Prepared, Reader
from stylefacet.catalog.statements import in_lists
from stylefacet.errors import EtagMismatch, ResourceMissing

_P = t.products.c

# Built once: every search asks these, and to build them takes longer than to answer them.
_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)
# In the order in which `_products` takes them.
_READ = select(
    _P.product_key,
    _P.id,
    _P.display_name,
    _P.category,
    _P.style_id,
    _P.etag,
    _P.create_time,
    _P.update_time,
    latest_sequence(_P.product_key),
)
_BY_ID = Prepared(_READ.where(_P.id.in_(_WANTED)))
_BY_KEY = Prepared(_READ.where(_P.product_key.in_(_WANTED)))
_BY_IMAGE = Prepared(
    _READ.add_columns(t.images.c.image_key, t.images.c.id.label("image_id"))
    .join(t.images, t.images.c.product_key == _P.product_key)
    .where(t.images.c.image_key.in_(_WANTED))
)
_CATEGORIES_BY_ID = Prepared(select(_P.id, _P.category).where(_P.id.in_(_WANTED)))
_KEYS_BY_ID = select(_P.id, _P.product_key).where(_P.id.in_(_WANTED))
_L, _N = t.product_labels.c, t.product_numbers.c
# Both kinds in one statement: a search's hits take one way to the database less.
_LABELS_AND_NUMBERS = Prepared(
    union_all(
        select(
            _L.product_key, _L.name, _L.value.label("label"), cast(null(), Double).label("number")
        ).where(_L.product_key.in_(_WANTED)),
        select(_N.product_key, _N.name, cast(null(), Text), _N.value).where(
            _N.product_key.in_(_WANTED)
        ),
    ).order_by("product_key", "name")
)

# One inside the other: side by side, SQLite would go through every embedding there is.
_IS_EMBEDDED = exists().where(
    t.images.c.product_key == _P.product_key,
    exists().where(
        t.embeddings.c.image_key == t.images.c.image_key,
        t.embeddings.c.encoder_key == ENCODER_KEY,
    ),
)
_OF_STYLES = Prepared(
    select(_P.product_key, _P.style_id, _P.category).where(_P.style_id.in_(_WANTED), _IS_EMBEDDED)
)


def find_by_ids(reader: Reader, ids: Iterable[str]) -> dict[str, tuple[int, Product]]:
    """Returns key and product of each id that exists."""
    return {product.id: (key, product) for (key, *_), product in _read(reader, _BY_ID, ids)}


def find_categories(reader: Reader, ids: Iterable[str]) -> dict[str, str]:
    """Returns the category of each id that exists."""
    found: dict[str, str] = {}
    for some in in_lists(sorted(set(ids))):
        found.update(_CATEGORIES_BY_ID.rows(reader, wanted=some))
    return found


def find_keys(connection: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Returns the key of each id that exists."""
    found: dict[str, int] = {}
    for some in in_lists(sorted(set(ids))):
        rows = connection.execute(_KEYS_BY_ID, {"wanted": some})
        found.update({row.id: row.product_key for row in rows})
    return found


def find_by_keys(reader: Reader, keys: Iterable[int]) -> dict[int, Product]:
    """Returns the product of each key that exists."""
    return {key: product for (key, *_), product in _read(reader, _BY_KEY, keys)}


def find_by_images(reader: Reader, image_keys: Iterable[int]) -> dict[int, tuple[Product, str]]:
    """Returns the product and the image id of each image key that exists."""
    return {
        image_key: (product, image_id)
        for (*_, image_key, image_id), product in _read(reader, _BY_IMAGE, image_keys)
    }


def get(reader: Reader, product_id: str) -> tuple[int, Product]:
    """Returns key and product.

    Raises: ResourceMissing.
    """
    found = find_by_ids(reader, [product_id]).get(product_id)
    if found is None:
        raise ResourceMissing("product", product_id)
    return found


def get_key(connection: Connection, product_id: str) -> int:
    """Returns the key of a product.

    Raises: ResourceMissing.
    """
    key = find_keys(connection, [product_id]).get(product_id)
    if key is None:
        raise ResourceMissing("product", product_id)
    return key


def list_page(
    connection: Connection, condition: Node | None, after: str, limit: int
) -> list[Product]:
    """Returns up to ``limit`` products in order of id, those whose id follows ``after``."""
    return [product for _, product in list_keyed_page(connection, condition, after, limit)]


def list_keyed_page(
    connection: Connection,
    condition: Node | None,
    after: str,
    limit: int,
    scope: Scope = EVERYTHING,
) -> list[tuple[int, Product]]:
    """Returns what `list_page` does, each product with its key, within a scope."""
    where = [in_scope(scope)]
    if after:
        where.append(_P.id > after)
    if condition is not None:
        where.append(compile_filter(condition))
    keys = connection.scalars(
        select(_P.product_key).where(*where).order_by(_P.id).limit(limit)
    ).all()
    return sorted(find_by_keys(connection, keys).items(), key=lambda pair: pair[1].id)


def select_keys(connection: Connection, condition: Node) -> npt.NDArray[np.int64]:
    """Returns the keys of all products that pass a filter, ascending, ``(n,) int64``."""
    key = cast(compile_selection(condition).subquery().c.product_key, Text)
    # As one text: a row for each key takes twice as long, and the interpreter all the while.
    listed = connection.scalar(select(func.aggregate_strings(key, ",")))
    return np.sort(np.fromstring(listed or "", np.int64, sep=","))


def find_of_styles(
    reader: Reader, style_ids: Iterable[str], encoder_id: str, scope: Scope = EVERYTHING
) -> list[tuple[int, str]]:
    """Returns key and style of the products of some styles that have an embedded image."""
    found: list[tuple[int, str]] = []
    for some in in_lists(sorted(set(style_ids))):
        rows = _OF_STYLES.rows(reader, wanted=some, encoder_id=encoder_id)
        found.extend((key, style) for key, style, category in rows if scope.holds(category))
    return found


def apply_mask(
    stored: ProductFields | None, fields: ProductFields, mask: Collection[str]
) -> ProductFields:
    """Returns the stored fields with those of the mask taken from ``fields``; all when new."""
    if stored is None:
        return fields
    return replace(stored, **{name: getattr(fields, name) for name in mask})


def update_all(
    connection: Connection,
    updates: Sequence[ProductUpdate],
    now: datetime,
) -> list[Product]:
    """Applies updates of different products, in order; returns the products as they now are.

    Raises: InvalidField, ResourceMissing or EtagMismatch, with the update's ``index`` among the
    error's metadata.
    """
    stored = find_by_ids(connection, [change.fields.id for change in updates])
    wanted = []
    for index, change in enumerate(updates):
        current = stored.get(change.fields.id, (0, None))[1]
        try:
            wanted.append(_plan(change, current))
        except (ResourceMissing, EtagMismatch) as error:
            error.metadata["index"] = str(index)
            raise
    changed = [
        fields
        for fields in wanted
        if fields.id not in stored or stored[fields.id][1].fields != fields
    ]
    if changed:
        known = {product_id: key for product_id, (key, _) in stored.items()}
        sequence = next_sequence(connection)
        keys = write(connection, changed, known, sequence, now)
        record_changes(connection, sequence, [(key, id) for id, key in keys.items()], deleted=False)
        moved = [keys[f.id] for f in changed if f.id in stored and _moved(stored[f.id][1], f)]
        encoders.check_covered(connection, moved)
        stored = find_by_ids(connection, [fields.id for fields in wanted])
    return [stored[fields.id][1] for fields in wanted]


def _moved(product: Product, wanted: ProductFields) -> bool:
    return product.category != wanted.category


def _plan(change: ProductUpdate, current: Product | None) -> ProductFields:
    if current is None and not change.allow_missing:
        raise ResourceMissing("product", change.fields.id, "set allow_missing to create it")
    if change.etag and (current is None or change.etag != current.etag):
        raise EtagMismatch(f"products/{change.fields.id}")
    return apply_mask(current.fields if current else None, change.fields, change.mask)


def check_update(change: ProductUpdate) -> None:
    """Refuses an update that names unknown fields or breaks a limit."""
    check_mask(change.mask)
    check_product(change.fields)


def write(
    connection: Connection,
    changed: Sequence[ProductFields],
    known_keys: dict[str, int],
    sequence: int,
    now: datetime,
) -> dict[str, int]:
    """Stores products, inserting those without a known key; returns the key of each id.

    The etag is the sequence number of the product's latest own change: no two versions share one.
    """
    rows = {fields.id: _row(fields, sequence, now) for fields in changed}
    fresh = [row | {"create_time": now} for id, row in rows.items() if id not in known_keys]
    keys = {id: known_keys[id] for id in rows if id in known_keys}
    if fresh:
        inserted = connection.execute(insert(t.products).returning(_P.product_key, _P.id), fresh)
        keys.update({row.id: row.product_key for row in inserted})
    for id in rows.keys() & known_keys.keys():
        connection.execute(update(t.products).where(_P.product_key == keys[id]).values(rows[id]))
    for table in (t.product_labels, t.product_numbers):
        for some in in_lists([keys[id] for id in rows if id in known_keys]):
            connection.execute(delete(table).where(table.c.product_key.in_(some)))
    _insert_entries(connection, t.product_labels, keys, {f.id: f.labels for f in changed})
    _insert_entries(connection, t.product_numbers, keys, {f.id: f.numbers for f in changed})
    return keys


def style_key(style_id: str) -> int | None:
    """Returns the integer that an index groups a style by; None without a style.

    63 bits of BLAKE2b: among a million styles, two share a key with a chance of one in 18 million.
    """
    if not style_id:
        return None
    return int.from_bytes(blake2b(style_id.encode(), digest_size=8).digest(), "big") >> 1


def _insert_entries(
    connection: Connection,
    table: Table,
    keys: Mapping[str, int],
    entries: Mapping[str, Mapping[str, str] | Mapping[str, float]],
) -> None:
    rows = [
        {"product_key": keys[product_id], "name": name, "value": value}
        for product_id, pairs in entries.items()
        for name, value in pairs.items()
    ]
    if rows:
        connection.execute(insert(table), rows)


def _row(fields: ProductFields, sequence: int, now: datetime) -> dict[str, object]:
    return {
        "id": fields.id,
        "display_name": fields.display_name,
        "category": fields.category,
        "style_id": fields.style_id,
        "style_key": style_key(fields.style_id),
        "etag": f"{sequence:x}",
        "update_time": now,
    }


def _read(
    reader: Reader, statement: Prepared, wanted: Iterable[Any]
) -> Iterator[tuple[Sequence[Any], Product]]:
    """Yields each row that a statement finds for some values, and its product."""
    for some in in_lists(sorted(set(wanted))):
        rows = statement.rows(reader, wanted=some)
        yield from zip(rows, _products(reader, rows), strict=True)


def _products(reader: Reader, rows: Sequence[Sequence[Any]]) -> list[Product]:
    labels: dict[int, dict[str, str]] = {}
    numbers: dict[int, dict[str, float]] = {}
    for some in in_lists([key for key, *_ in rows]):
        for key, name, label, number in _LABELS_AND_NUMBERS.rows(reader, wanted=some):
            if label is None:
                numbers.setdefault(key, {})[name] = number
            else:
                labels.setdefault(key, {})[name] = label
    return [
        Product(
            id,
            display_name,
            category,
            labels.get(key, {}),
            numbers.get(key, {}),
            style_id,
            etag,
            t.read_time(created),
            t.read_time(updated),
            sequence,
        )
        for key, id, display_name, category, style_id, etag, created, updated, sequence, *_ in rows
    ]
