"""The store: one transaction a method over the SQL truth; knows nothing of vectors' meaning."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete

from stylefacet.catalog import changes, encoders, images, products, requests
from stylefacet.catalog import tables as t
from stylefacet.catalog.assignment import EVERYTHING, Assignment, Scope
from stylefacet.catalog.bulk import RowBatch
from stylefacet.catalog.encoder_store import EncoderStore
from stylefacet.catalog.entities import (
    PLAIN_WRITE,
    CatalogRow,
    ChangedProducts,
    ExportPage,
    ImageEmbedding,
    ImageRows,
    NewImage,
    Product,
    ProductChange,
    ProductImage,
    ProductUpdate,
    Sequences,
    StoredQuery,
    WriteOutcome,
    WriteTerms,
)
from stylefacet.catalog.feature_store import FeatureStore
from stylefacet.catalog.filter import Node
from stylefacet.catalog.operations import OperationStore
from stylefacet.catalog.statements import find_encoder_key
from stylefacet.catalog.sweeping import Sweeper
from stylefacet.errors import EncodersChanged, EtagMismatch, InvalidField, StylefacetError


class Store(FeatureStore):
    """Products, images, embeddings and features, with a sequence number for each commit.

    Thread-safe; holds no state of its own beside the pool of connections. A method that returns
    has committed. Errors of the caller are StylefacetErrors and leave nothing behind.
    """

    def __init__(self, url: str, now: Callable[[], datetime]) -> None:
        """Opens or creates the store at a database URL; ``now`` returns UTC with zone.

        A database of an earlier release is brought up to this one's schema.

        Raises: StoreCorrupt for a file that is no store or of a schema version unknown here.
        """
        super().__init__(url, now)
        self.operations = OperationStore(self._database, now)
        self.sweeper = Sweeper(self._database)
        self.encoders = EncoderStore(self._database, now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._database.close()

    # Which encoder the data belongs to

    def active_encoder(self) -> str | None:
        """Returns the id of the default encoder; None before the first."""
        with self._database.reading() as connection:
            assignment = encoders.read_assignment(connection)
        return assignment.default if assignment else None

    def bind_encoder(self, encoder_id: str) -> str:
        """Makes an encoder the default one if there is none; returns the default one."""
        with self._database.writing() as connection:
            changes.lock_counter(connection)
            bound = encoders.read_assignment(connection)
            if bound is None:
                encoders.write_assignment(connection, Assignment(encoder_id))
            return bound.default if bound else encoder_id

    # Products

    def get_product(self, product_id: str) -> Product:
        """Returns a product.

        Raises: ResourceMissing.
        """
        with self._database.glancing() as reader:
            return products.get(reader, product_id)[1]

    def find_product_keys(self, product_ids: Iterable[str]) -> dict[str, int]:
        """Returns the index's key of each product id that exists."""
        with self._database.reading() as connection:
            return products.find_keys(connection, product_ids)

    def products_by_keys(self, product_keys: Iterable[int]) -> dict[int, Product]:
        """Returns the product of each key that still exists."""
        with self._database.reading() as connection:
            return products.find_by_keys(connection, product_keys)

    def products_by_images(self, image_keys: Iterable[int]) -> dict[int, tuple[Product, str]]:
        """Returns the product and the image id of each image key that still exists."""
        with self._database.glancing() as reader:
            return products.find_by_images(reader, image_keys)

    def find_categories(self, product_ids: Iterable[str]) -> dict[str, str]:
        """Returns the category of each product id that exists."""
        with self._database.glancing() as reader:
            return products.find_categories(reader, product_ids)

    def list_products(
        self, condition: Node | None = None, after: str = "", limit: int = 50
    ) -> tuple[list[Product], str]:
        """Returns a page in order of id and the id to pass as ``after`` next, empty at the end."""
        with self._database.reading() as connection:
            page = products.list_page(connection, condition, after, limit + 1)
        return page[:limit], page[limit - 1].id if len(page) > limit else ""

    def select_product_keys(self, condition: Node) -> tuple[int, npt.NDArray[np.int64]]:
        """Returns the keys of all products that pass a filter, ascending, ``(n,) int64``.

        Before them stands the sequence number as of which they are.
        """
        with self._database.reading() as connection:
            return changes.read_sequence(connection), products.select_keys(connection, condition)

    def export_pages(
        self,
        condition: Node | None,
        encoder_id: str,
        page_size: int,
        scope: Scope = EVERYTHING,
    ) -> Iterator[ExportPage]:
        """Yields the products that pass a filter with their images' vectors, from one snapshot.

        At least one page comes, perhaps an empty one. A connection is held until the last page
        was taken; writers do not wait for it, except in an in-memory database.
        """
        with self._database.reading() as connection:
            sequence = changes.read_sequence(connection)
            encoder_key = find_encoder_key(connection, encoder_id)
            after: str | None = ""
            while after is not None:
                page = products.list_keyed_page(connection, condition, after, page_size, scope)
                rows = images.read_rows(connection, [key for key, _ in page], encoder_key)
                yield ExportPage(sequence, page, rows)
                after = page[-1][1].id if len(page) == page_size else None

    def find_of_styles(
        self, style_ids: Iterable[str], encoder_id: str, scope: Scope = EVERYTHING
    ) -> list[tuple[int, str]]:
        """Returns key and style of the products of some styles that have an embedded image."""
        with self._database.glancing() as reader:
            return products.find_of_styles(reader, style_ids, encoder_id, scope)

    def update_product(self, change: ProductUpdate, terms: WriteTerms = PLAIN_WRITE) -> Product:
        """Changes or creates one product; a change to nothing new keeps etag and times.

        Raises: InvalidField, ResourceMissing, EtagMismatch.
        """
        return self.batch_update([change], terms)[0]

    def batch_update(
        self, updates: Sequence[ProductUpdate], terms: WriteTerms = PLAIN_WRITE
    ) -> list[Product]:
        """Changes or creates products, all or none; returns them in order.

        Raises: InvalidField, ResourceMissing or EtagMismatch with ``index`` in the metadata.
        """
        seen = set()
        for index, change in enumerate(updates):
            try:
                products.check_update(change)
                if change.fields.id in seen:
                    raise InvalidField("id", f"{change.fields.id!r} appears twice in the batch")
            except StylefacetError as error:
                error.metadata["index"] = str(index)
                raise
            seen.add(change.fields.id)
        now = self._now()
        with self._writing(terms) as connection:
            written = requests.answer_once(
                connection,
                terms,
                now,
                lambda: products.update_all(connection, updates, now),
                requests.pack_products,
                requests.unpack_products,
            )
        return (
            [requests.unsaved(product) for product in written] if terms.validate_only else written
        )

    def delete_product(
        self, product_id: str, etag: str = "", terms: WriteTerms = PLAIN_WRITE
    ) -> int:
        """Deletes a product with its images; returns the sequence number.

        Raises: ResourceMissing; EtagMismatch when ``etag`` is given and not the stored one.
        """
        with self._writing(terms) as connection:

            def work() -> int:
                key, product = products.get(connection, product_id)
                if etag and etag != product.etag:
                    raise EtagMismatch(f"products/{product_id}")
                inputs = images.list_input_digests(connection, [key])
                connection.execute(delete(t.products).where(t.products.c.product_key == key))
                images.drop_unused_inputs(connection, inputs)
                sequence = changes.next_sequence(connection)
                changes.record_changes(connection, sequence, [(key, product_id)], deleted=True)
                return sequence

            return requests.answer_once(connection, terms, self._now(), work, int, int)

    # Images and embeddings

    def write_rows(self, rows: Sequence[CatalogRow], prepared: Assignment) -> WriteOutcome:
        """Stores up to a few hundred products with images in one transaction.

        Idempotent: a known picture under the same encoder is left alone. A row at fault fails by
        itself. Of two rows of one product the later one's fields stand.

        Raises: EncodersChanged, with nothing stored, when the rows were ``prepared`` for another
        assignment of encoders, or move products to one that has not seen all their images.
        """
        with self._database.writing() as connection:
            changes.lock_counter(connection)
            _check_prepared(connection, prepared)
            outcomes = RowBatch(connection, rows, prepared).write(
                lambda: changes.next_sequence(connection), self._now()
            )
            return WriteOutcome(outcomes, changes.read_sequence(connection))

    def add_image(
        self,
        product_id: str,
        image: NewImage,
        prepared: Assignment,
        terms: WriteTerms = PLAIN_WRITE,
    ) -> ProductImage:
        """Stores an image of an existing product; a known picture is returned as it is.

        Raises: ResourceMissing for the product; ResourceExists for an id with another picture;
        InvalidField; EncodersChanged as `write_rows`.
        """
        now = self._now()
        with self._writing(terms) as connection:

            def work() -> ProductImage:
                _check_prepared(connection, prepared)
                key, product = products.get(connection, product_id)
                row = CatalogRow(product.fields, image, frozenset())
                (outcome,) = RowBatch(connection, [row], prepared).write(
                    lambda: changes.next_sequence(connection), now
                )
                if outcome.error is not None:
                    raise outcome.error
                return images.get(connection, key, product_id, outcome.image_id)

            added = requests.answer_once(
                connection, terms, now, work, requests.pack_image, requests.unpack_image
            )
        return replace(added, sequence=0) if terms.validate_only else added

    def find_image_answer(self, terms: WriteTerms) -> ProductImage | None:
        """Returns what `add_image` answered to this request before; None if it is new.

        Raises: RequestIdReused.
        """
        with self._database.reading() as connection:
            known = requests.find_answer(connection, terms)
        return None if known is None else requests.unpack_image(known)

    def find_images(self, digests: Iterable[str], encoder_id: str) -> dict[str, list[ProductImage]]:
        """Returns where content digests are stored already with an embedding of the encoder."""
        with self._database.reading() as connection:
            return images.find_known(connection, digests, encoder_id)

    def get_image(self, product_id: str, image_id: str) -> ProductImage:
        """Returns an image's record.

        Raises: ResourceMissing.
        """
        with self._database.reading() as connection:
            key, _ = products.get(connection, product_id)
            return images.get(connection, key, product_id, image_id)

    def list_images(
        self, product_id: str, after: str = "", limit: int = 50
    ) -> tuple[list[ProductImage], str]:
        """Returns a page in order of id and the id to pass as ``after`` next, empty at the end.

        Raises: ResourceMissing for the product.
        """
        with self._database.reading() as connection:
            key, _ = products.get(connection, product_id)
            page = images.list_page(connection, key, product_id, after, limit + 1)
        return page[:limit], page[limit - 1].id if len(page) > limit else ""

    def find_image_ids(self, image_keys: Iterable[int]) -> dict[int, str]:
        """Returns the image id of each image key that still exists."""
        with self._database.reading() as connection:
            return images.find_image_ids(connection, image_keys)

    def list_embeddings(self, product_id: str, encoder_id: str) -> list[tuple[str, ImageEmbedding]]:
        """Returns image id and embedding of every embedded image of a product, in order of id.

        Raises: ResourceMissing for the product.
        """
        with self._database.reading() as connection:
            key = products.get_key(connection, product_id)
            return images.list_embeddings(connection, key, encoder_id)

    def read_query(self, product_id: str, encoder_id: str) -> StoredQuery:
        """Returns a product's key in the index, what `list_embeddings` does, and `sequences`.

        Raises: ResourceMissing for the product.
        """
        with self._database.glancing() as reader:
            return images.read_query(reader, product_id, encoder_id)

    def get_kept_input(self, product_id: str, image_id: str) -> bytes | None:
        """Returns the compressed letterbox of an image; None when none was kept.

        Raises: ResourceMissing.
        """
        with self._database.reading() as connection:
            key, _ = products.get(connection, product_id)
            return images.get_kept_input(connection, key, product_id, image_id)

    def delete_image(self, product_id: str, image_id: str, terms: WriteTerms = PLAIN_WRITE) -> int:
        """Deletes an image; the product stays. Returns the sequence number.

        Raises: ResourceMissing.
        """
        with self._writing(terms) as connection:

            def work() -> int:
                key, _ = products.get(connection, product_id)
                images.delete_one(connection, key, product_id, image_id)
                sequence = changes.next_sequence(connection)
                changes.record_changes(connection, sequence, [(key, product_id)], deleted=False)
                return sequence

            return requests.answer_once(connection, terms, self._now(), work, int, int)

    # What an index follows

    def sequence(self) -> int:
        """Returns the number of the latest commit that changed anything; zero when empty."""
        return self.sequences().latest

    def feature_sequence(self) -> int:
        """Returns the number of the latest commit that changed a feature."""
        return self.sequences().of_features

    def sequences(self) -> Sequences:
        """Returns both, as of one moment."""
        with self._database.glancing() as reader:
            return changes.read_sequences(reader)

    def changes_since(self, sequence: int, limit: int = 1000) -> list[ProductChange]:
        """Returns the latest change of each product that changed after a sequence number.

        In order, about ``limit`` of them; commits are not divided, so go on from the last one's
        number.
        """
        with self._database.reading() as connection:
            return changes.read_changes(connection, sequence, limit)

    def changed_products(self, since: int, limit: int) -> ChangedProducts | None:
        """Returns the products that changed after a sequence number; None if more than ``limit``.

        One that was deleted is among the keys alone.
        """
        with self._database.reading() as connection:
            keys = changes.read_changed_keys(connection, since, limit + 1)
            if len(keys) > limit:
                return None
            found = products.find_by_keys(connection, keys)
            return ChangedProducts(changes.read_sequence(connection), keys, found)

    def image_rows(
        self, product_keys: Iterable[int], encoder_id: str, scope: Scope = EVERYTHING
    ) -> ImageRows | None:
        """Returns the embedded images of some products in columns; None if there are none."""
        with self._database.reading() as connection:
            return images.read_rows(
                connection, product_keys, find_encoder_key(connection, encoder_id), scope
            )

    def all_image_rows(
        self, encoder_id: str, scope: Scope = EVERYTHING, batch_size: int = 65_536
    ) -> Iterator[ImageRows]:
        """Yields all embedded images of an encoder in columns, from one snapshot.

        Read `sequence` before: what is committed meanwhile is then seen again as a change.
        """
        with self._database.reading() as connection:
            encoder_key = find_encoder_key(connection, encoder_id)
            yield from images.stream_rows(connection, encoder_key, scope, batch_size)


def _check_prepared(connection: Connection, prepared: Assignment) -> None:
    stored = encoders.read_assignment(connection)
    if stored is not None and stored != prepared:
        raise EncodersChanged
