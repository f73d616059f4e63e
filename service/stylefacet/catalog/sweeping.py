"""Finds and deletes what a manifest does not name; knows nothing of manifests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select

from stylefacet.catalog import images
from stylefacet.catalog import tables as t
from stylefacet.catalog.changes import lock_counter, next_sequence, read_sequence, record_changes
from stylefacet.catalog.database import Database
from stylefacet.catalog.statements import in_lists

_P, _I = t.products.c, t.images.c


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """What may be deleted: made before a time, and before a moment by the order of the keys.

    The keys hold where a clock is set back, or another server's is behind.
    """

    time: datetime
    product_key: int
    image_key: int

    @property
    def products(self) -> ColumnElement[bool]:
        """Whether a product is meant."""
        return (_P.create_time < self.time) & (_P.product_key <= self.product_key)

    @property
    def images(self) -> ColumnElement[bool]:
        """Whether an image is meant."""
        return (_I.create_time < self.time) & (_I.image_key <= self.image_key)


class Sweeper:
    """Deletes products and images of before, a few hundred a transaction. Thread-safe.

    `MadeBefore` protects what others made while a list of what to keep was being put together.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def made_before(self, time: datetime) -> MadeBefore:
        """Returns what stands for all that there is now and was made before a time."""
        with self._database.reading() as connection:
            product_key = connection.scalar(select(func.max(_P.product_key)))
            image_key = connection.scalar(select(func.max(_I.image_key)))
        return MadeBefore(time, product_key or 0, image_key or 0)

    def list_product_ids(self, before: MadeBefore) -> list[str]:
        """Returns the ids of all products made before, in order."""
        with self._database.reading() as connection:
            made = select(_P.id).where(before.products).order_by(_P.id)
            return list(connection.scalars(made))

    def stream_images(self, before: MadeBefore) -> Iterator[tuple[str, str]]:
        """Yields product id and image id of all images made before, product by product."""
        with self._database.reading() as connection:
            made = (
                select(_P.id, _I.id)
                .join(t.images, _I.product_key == _P.product_key)
                .where(before.images)
                .order_by(_P.id, _I.id)
            )
            for row in connection.execution_options(yield_per=10_000).execute(made):
                yield row[0], row[1]

    def delete_products(self, product_ids: Sequence[str], before: MadeBefore) -> tuple[int, int]:
        """Deletes those of the products that were made before; others are passed over.

        Returns how many went, and the sequence number.
        """
        with self._database.writing() as connection:
            lock_counter(connection)
            found: dict[int, str] = {}
            for some in in_lists(product_ids):
                made = select(_P.product_key, _P.id).where(_P.id.in_(some), before.products)
                found.update({row.product_key: row.id for row in connection.execute(made)})
            if not found:
                return 0, read_sequence(connection)
            inputs = images.list_input_digests(connection, list(found))
            for keys in in_lists(list(found)):
                connection.execute(delete(t.products).where(_P.product_key.in_(keys)))
            images.drop_unused_inputs(connection, inputs)
            sequence = next_sequence(connection)
            record_changes(connection, sequence, found.items(), deleted=True)
            return len(found), sequence

    def delete_images(
        self, names: Sequence[tuple[str, str]], before: MadeBefore
    ) -> tuple[int, int]:
        """Deletes images made before, given by product id and image id; as above."""
        wanted = set(names)
        with self._database.writing() as connection:
            lock_counter(connection)
            found: dict[int, tuple[int, str, str | None]] = {}
            for some in in_lists(sorted({product_id for product_id, _ in names})):
                rows = connection.execute(
                    select(_I.image_key, _I.id, _I.input_sha256, _P.product_key, _P.id)
                    .join(t.products, _P.product_key == _I.product_key)
                    .where(_P.id.in_(some), before.images)
                )
                for image_key, image_id, digest, product_key, product_id in rows:
                    if (product_id, image_id) in wanted:
                        found[image_key] = product_key, product_id, digest
            if not found:
                return 0, read_sequence(connection)
            for keys in in_lists(list(found)):
                connection.execute(delete(t.images).where(_I.image_key.in_(keys)))
            images.drop_unused_inputs(connection, [digest for _, _, digest in found.values()])
            sequence = next_sequence(connection)
            changed = {key: product_id for key, product_id, _ in found.values()}
            record_changes(connection, sequence, changed.items(), deleted=False)
            return len(found), sequence
