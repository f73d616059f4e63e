"""Takes products with photos into the catalogue; knows no RPC.

The work of rows comes in two halves: :meth:`Uploads.prepare` decodes and embeds, on any thread
and without a transaction; :meth:`Uploads.write` stores many prepared rows in one commit. When
another encoder took over in between, the store refuses the commit and the rows are embedded anew.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from stylefacet.app.photos import PhotoEmbedder, digest
from stylefacet.app.realms import EncoderSet, Snapshot
from stylefacet.catalog.assignment import Assignment
from stylefacet.catalog.bulk import ImageGone
from stylefacet.catalog.encoders import ProductsUncovered
from stylefacet.catalog.entities import (
    PLAIN_WRITE,
    PRODUCT_FIELDS,
    CatalogRow,
    ImageEmbedding,
    KeptInput,
    NewImage,
    Product,
    ProductFields,
    ProductImage,
    ProductUpdate,
    RowOutcome,
    RowStatus,
    WriteOutcome,
    WriteTerms,
)
from stylefacet.catalog.limits import check_row
from stylefacet.catalog.store import Store
from stylefacet.errors import EncodersChanged, ImageUndecodable, InputsMissing, StylefacetError
from stylefacet.inference import EmbeddedPhoto
from stylefacet.kept_inputs import pack_pixels

T = TypeVar("T")
# Each switch of encoders costs a write one attempt; there are never so many at once.
_ATTEMPTS = 5
# How long a commit waits for rows in work: it costs as much as several rows, and is answered for
# no later than a second look at a progress bar.
COMMIT_LINGER_S = 0.25


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A product and usually one photo of it; empty ``content`` writes the product alone."""

    fields: ProductFields
    content: bytes
    image_id: str = ""
    mask: frozenset[str] = PRODUCT_FIELDS


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """A row ready to be written, and what it was made from and for."""

    source: UploadRow
    row: CatalogRow
    assignment: Assignment


class Uploads:
    """Prepares and writes rows under the encoders that serve. Thread-safe."""

    def __init__(self, store: Store, encoders: EncoderSet, keep_inputs: bool) -> None:
        self._store = store
        self._encoders = encoders
        self._keep_inputs = keep_inputs

    def prepare(self, rows: Sequence[UploadRow]) -> list[PreparedRow | StylefacetError]:
        """Returns each row ready to be written, or what is wrong with it.

        A photo that the store has under its encoder is not decoded again.
        """
        snapshot = self._encoders.current
        return [
            image
            if isinstance(image, StylefacetError)
            else PreparedRow(row, CatalogRow(row.fields, image, row.mask), snapshot.assignment)
            for row, image in zip(rows, self._prepare_images(rows, snapshot), strict=True)
        ]

    def write(self, rows: Sequence[PreparedRow]) -> WriteOutcome:
        """Stores rows in one commit; returns the fate of each and the commit's sequence number."""
        is_anew = False

        def write() -> WriteOutcome:
            nonlocal is_anew
            try:
                return self._write(rows, is_anew)
            except ImageGone:
                is_anew = True
                raise

        return self._insist(write)

    def add_image(
        self, product_id: str, content: bytes, image_id: str, terms: WriteTerms = PLAIN_WRITE
    ) -> ProductImage:
        """Embeds and stores one image of an existing product.

        Raises:
            StylefacetError: whatever is wrong with it; nothing is stored then.
        """
        known = self._store.find_image_answer(terms)
        if known is not None:
            return known

        def add() -> ProductImage:
            snapshot = self._encoders.current
            fields = self._store.get_product(product_id).fields
            image = self._prepare_image(UploadRow(fields, content, image_id), snapshot)
            check_row(CatalogRow(fields, image, frozenset()))
            assert image is not None
            return self._store.add_image(product_id, image, snapshot.assignment, terms)

        return self._insist(add)

    def update_products(
        self, updates: Sequence[ProductUpdate], terms: WriteTerms = PLAIN_WRITE
    ) -> list[Product]:
        """Changes or creates products, all or none; returns them in order.

        A product whose category has another encoder is embedded by that one first.

        Raises:
            InvalidField, ResourceMissing, EtagMismatch: with ``index`` in the metadata.
        """
        return self._insist(lambda: self._store.batch_update(updates, terms))

    def _insist(self, write: Callable[[], T]) -> T:
        """Repeats a write that a switch of encoders, another category or a delete made stale."""
        for _ in range(_ATTEMPTS):
            try:
                return write()
            except ProductsUncovered as error:
                self._cover(error.encoder_of)
            except EncodersChanged:
                self._encoders.refresh()
            except ImageGone:
                continue
        raise EncodersChanged

    def _write(self, prepared: Sequence[PreparedRow], is_anew: bool) -> WriteOutcome:
        """Writes rows; ``is_anew`` has those embedded that counted on a stored image."""
        snapshot = self._encoders.current
        ready = [self._brought_up_to_date(item, snapshot, is_anew) for item in prepared]
        rows = [item for item in ready if isinstance(item, CatalogRow)]
        written = self._store.write_rows(rows, snapshot.assignment)
        outcomes = iter(written.rows)
        return replace(
            written,
            rows=[
                next(outcomes)
                if isinstance(item, CatalogRow)
                else RowOutcome(RowStatus.FAILED, source.source.fields.id, "", item)
                for item, source in zip(ready, prepared, strict=True)
            ],
        )

    def _brought_up_to_date(
        self, prepared: PreparedRow, snapshot: Snapshot, is_anew: bool
    ) -> CatalogRow | StylefacetError:
        image = prepared.row.image
        is_gone = is_anew and image is not None and image.embedding is None
        if prepared.assignment == snapshot.assignment and not is_gone:
            return prepared.row
        try:
            image = self._prepare_image(prepared.source, snapshot, is_gone)
            return replace(prepared.row, image=image)
        except StylefacetError as error:
            return error

    def _cover(self, encoder_of: Mapping[str, str]) -> None:
        """Has products embedded by the encoder that is to serve them, from their kept inputs."""
        realms = self._encoders.refresh().realms
        for encoder_id in sorted(set(encoder_of.values()) & realms.keys()):
            product_ids = [id for id, wanted in encoder_of.items() if wanted == encoder_id]
            missing = self._store.encoders.list_missing_of(product_ids, encoder_id)
            embedder, embedded = realms[encoder_id].embedder, {}
            for image in missing:
                try:
                    embedded[image.image_key] = embedder.embed_kept(image.content)
                except ImageUndecodable as error:
                    # The caller sent no image: one of the store's was damaged.
                    raise InputsMissing(encoder_id, 1) from error
            self._store.encoders.add_embeddings(encoder_id, embedded)

    def _prepare_image(
        self, row: UploadRow, snapshot: Snapshot, is_anew: bool = False
    ) -> NewImage | None:
        (image,) = self._prepare_images([row], snapshot, is_anew)
        if isinstance(image, StylefacetError):
            raise image
        return image

    def _prepare_images(
        self, rows: Sequence[UploadRow], snapshot: Snapshot, is_anew: bool = False
    ) -> list[NewImage | StylefacetError | None]:
        """Returns the image of each row, none of one without a photo, or what is wrong with it.

        ``is_anew`` embeds what the store has, too.
        """
        photos = [_Photo(row, digest(row.content)) for row in rows if row.content]
        try:
            for photo in photos:
                photo.embedders = self._embedders_of(photo.row, snapshot)
            if not is_anew:
                self._find_known(photos)
        except StylefacetError as error:
            return [error for _ in rows]
        self._embed([photo for photo in photos if photo.known is None])
        images = iter(photos)
        return [
            self._new_image(next(images)) if row.content else _without_photo(row) for row in rows
        ]

    def _embedders_of(self, row: UploadRow, snapshot: Snapshot) -> dict[str, PhotoEmbedder]:
        """Returns what is to embed a row's photo, by encoder, that of today first."""
        category = self._category_of(row, snapshot)
        realm, more = snapshot.of_category(category), snapshot.embedders_to_come(category)
        return {realm.encoder_id: realm.embedder} | {each.encoder.id: each for each in more}

    def _find_known(self, photos: Sequence["_Photo"]) -> None:
        """Notes the stored image of each photo that all its encoders have embedded already."""
        wanted: dict[str, set[str]] = {}
        for photo in photos:
            for encoder_id in photo.embedders:
                wanted.setdefault(encoder_id, set()).add(photo.content_sha256)
        found = {
            encoder_id: self._store.find_images(digests, encoder_id)
            for encoder_id, digests in wanted.items()
        }
        for photo in photos:
            stored = [
                photo.among(found[encoder_id].get(photo.content_sha256, ()))
                for encoder_id in photo.embedders
            ]
            photo.known = stored[-1] if all(stored) else None

    def _embed(self, photos: Sequence["_Photo"]) -> None:
        """Has photos seen by their encoders, those of one together."""
        embedders = {id: each for photo in photos for id, each in photo.embedders.items()}
        for encoder_id, embedder in embedders.items():
            mine = [photo for photo in photos if encoder_id in photo.embedders]
            found = embedder.embed_many([photo.row.content for photo in mine])
            for photo, outcome in zip(mine, found, strict=True):
                photo.seen[encoder_id] = outcome

    def _category_of(self, row: UploadRow, snapshot: Snapshot) -> str:
        """Returns the category that a product will have once the row is written."""
        if "category" in row.mask or (len(snapshot.realms) == 1 and not snapshot.coming):
            return row.fields.category
        found = self._store.find_categories([row.fields.id])
        return found.get(row.fields.id, row.fields.category)

    def _new_image(self, photo: "_Photo") -> NewImage | StylefacetError:
        known, row = photo.known, photo.row
        if known is not None:
            return NewImage(
                row.image_id, photo.content_sha256, known.width_px, known.height_px, embedding=None
            )
        seen: dict[str, EmbeddedPhoto] = {}
        for encoder_id in photo.embedders:
            outcome = photo.seen[encoder_id]
            if isinstance(outcome, StylefacetError):
                return outcome
            seen[encoder_id] = outcome
        first, *more = (
            ImageEmbedding(encoder_id, each.mean, each.novelty) for encoder_id, each in seen.items()
        )
        # The largest input holds the most: a later encoder may want it.
        largest = max(seen.values(), key=lambda each: each.pixels.size)
        kept = None
        if self._keep_inputs:
            pixels_sha256 = hashlib.sha256(largest.pixels.data).hexdigest()
            kept = KeptInput(pixels_sha256, pack_pixels(largest.pixels))
        return NewImage(
            id=row.image_id,
            content_sha256=photo.content_sha256,
            width_px=largest.source_width_px,
            height_px=largest.source_height_px,
            embedding=first,
            kept_input=kept,
            more_embeddings=tuple(more),
        )


@dataclass(slots=True)
class _Photo:
    """A row's photo on its way to an image."""

    row: UploadRow
    content_sha256: str
    # Who is to see it, and what each saw.
    embedders: dict[str, PhotoEmbedder] = field(default_factory=dict)
    seen: dict[str, EmbeddedPhoto | StylefacetError] = field(default_factory=dict)
    known: ProductImage | None = None

    def among(self, stored: Iterable[ProductImage]) -> ProductImage | None:
        """Returns the one of some stored images of this photo that is the row's."""
        for image in stored:
            if image.product_id == self.row.fields.id and self.row.image_id in ("", image.id):
                return image
        return None


def _without_photo(row: UploadRow) -> StylefacetError | None:
    """Returns what is wrong with a row that has no photo."""
    try:
        check_row(CatalogRow(row.fields, None, row.mask))
    except StylefacetError as error:
        return error
    return None
