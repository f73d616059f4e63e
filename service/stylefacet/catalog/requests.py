"""Answers a numbered request once, inside the write's own transaction; knows no RPC."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, insert, select

from stylefacet.catalog import tables as t
from stylefacet.catalog.entities import Product, ProductImage, WriteTerms
from stylefacet.errors import RequestIdReused

T = TypeVar("T")

# Longer than any caller keeps trying one request.
KEPT_FOR = timedelta(hours=24)
_TIMES = ("create_time", "update_time")


def find_answer(connection: Connection, terms: WriteTerms) -> Any:
    """Returns what was answered to this request before, as JSON; None if it is new.

    Raises: RequestIdReused when its id belongs to another request.
    """
    if not terms.request_id:
        return None
    row = connection.execute(
        select(t.handled_requests).where(t.handled_requests.c.id == terms.request_id)
    ).one_or_none()
    if row is None:
        return None
    if row.digest != terms.digest:
        raise RequestIdReused(terms.request_id)
    return row.answer


def keep_answer(connection: Connection, terms: WriteTerms, answer: Any, now: datetime) -> None:
    """Notes the answer to a numbered request, and forgets those that are old."""
    if not terms.request_id or terms.validate_only:
        return
    handled = t.handled_requests
    connection.execute(delete(handled).where(handled.c.create_time < now - KEPT_FOR))
    connection.execute(
        insert(handled).values(
            id=terms.request_id, digest=terms.digest, answer=answer, create_time=now
        )
    )


def answer_once(
    connection: Connection,
    terms: WriteTerms,
    now: datetime,
    work: Callable[[], T],
    pack: Callable[[T], Any],
    unpack: Callable[[Any], T],
) -> T:
    """Returns the earlier answer to a repeated request, else that of ``work``, which is kept.

    ``pack`` and ``unpack`` lead to JSON and back. The caller holds the lock of writers, so two
    copies of one request cannot both be new.
    """
    known = find_answer(connection, terms)
    if known is not None:
        return unpack(known)
    answer = work()
    keep_answer(connection, terms, pack(answer), now)
    return answer


def pack_products(products: list[Product]) -> list[dict[str, Any]]:
    """Returns products as JSON."""
    return [_pack_times(asdict(product)) for product in products]


def unpack_products(answer: list[dict[str, Any]]) -> list[Product]:
    """Returns the products that were packed."""
    return [Product(**_unpack_times(fields)) for fields in answer]


def pack_image(image: ProductImage) -> dict[str, Any]:
    """Returns an image's record as JSON."""
    return _pack_times(asdict(image))


def unpack_image(answer: dict[str, Any]) -> ProductImage:
    """Returns the image's record that was packed."""
    return ProductImage(**_unpack_times(answer))


def unsaved(product: Product) -> Product:
    """Returns a product that was only tried: without what only a commit gives it."""
    return replace(product, etag="", sequence=0)


def _pack_times(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {name: fields[name].isoformat() for name in _TIMES if name in fields}


def _unpack_times(fields: dict[str, Any]) -> dict[str, Any]:
    times = {n: datetime.fromisoformat(fields[n]).astimezone(UTC) for n in _TIMES if n in fields}
    return fields | times
