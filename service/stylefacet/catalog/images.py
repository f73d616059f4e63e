"""Reads and deletes images, embeddings and kept inputs inside a transaction; knows no pixels."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    select,
    true,
)

from stylefacet.catalog import tables as t
from stylefacet.catalog.assignment import EVERYTHING, Scope
from stylefacet.catalog.changes import latest_sequence
from stylefacet.catalog.entities import (
    ImageEmbedding,
    ImageRows,
    ProductImage,
    Sequences,
    StoredQuery,
)
from stylefacet.catalog.prepared import Prepared, Reader
from stylefacet.catalog.statements import in_lists
from stylefacet.errors import ResourceMissing

_I = t.images.c
_E = t.embeddings.c


def pack_vector(vector: npt.NDArray[np.float32]) -> bytes:
    """Returns the bytes that the store keeps of a vector or matrix."""
    return np.ascontiguousarray(vector, "<f4").tobytes()


def unpack_vector(content: bytes) -> npt.NDArray[np.float32]:
    """Returns the ``(d,) float32`` vector that was packed."""
    return np.frombuffer(content, "<f4").astype(np.float32)


def in_scope(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition that a product is within a scope."""
    names = sorted(scope.categories)
    if not names:
        return true() if scope.excluded else false()
    category = t.products.c.category
    return category.not_in(names) if scope.excluded else category.in_(names)


# Built once: every upload and search asks these, and to build them takes longer than to answer.
ENCODER_KEY = (
    select(t.encoders.c.encoder_key)
    .where(t.encoders.c.id == bindparam("encoder_id"))
    .scalar_subquery()
)
_IMAGE_IDS = select(_I.image_key, _I.id).where(
    _I.image_key.in_(bindparam("wanted", expanding=True))
)
_EMBEDDINGS = (
    select(_I.id, _E.mean, _E.novelty)
    .join(t.embeddings, _E.image_key == _I.image_key)
    .where(_I.product_key == bindparam("product_key"), _E.encoder_key == ENCODER_KEY)
    .order_by(_I.id)
)
# All that a search asks of the store before it ranks; a row at least, that of the counter.
_QUERY = Prepared(
    select(
        t.change_counter.c.sequence,
        t.change_counter.c.feature_sequence,
        t.products.c.product_key,
        _I.id,
        _E.mean,
        _E.novelty,
    )
    .select_from(t.change_counter)
    .outerjoin(t.products, t.products.c.id == bindparam("product_id"))
    .outerjoin(t.images, _I.product_key == t.products.c.product_key)
    .outerjoin(t.embeddings, and_(_E.image_key == _I.image_key, _E.encoder_key == ENCODER_KEY))
    .order_by(_I.id)
)
_KNOWN = (
    select(t.images, t.products.c.id.label("product_id"), latest_sequence(_I.product_key))
    .join(t.products, t.products.c.product_key == _I.product_key)
    .where(
        _I.content_sha256.in_(bindparam("digests", expanding=True)),
        # Not a join: SQLite would go through every embedding there is.
        exists().where(_E.image_key == _I.image_key, _E.encoder_key == ENCODER_KEY),
    )
    .order_by(_I.image_key)
)


def find_known(
    connection: Connection, digests: Iterable[str], encoder_id: str
) -> dict[str, list[ProductImage]]:
    """Returns where each content digest is stored with an embedding of the encoder."""
    found: dict[str, list[ProductImage]] = {}
    for some in in_lists(sorted(set(digests))):
        rows = connection.execute(_KNOWN, {"digests": some, "encoder_id": encoder_id})
        for row in rows:
            found.setdefault(row.content_sha256, []).append(_image(row.product_id, row))
    return found


def get(connection: Connection, product_key: int, product_id: str, image_id: str) -> ProductImage:
    """Returns one image's record.

    Raises: ResourceMissing.
    """
    row = _find(connection, product_key, product_id, image_id)
    return _image(product_id, row)


def list_page(
    connection: Connection, product_key: int, product_id: str, after: str, limit: int
) -> list[ProductImage]:
    """Returns up to ``limit`` images of a product in order of id, those that follow ``after``."""
    rows = connection.execute(
        select(t.images, latest_sequence(_I.product_key))
        .where(_I.product_key == product_key, _I.id > after)
        .order_by(_I.id)
        .limit(limit)
    )
    return [_image(product_id, row) for row in rows]


def list_embeddings(
    connection: Connection, product_key: int, encoder_id: str
) -> list[tuple[str, ImageEmbedding]]:
    """Returns image id and embedding of each embedded image of a product, in order of id."""
    rows = connection.execute(_EMBEDDINGS, {"product_key": product_key, "encoder_id": encoder_id})
    return [
        (row.id, ImageEmbedding(encoder_id, unpack_vector(row.mean), row.novelty)) for row in rows
    ]


def read_query(reader: Reader, product_id: str, encoder_id: str) -> StoredQuery:
    """Returns what `list_embeddings` does, and where the store stands.

    Raises: ResourceMissing for the product.
    """
    rows = _QUERY.rows(reader, product_id=product_id, encoder_id=encoder_id)
    latest, of_features, product_key, *_ = rows[0]
    if product_key is None:
        raise ResourceMissing("product", product_id)
    embeddings = [
        (image_id, ImageEmbedding(encoder_id, unpack_vector(mean), novelty))
        for *_, image_id, mean, novelty in rows
        if mean is not None
    ]
    return StoredQuery(Sequences(latest, of_features), product_key, embeddings)


def find_image_ids(connection: Connection, image_keys: Iterable[int]) -> dict[int, str]:
    """Returns the id of each image key that exists; ids are unique within their product."""
    found: dict[int, str] = {}
    for some in in_lists(sorted(set(image_keys))):
        rows = connection.execute(_IMAGE_IDS, {"wanted": some})
        found.update({row.image_key: row.id for row in rows})
    return found


def get_kept_input(
    connection: Connection, product_key: int, product_id: str, image_id: str
) -> bytes | None:
    """Returns the compressed letterbox of an image; None when none was kept."""
    row = _find(connection, product_key, product_id, image_id)
    return connection.scalar(
        select(t.kept_inputs.c.content).where(t.kept_inputs.c.sha256 == row.input_sha256)
    )


def delete_one(connection: Connection, product_key: int, product_id: str, image_id: str) -> None:
    """Deletes an image with its embeddings, and its kept input unless another image shares it."""
    row = _find(connection, product_key, product_id, image_id)
    connection.execute(delete(t.images).where(_I.image_key == row.image_key))
    drop_unused_inputs(connection, [row.input_sha256])


def list_input_digests(connection: Connection, product_keys: Sequence[int]) -> list[str | None]:
    """Returns the digests of the kept inputs of products, to be dropped after the products."""
    found: list[str | None] = []
    for some in in_lists(product_keys):
        found.extend(
            connection.scalars(select(_I.input_sha256).where(_I.product_key.in_(some)).distinct())
        )
    return found


def drop_unused_inputs(connection: Connection, digests: Iterable[str | None]) -> None:
    """Deletes those of the kept inputs that no image refers to any more."""
    for some in in_lists(sorted({digest for digest in digests if digest})):
        connection.execute(
            delete(t.kept_inputs).where(
                t.kept_inputs.c.sha256.in_(some),
                ~exists().where(_I.input_sha256 == t.kept_inputs.c.sha256),
            )
        )


def read_rows(
    connection: Connection,
    product_keys: Iterable[int],
    encoder_key: int | None,
    scope: Scope = EVERYTHING,
) -> ImageRows | None:
    """Returns the embedded images of some products in columns; None if there are none."""
    rows: list[Row[tuple[int, int, int, bytes]]] = []
    for some in in_lists(sorted(set(product_keys))):
        # Not by the joined column: SQLite would go through every embedding there is.
        wanted = select(_I.image_key).where(_I.product_key.in_(some))
        statement = _select_rows(encoder_key, scope).where(_E.image_key.in_(wanted))
        rows.extend(connection.execute(statement))
    return _columns(rows) if rows else None


def stream_rows(
    connection: Connection, encoder_key: int | None, scope: Scope, batch_size: int
) -> Iterator[ImageRows]:
    """Yields all embedded images of an encoder in columns, in order of image key."""
    result = connection.execution_options(yield_per=batch_size).execute(
        _select_rows(encoder_key, scope).order_by(_E.image_key)
    )
    for rows in result.partitions():
        yield _columns(rows)


def _select_rows(encoder_key: int | None, scope: Scope) -> Select[tuple[int, int, int, bytes]]:
    style_key = func.coalesce(t.products.c.style_key, -t.products.c.product_key)
    return (
        select(_E.image_key, _I.product_key, style_key.label("style_key"), _E.mean)
        .join(t.images, _I.image_key == _E.image_key)
        .join(t.products, t.products.c.product_key == _I.product_key)
        .where(_E.encoder_key == encoder_key, in_scope(scope))
    )


def _columns(rows: Sequence[Row[tuple[int, int, int, bytes]]]) -> ImageRows:
    image_keys, product_keys, style_keys, means = zip(*rows, strict=True)
    packed = np.frombuffer(b"".join(means), "<f4").reshape(len(rows), -1)
    return ImageRows(
        np.array(image_keys, np.int64),
        np.array(product_keys, np.int64),
        np.array(style_keys, np.int64),
        packed.astype(np.float32),
    )


def _find(
    connection: Connection, product_key: int, product_id: str, image_id: str
) -> Row[tuple[object, ...]]:
    row = connection.execute(
        select(t.images, latest_sequence(_I.product_key)).where(
            _I.product_key == product_key, _I.id == image_id
        )
    ).one_or_none()
    if row is None:
        raise ResourceMissing("image", f"products/{product_id}/images/{image_id}")
    return row


def _image(product_id: str, row: Row[tuple[object, ...]]) -> ProductImage:
    return ProductImage(
        product_id,
        row.id,
        row.content_sha256,
        row.width_px,
        row.height_px,
        row.create_time,
        row.latest_sequence,
    )
