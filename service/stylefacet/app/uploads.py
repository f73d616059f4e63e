"""Takes products with photos into the catalogue; knows no RPC.

The work of a row comes in two halves: :meth:`Uploads.prepare` decodes and embeds, on any thread
and without a transaction; :meth:`Uploads.write` stores many prepared rows in one commit. When
another encoder took over in between, the store refuses the commit and the rows are embedded anew.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from stylefacet.app.photos import EmbeddedPhoto, digest
from stylefacet.app.realms import EncoderSet, Snapshot
from stylefacet.catalog.assignment import Assignment
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
from stylefacet.errors import EncodersChanged, StylefacetError
from stylefacet.kept_inputs import pack_pixels

T = TypeVar("T")
# Each switch of encoders costs a write one attempt; there are never so many at once.
_ATTEMPTS = 5


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

    def prepare(self, row: UploadRow) -> PreparedRow | StylefacetError:
        """Returns a row ready to be written, or what is wrong with it.

        A photo that the store has under its encoder is not decoded again.
        """
        snapshot = self._encoders.current
        try:
            image = self._prepare_image(row, snapshot)
        except StylefacetError as error:
            return error
        return PreparedRow(row, CatalogRow(row.fields, image, row.mask), snapshot.assignment)

    def write(self, rows: Sequence[PreparedRow]) -> WriteOutcome:
        """Stores rows in one commit; returns the fate of each and the commit's sequence number."""
        return self._insist(lambda: self._write(rows))

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
        """Repeats a write that a switch of encoders, or a change of category, made stale."""
        for _ in range(_ATTEMPTS):
            try:
                return write()
            except ProductsUncovered as error:
                self._cover(error.encoder_of)
            except EncodersChanged:
                self._encoders.refresh()
        raise EncodersChanged

    def _write(self, prepared: Sequence[PreparedRow]) -> WriteOutcome:
        snapshot = self._encoders.current
        ready = [self._brought_up_to_date(item, snapshot) for item in prepared]
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
        self, prepared: PreparedRow, snapshot: Snapshot
    ) -> CatalogRow | StylefacetError:
        if prepared.assignment == snapshot.assignment:
            return prepared.row
        try:
            return replace(prepared.row, image=self._prepare_image(prepared.source, snapshot))
        except StylefacetError as error:
            return error

    def _cover(self, encoder_of: Mapping[str, str]) -> None:
        """Has products embedded by the encoder that is to serve them, from their kept inputs."""
        realms = self._encoders.refresh().realms
        for encoder_id in sorted(set(encoder_of.values()) & realms.keys()):
            product_ids = [id for id, wanted in encoder_of.items() if wanted == encoder_id]
            missing = self._store.encoders.list_missing_of(product_ids, encoder_id)
            embedder = realms[encoder_id].embedder
            self._store.encoders.add_embeddings(
                encoder_id,
                {image.image_key: embedder.embed_kept(image.content) for image in missing},
            )

    def _prepare_image(self, row: UploadRow, snapshot: Snapshot) -> NewImage | None:
        if not row.content:
            check_row(CatalogRow(row.fields, None, row.mask))
            return None
        category = self._category_of(row, snapshot)
        realm, more = snapshot.of_category(category), snapshot.embedders_to_come(category)
        content_sha256 = digest(row.content)
        embedders = {realm.encoder_id: realm.embedder} | {each.encoder.id: each for each in more}
        known = self._find_known(row, content_sha256, list(embedders))
        if known is not None:
            return NewImage(
                row.image_id, content_sha256, known.width_px, known.height_px, embedding=None
            )
        photos = {encoder_id: e.embed(row.content) for encoder_id, e in embedders.items()}
        return self._new_image(row.image_id, photos)

    def _find_known(
        self, row: UploadRow, content_sha256: str, encoder_ids: Sequence[str]
    ) -> ProductImage | None:
        """Returns the stored image of a row's photo, if all those encoders have embedded it."""
        found = None
        for encoder_id in encoder_ids:
            images = self._store.find_images([content_sha256], encoder_id).get(content_sha256, [])
            here = [image for image in images if image.product_id == row.fields.id]
            found = next((image for image in here if row.image_id in ("", image.id)), None)
            if found is None:
                return None
        return found

    def _category_of(self, row: UploadRow, snapshot: Snapshot) -> str:
        """Returns the category that a product will have once the row is written."""
        if "category" in row.mask or (len(snapshot.realms) == 1 and not snapshot.coming):
            return row.fields.category
        found = self._store.find_categories([row.fields.id])
        return found.get(row.fields.id, row.fields.category)

    def _new_image(self, image_id: str, photos: Mapping[str, EmbeddedPhoto]) -> NewImage:
        first, *more = (
            ImageEmbedding(encoder_id, photo.mean, photo.novelty)
            for encoder_id, photo in photos.items()
        )
        # The largest input holds the most: a later encoder may want it.
        photo = max(photos.values(), key=lambda photo: photo.pixels.size)
        kept = None
        if self._keep_inputs:
            pixels_sha256 = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
            kept = KeptInput(pixels_sha256, pack_pixels(photo.pixels))
        return NewImage(
            id=image_id,
            content_sha256=photo.content_sha256,
            width_px=photo.source_width_px,
            height_px=photo.source_height_px,
            embedding=first,
            kept_input=kept,
            more_embeddings=tuple(more),
        )
