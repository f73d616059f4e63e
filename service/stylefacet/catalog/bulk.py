"""Stores a batch of upload rows: plans row by row, writes at once; knows nothing of streams.

Every fault of a row is found while planning, before anything is written, so a bad row costs its
neighbours nothing and needs no savepoint.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from stylefacet.catalog import encoders, images, products
from stylefacet.catalog import tables as t
from stylefacet.catalog.assignment import Assignment
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
from stylefacet.catalog.limits import check_row
from stylefacet.catalog.statements import in_lists, make_encoder_key
from stylefacet.errors import EncoderMismatch, ResourceExists, StylefacetError


def default_image_id(content_sha256: str) -> str:
    """Returns the id of an image that was sent without one."""
    return content_sha256[:16]


@dataclass(slots=True)
class _Image:
    """An image of a product as the batch will leave it; ``key`` is None until it is inserted."""

    id: str
    content_sha256: str
    key: int | None
    # The encoders that have embedded it.
    seen_by: set[str]
    new: NewImage | None = None
    input: KeptInput | None = None
    embeddings: list[ImageEmbedding] = field(default_factory=list)
    # Of the input that the store keeps.
    input_sha256: str | None = None


@dataclass(slots=True)
class _Entry:
    """A product as the batch will leave it; ``stored`` is what the store holds, if anything."""

    key: int | None
    stored: ProductFields | None
    wanted: ProductFields
    by_id: dict[str, _Image]
    by_content: dict[str, _Image]


class ImageGone(Exception):
    """A row counts on an image that was there when it was looked up, and was deleted since.

    Nothing of the batch is stored; its rows with such images have to be embedded.
    """


class RowBatch:
    """One transaction's worth of rows. Not thread-safe: it lives inside the transaction."""

    def __init__(
        self, connection: Connection, rows: Sequence[CatalogRow], assignment: Assignment
    ) -> None:
        self._connection = connection
        self._rows = rows
        self._assignment = assignment
        self._encoder_keys = {id: make_encoder_key(connection, id) for id in _encoders_of(rows)}
        for encoder_id in assignment.encoder_ids:
            self._encoder_keys[encoder_id] = make_encoder_key(connection, encoder_id)
        self._entries: dict[str, _Entry] = {}
        self._load()

    def write(self, take_sequence: Callable[[], int], now: datetime) -> list[RowOutcome]:
        """Plans and stores the rows; takes a sequence number only if anything changes.

        Raises: ImageGone.
        """
        outcomes = [self._plan(row) for row in self._rows]
        entries = [entry for entry in self._entries.values() if self._is_changed(entry)]
        if entries:
            sequence = take_sequence()
            changed = [entry.wanted for entry in entries if entry.wanted != entry.stored]
            known = {entry.wanted.id: entry.key for entry in entries if entry.key is not None}
            keys = known | products.write(self._connection, changed, known, sequence, now)
            self._write_images(entries, keys, now)
            moved = [e.wanted.id for e in entries if e.stored and _is_moved(e)]
            encoders.check_covered(self._connection, [keys[id] for id in moved])
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
        id_of = {key: encoder_id for encoder_id, key in self._encoder_keys.items()}
        for some in in_lists(list(by_key)):
            rows = self._connection.execute(
                select(image, embedding.c.encoder_key)
                .outerjoin(
                    embedding,
                    (embedding.c.image_key == image.c.image_key)
                    & embedding.c.encoder_key.in_(list(id_of)),
                )
                .where(image.c.product_key.in_(some))
            )
            for row in rows:
                entry = by_key[row.product_key]
                known = entry.by_id.get(row.id)
                if known is None:
                    known = _Image(
                        row.id,
                        row.content_sha256,
                        row.image_key,
                        set(),
                        input_sha256=row.input_sha256,
                    )
                    entry.by_id[known.id] = entry.by_content[known.content_sha256] = known
                if row.encoder_key is not None:
                    known.seen_by.add(id_of[row.encoder_key])

    def _plan(self, row: CatalogRow) -> RowOutcome:
        product_id = row.fields.id
        try:
            check_row(row)
            entry = self._entries.get(product_id) or _Entry(None, None, row.fields, {}, {})
            is_new = product_id not in self._entries
            wanted = products.apply_mask(None if is_new else entry.wanted, row.fields, row.mask)
            encoder_id = self._assignment.encoder_of(wanted.category)
            image_status, image_id = self._plan_image(entry, row.image, encoder_id)
        except StylefacetError as error:
            return RowOutcome(
                RowStatus.FAILED, product_id, row.image.id if row.image else "", error
            )
        status = RowStatus.UPDATED if wanted != entry.wanted else image_status
        entry.wanted = wanted
        self._entries[product_id] = entry
        return RowOutcome(RowStatus.CREATED if is_new else status, product_id, image_id)

    def _plan_image(
        self, entry: _Entry, new: NewImage | None, encoder_id: str
    ) -> tuple[RowStatus, str]:
        if new is None:
            return RowStatus.UNCHANGED, ""
        parent = f"products/{entry.wanted.id}/images"
        known = entry.by_content.get(new.content_sha256)
        if known is not None and new.id and new.id != known.id:
            raise ResourceExists("image", f"{parent}/{known.id}", "it is the same picture")
        if known is not None and _is_seen(known, new, encoder_id):
            return RowStatus.UNCHANGED, known.id
        if new.embedding is None:
            raise ImageGone
        if new.embedding.encoder_id != encoder_id:
            raise EncoderMismatch(
                "the embedding", new.embedding.encoder_id, encoder_id, "embed the image again"
            )
        if known is None:
            image_id = new.id or default_image_id(new.content_sha256)
            if image_id in entry.by_id:
                raise ResourceExists(
                    "image", f"{parent}/{image_id}", "with another picture; choose another id"
                )
            known = _Image(image_id, new.content_sha256, None, set(), new)
            entry.by_id[image_id] = entry.by_content[new.content_sha256] = known
        known.input = new.kept_input
        for embedding in (new.embedding, *new.more_embeddings):
            if embedding.encoder_id not in known.seen_by:
                known.embeddings.append(embedding)
                known.seen_by.add(embedding.encoder_id)
        return RowStatus.UPDATED, known.id

    def _is_changed(self, entry: _Entry) -> bool:
        return entry.wanted != entry.stored or any(
            image.embeddings for image in entry.by_id.values()
        )

    def _write_images(self, entries: list[_Entry], keys: dict[str, int], now: datetime) -> None:
        written = [
            (keys[entry.wanted.id], image)
            for entry in entries
            for image in entry.by_id.values()
            if image.embeddings
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
        replaced: list[str | None] = []
        for _, image in written:
            if image.new is None and image.input is not None:
                replaced.append(image.input_sha256)
                self._connection.execute(
                    update(t.images)
                    .where(t.images.c.image_key == image.key)
                    .values(input_sha256=image.input.sha256)
                )
        images.drop_unused_inputs(self._connection, replaced)
        if written:
            self._connection.execute(
                insert(t.embeddings),
                [
                    self._embedding_row(image, embedding)
                    for _, image in written
                    for embedding in image.embeddings
                ],
            )

    def _embedding_row(self, image: _Image, embedding: ImageEmbedding) -> dict[str, object]:
        return {
            "encoder_key": self._encoder_keys[embedding.encoder_id],
            "image_key": image.key,
            "mean": images.pack_vector(embedding.mean),
            "novelty": embedding.novelty,
        }

    def _keep_inputs(self, inputs: list[KeptInput]) -> None:
        missing = {kept.sha256: kept.content for kept in inputs}
        for some in in_lists(list(missing)):
            stored = self._connection.execute(
                select(t.kept_inputs).where(t.kept_inputs.c.sha256.in_(some))
            ).all()
            for row in stored:
                content = missing.pop(row.sha256)
                # One that was damaged is mended by the same photo.
                if row.content != content:
                    self._connection.execute(
                        update(t.kept_inputs)
                        .where(t.kept_inputs.c.sha256 == row.sha256)
                        .values(content=content)
                    )
        if missing:
            self._connection.execute(
                insert(t.kept_inputs),
                [{"sha256": digest, "content": content} for digest, content in missing.items()],
            )


def _encoders_of(rows: Sequence[CatalogRow]) -> set[str]:
    """Returns the encoders that have embedded any of the rows' images for the days to come."""
    return {
        embedding.encoder_id
        for row in rows
        if row.image is not None
        for embedding in row.image.more_embeddings
    }


def _is_moved(entry: _Entry) -> bool:
    return entry.stored is not None and entry.stored.category != entry.wanted.category


def _is_seen(known: _Image, new: NewImage, encoder_id: str) -> bool:
    """Whether the store has all that a new image brings."""
    brought = {embedding.encoder_id for embedding in new.more_embeddings}
    return known.seen_by >= {encoder_id, *brought}


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
