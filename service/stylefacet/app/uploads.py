"""Takes products with photos into the catalogue; knows no RPC.

The work of a row comes in two halves: :meth:`Uploads.prepare` decodes and embeds, on any thread
and without a transaction; :meth:`Uploads.write` stores many prepared rows in one commit.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from stylefacet.app.photos import EmbeddedPhoto, PhotoEmbedder, digest
from stylefacet.catalog.entities import (
    PLAIN_WRITE,
    PRODUCT_FIELDS,
    CatalogRow,
    ImageEmbedding,
    KeptInput,
    NewImage,
    ProductFields,
    ProductImage,
    WriteOutcome,
    WriteTerms,
)
from stylefacet.catalog.limits import check_row
from stylefacet.catalog.store import Store
from stylefacet.errors import StylefacetError
from stylefacet.imaging import encode_png


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A product and usually one photo of it; empty ``content`` writes the product alone."""

    fields: ProductFields
    content: bytes
    image_id: str = ""
    mask: frozenset[str] = PRODUCT_FIELDS


class Uploads:
    """Prepares and writes rows under one encoder. Thread-safe."""

    def __init__(self, store: Store, embedder: PhotoEmbedder, keep_inputs: bool) -> None:
        self._store = store
        self._embedder = embedder
        self._keep_inputs = keep_inputs

    def prepare(self, row: UploadRow) -> CatalogRow | StylefacetError:
        """Returns a row ready to be written, or what is wrong with it.

        A photo that the store has under this encoder is not decoded again.
        """
        try:
            return CatalogRow(row.fields, self._prepare_image(row), row.mask)
        except StylefacetError as error:
            return error

    def write(self, rows: Sequence[CatalogRow]) -> WriteOutcome:
        """Stores rows in one commit; returns the fate of each and the commit's sequence number."""
        return self._store.write_rows(rows, self._embedder.encoder.id)

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
        fields = self._store.get_product(product_id).fields
        row = UploadRow(fields, content, image_id, frozenset())
        image = self._prepare_image(row)
        check_row(CatalogRow(fields, image, frozenset()))
        assert image is not None
        return self._store.add_image(product_id, image, self._embedder.encoder.id, terms)

    def _prepare_image(self, row: UploadRow) -> NewImage | None:
        if not row.content:
            check_row(CatalogRow(row.fields, None, row.mask))
            return None
        content_sha256 = digest(row.content)
        known = self._store.find_images([content_sha256], self._embedder.encoder.id)
        here = [k for k in known.get(content_sha256, []) if k.product_id == row.fields.id]
        for image in here:
            if row.image_id in ("", image.id):
                size = image.width_px, image.height_px
                return NewImage(row.image_id, content_sha256, *size, embedding=None)
        return self._new_image(row.image_id, self._embedder.embed(row.content))

    def _new_image(self, image_id: str, photo: EmbeddedPhoto) -> NewImage:
        kept = None
        if self._keep_inputs:
            pixels_sha256 = hashlib.sha256(photo.pixels.tobytes()).hexdigest()
            kept = KeptInput(pixels_sha256, encode_png(photo.pixels))
        return NewImage(
            id=image_id,
            content_sha256=photo.content_sha256,
            width_px=photo.source_width_px,
            height_px=photo.source_height_px,
            embedding=ImageEmbedding(self._embedder.encoder.id, photo.mean, photo.novelty),
            kept_input=kept,
        )
