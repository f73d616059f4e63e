"""Stores a batch of upload rows: plans row by row, writes at once; knows nothing of streams.

Every fault of a row is found while planning, before anything is written, so a bad row costs its
neighbours nothing and needs no savepoint.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from stylefacet.catalog import products
from stylefacet.catalog import tables as t
from stylefacet.catalog.changes import record_changes
from stylefacet.catalog.entities import (
    CatalogRow,
    ImageEmbedding,
    KeptInput,
    NewImage,
    ProductFields,
    RowOutcome,
    RowStatus,
)
from stylefacet.catalog.images import pack_vector
from stylefacet.catalog.limits import check_row
from stylefacet.catalog.statements import chunked, make_encoder_key
from stylefacet.errors import EncoderMismatch, ResourceExists, ResourceMissing, StylefacetError


def default_image_id(content_sha256: str) -> str:
    """Returns the id of an image that was sent without one."""
    return content_sha256[:16]


@dataclass(slots=True)
class _Image:
    """An image of a product as the batch will leave it; ``key`` is None until it is inserted."""

    id: str
    content_sha256: str
    key: int | None
    embedded: bool
    new: NewImage | None = None
    input: KeptInput | None = None
    embedding: ImageEmbedding | None = None


@dataclass(slots=True)
class _Entry:
    """A product as the batch will leave it; ``stored`` is what the store holds, if anything."""

    key: int | None
    stored: ProductFields | None
    wanted: ProductFields
    by_id: dict[str, _Image]
    by_content: dict[str, _Image]


class RowBatch:
    """One transaction's worth of rows. Not thread-safe: it lives inside the transaction."""

    def __init__(self, connection: Connection, rows: Sequence[CatalogRow], encoder_id: str) -> None:
        self._connection = connection
        self._rows = rows
        self._encoder_id = encoder_id
        self._encoder_key = make_encoder_key(connection, encoder_id)
        self._entries: dict[str, _Entry] = {}
        self._load()

    def write(self, take_sequence: Callable[[], int], now: datetime) -> list[RowOutcome]:
        """Plans and stores the rows; takes a sequence number only if anything changes."""
        outcomes = [self._plan(row) for row in self._rows]
        entries = [entry for entry in self._entries.values() if self._is_changed(entry)]
        if entries:
            sequence = take_sequence()
            changed = [entry.wanted for entry in entries if entry.wanted != entry.stored]
            known = {entry.wanted.id: entry.key for entry in entries if entry.key is not None}
            keys = known | products.write(self._connection, changed, known, sequence, now)
            self._write_images(entries, keys, now)
            record_changes(
                self._connection,
                sequence,
                [(keys[entry.wanted.id], entry.wanted.id) for entry in entries],
                deleted=False,
            )
        return outcomes

    def _load(self) -> None:
        found = products.find_by_ids(self._connection, [row.fields.id for row in self._rows])
        for key, product in found.values():
            self._entries[product.id] = _Entry(key, product.fields, product.fields, {}, {})
        by_key = {key: self._entries[product.id] for key, product in found.values()}
        embedding, image = t.embeddings, t.images
        for some in chunked(list(by_key)):
            rows = self._connection.execute(
                select(image, embedding.c.image_key.is_not(None).label("embedded"))
                .outerjoin(
                    embedding,
                    (embedding.c.image_key == image.c.image_key)
                    & (embedding.c.encoder_key == self._encoder_key),
                )
                .where(image.c.product_key.in_(some))
            )
            for row in rows:
                known = _Image(row.id, row.content_sha256, row.image_key, row.embedded)
                entry = by_key[row.product_key]
                entry.by_id[known.id] = entry.by_content[known.content_sha256] = known

    def _plan(self, row: CatalogRow) -> RowOutcome:
        product_id = row.fields.id
        try:
            check_row(row)
            entry = self._entries.get(product_id) or _Entry(None, None, row.fields, {}, {})
            image_status, image_id = self._plan_image(entry, row.image)
        except StylefacetError as error:
            return RowOutcome(
                RowStatus.FAILED, product_id, row.image.id if row.image else "", error
            )
        is_new = product_id not in self._entries
        wanted = products.apply_mask(None if is_new else entry.wanted, row.fields, row.mask)
        status = RowStatus.UPDATED if wanted != entry.wanted else image_status
        entry.wanted = wanted
        self._entries[product_id] = entry
        return RowOutcome(RowStatus.CREATED if is_new else status, product_id, image_id)

    def _plan_image(self, entry: _Entry, new: NewImage | None) -> tuple[RowStatus, str]:
        if new is None:
            return RowStatus.UNCHANGED, ""
        parent = f"products/{entry.wanted.id}/images"
        known = entry.by_content.get(new.content_sha256)
        if known is not None and new.id and new.id != known.id:
            raise ResourceExists("image", f"{parent}/{known.id}", "it is the same picture")
        if known is not None and known.embedded:
            return RowStatus.UNCHANGED, known.id
        if new.embedding is None:
            raise ResourceMissing("image", f"{parent}/{new.id}", "send its content")
        if new.embedding.encoder_id != self._encoder_id:
            raise EncoderMismatch(
                "the embedding", new.embedding.encoder_id, self._encoder_id, "embed the image again"
            )
        if known is None:
            image_id = new.id or default_image_id(new.content_sha256)
            if image_id in entry.by_id:
                raise ResourceExists(
                    "image", f"{parent}/{image_id}", "with another picture; choose another id"
                )
            known = _Image(image_id, new.content_sha256, None, False, new)
            entry.by_id[image_id] = entry.by_content[new.content_sha256] = known
        known.embedding, known.embedded, known.input = new.embedding, True, new.kept_input
        return RowStatus.UPDATED, known.id

    def _is_changed(self, entry: _Entry) -> bool:
        return entry.wanted != entry.stored or any(
            image.embedding is not None for image in entry.by_id.values()
        )

    def _write_images(self, entries: list[_Entry], keys: dict[str, int], now: datetime) -> None:
        written = [
            (keys[entry.wanted.id], image)
            for entry in entries
            for image in entry.by_id.values()
            if image.embedding is not None
        ]
        self._keep_inputs([image.input for _, image in written if image.input is not None])
        fresh = {(key, image.id): image for key, image in written if image.new is not None}
        if fresh:
            inserted = self._connection.execute(
                insert(t.images).returning(
                    t.images.c.image_key, t.images.c.product_key, t.images.c.id
                ),
                [_image_row(key, image, now) for (key, _), image in fresh.items()],
            )
            for row in inserted:
                fresh[row.product_key, row.id].key = row.image_key
        for _, image in written:
            if image.new is None and image.input is not None:
                self._connection.execute(
                    update(t.images)
                    .where(t.images.c.image_key == image.key)
                    .values(input_sha256=image.input.sha256)
                )
        if written:
            self._connection.execute(
                insert(t.embeddings), [self._embedding_row(image) for _, image in written]
            )

    def _embedding_row(self, image: _Image) -> dict[str, object]:
        assert image.embedding is not None
        return {
            "encoder_key": self._encoder_key,
            "image_key": image.key,
            "mean": pack_vector(image.embedding.mean),
            "novelty": image.embedding.novelty,
        }

    def _keep_inputs(self, inputs: list[KeptInput]) -> None:
        missing = {kept.sha256: kept.content for kept in inputs}
        for some in chunked(list(missing)):
            stored = self._connection.scalars(
                select(t.kept_inputs.c.sha256).where(t.kept_inputs.c.sha256.in_(some))
            ).all()
            for digest in stored:
                del missing[digest]
        if missing:
            self._connection.execute(
                insert(t.kept_inputs),
                [{"sha256": digest, "content": content} for digest, content in missing.items()],
            )


def _image_row(product_key: int, image: _Image, now: datetime) -> dict[str, object]:
    assert image.new is not None
    return {
        "product_key": product_key,
        "id": image.id,
        "content_sha256": image.content_sha256,
        "width_px": image.new.width_px,
        "height_px": image.new.height_px,
        "input_sha256": image.input.sha256 if image.input else None,
        "create_time": now,
    }
