"""Installed encoders and which of them serves what, inside a transaction; knows no models."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    exists,
    func,
    insert,
    select,
    true,
    update,
)

from stylefacet.catalog import tables as t
from stylefacet.catalog.assignment import Assignment, Scope
from stylefacet.catalog.entities import ImageEmbedding
from stylefacet.catalog.images import in_scope, pack_vector
from stylefacet.catalog.statements import find_encoder_key, in_lists, make_encoder_key
from stylefacet.errors import EncodersChanged

_ACTIVE = "active_encoder"
_P, _I, _E = t.products.c, t.images.c, t.embeddings.c
_X = t.encoders.c
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class InstalledEncoder:
    """An encoder whose bundle the store has; ``manifest`` is its manifest file."""

    id: str
    install_time: datetime
    manifest: bytes
    embedded_image_count: int


class ProductsUncovered(EncodersChanged):
    """Products are to be served by an encoder that has not embedded their images yet."""

    def __init__(self, encoder_of: Mapping[str, str]) -> None:
        super().__init__()
        # By product id.
        self.encoder_of = dict(encoder_of)


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image's key, the compressed letterbox that was kept of it, and whose it is."""

    image_key: int
    content: bytes
    product_id: str
    category: str


@dataclass(frozen=True, slots=True)
class ScopeCounts:
    """Images within a scope.

    ``embedded_count`` have a vector of the encoder, ``lacking_input_count`` have none and no kept
    input that one could be made from.
    """

    image_count: int
    embedded_count: int
    lacking_input_count: int

    @property
    def missing_count(self) -> int:
        """Images that the encoder could embed and has not."""
        return self.image_count - self.embedded_count - self.lacking_input_count


@dataclass(frozen=True, slots=True)
class Switch:
    """A change of which encoder serves what, by the sequence number of its commit."""

    sequence: int
    earlier: Assignment
    later: Assignment
    create_time: datetime


def read_assignment(connection: Connection) -> Assignment | None:
    """Returns which encoder serves what; None before the first encoder."""
    default = connection.scalar(select(t.properties.c.value).where(t.properties.c.name == _ACTIVE))
    if default is None:
        return None
    rows = connection.execute(
        select(t.encoder_assignments.c.category, _X.id).join(
            t.encoders, _X.encoder_key == t.encoder_assignments.c.encoder_key
        )
    )
    return Assignment(default, {row.category: row.id for row in rows})


def write_assignment(connection: Connection, assignment: Assignment) -> None:
    """Stores which encoder serves what."""
    is_active = t.properties.c.name == _ACTIVE
    connection.execute(delete(t.properties).where(is_active))
    connection.execute(insert(t.properties).values(name=_ACTIVE, value=assignment.default))
    connection.execute(delete(t.encoder_assignments))
    rows = [
        {"category": category, "encoder_key": make_encoder_key(connection, encoder_id)}
        for category, encoder_id in assignment.categories.items()
    ]
    if rows:
        connection.execute(insert(t.encoder_assignments), rows)


def note_switch(
    connection: Connection, sequence: int, earlier: Assignment, later: Assignment, now: datetime
) -> None:
    """Notes a change of which encoder serves what, with the commit's sequence number."""
    connection.execute(update(t.change_counter).values(encoder_sequence=sequence))
    connection.execute(
        insert(t.encoder_switches).values(
            sequence=sequence, earlier=earlier.to_json(), later=later.to_json(), create_time=now
        )
    )


def read_switches(connection: Connection) -> list[Switch]:
    """Returns all switches, the latest first."""
    rows = connection.execute(
        select(t.encoder_switches).order_by(t.encoder_switches.c.sequence.desc())
    )
    return [
        Switch(
            row.sequence,
            Assignment.from_json(row.earlier),
            Assignment.from_json(row.later),
            row.create_time,
        )
        for row in rows
    ]


def list_installed(connection: Connection, encoder_id: str | None = None) -> list[InstalledEncoder]:
    """Returns the installed encoders, or the one asked for, in the order in which they came."""
    files = t.encoder_files.c
    statement = (
        select(_X.encoder_key, _X.id, _X.install_time, files.content)
        .join(t.encoder_files, files.encoder_key == _X.encoder_key)
        .where(files.name == _MANIFEST, _X.install_time.is_not(None))
        .order_by(_X.install_time, _X.encoder_key)
    )
    if encoder_id is not None:
        statement = statement.where(_X.id == encoder_id)
    return [
        InstalledEncoder(
            row.id, row.install_time, row.content, _count_embeddings(connection, row.encoder_key)
        )
        for row in connection.execute(statement).all()
    ]


def _count_embeddings(connection: Connection, encoder_key: int) -> int:
    # By the index that holds no vectors: the primary key's range would read them all.
    return connection.execute(
        select(func.count())
        .select_from(t.embeddings)
        .with_hint(t.embeddings, "INDEXED BY embeddings_by_image", "sqlite")
        .where(_E.encoder_key == encoder_key)
    ).scalar_one()


def write_files(
    connection: Connection, encoder_id: str, files: Mapping[str, bytes], now: datetime
) -> bool:
    """Stores a bundle; returns False, and changes nothing, if the store has it."""
    key = make_encoder_key(connection, encoder_id)
    if connection.scalar(select(_X.install_time).where(_X.encoder_key == key)) is not None:
        return False
    connection.execute(delete(t.encoder_files).where(t.encoder_files.c.encoder_key == key))
    for name, content in files.items():
        connection.execute(
            insert(t.encoder_files).values(encoder_key=key, name=name, content=content)
        )
    connection.execute(update(t.encoders).where(_X.encoder_key == key).values(install_time=now))
    return True


def read_files(connection: Connection, encoder_id: str) -> dict[str, bytes]:
    """Returns a bundle's files by name; none for one that is not installed."""
    rows = connection.execute(
        select(t.encoder_files.c.name, t.encoder_files.c.content)
        .join(t.encoders, _X.encoder_key == t.encoder_files.c.encoder_key)
        .where(_X.id == encoder_id, _X.install_time.is_not(None))
    )
    return {row.name: row.content for row in rows}


def drop_files(connection: Connection, encoder_id: str) -> None:
    """Takes an encoder off the installed ones; its vectors stay."""
    key = find_encoder_key(connection, encoder_id)
    connection.execute(delete(t.encoder_files).where(t.encoder_files.c.encoder_key == key))
    connection.execute(update(t.encoders).where(_X.encoder_key == key).values(install_time=None))
    connection.execute(
        delete(t.feature_realisations).where(t.feature_realisations.c.encoder_key == key)
    )


def has_embeddings(connection: Connection, encoder_id: str) -> bool:
    """Returns whether any image has a vector of an encoder."""
    key = find_encoder_key(connection, encoder_id)
    return connection.scalar(select(_E.image_key).where(_E.encoder_key == key).limit(1)) is not None


def drop_embeddings(connection: Connection, encoder_id: str, limit: int) -> int:
    """Deletes up to ``limit`` vectors of an encoder; returns how many went."""
    key = find_encoder_key(connection, encoder_id)
    found = connection.scalars(
        select(_E.image_key).where(_E.encoder_key == key).order_by(_E.image_key).limit(limit)
    ).all()
    for some in in_lists(found):
        connection.execute(
            delete(t.embeddings).where(_E.encoder_key == key, _E.image_key.in_(some))
        )
    return len(found)


def list_missing(
    connection: Connection, encoder_id: str, scope: Scope, after: int, limit: int
) -> list[KeptImage]:
    """Returns images within a scope that an encoder has not embedded and whose input was kept.

    In order of key, those that follow ``after``.
    """
    is_missing = ~_is_embedded(find_encoder_key(connection, encoder_id))
    return _read_kept(
        connection,
        _select_kept()
        .where(_I.image_key > after, in_scope(scope), is_missing)
        .order_by(_I.image_key)
        .limit(limit),
    )


def list_missing_of(
    connection: Connection, product_ids: Sequence[str], encoder_id: str
) -> list[KeptImage]:
    """Returns the images of some products that an encoder has not embedded, as above."""
    is_missing = ~_is_embedded(find_encoder_key(connection, encoder_id))
    found: list[KeptImage] = []
    for some in in_lists(product_ids):
        wanted = _select_kept().where(_P.id.in_(some), is_missing).order_by(_I.image_key)
        found.extend(_read_kept(connection, wanted))
    return found


def list_inputs_of(
    connection: Connection, product_ids: Sequence[str], scope: Scope, limit: int
) -> list[KeptImage]:
    """Returns the images of some products within a scope, up to ``limit`` of them."""
    found: list[KeptImage] = []
    for some in in_lists(product_ids):
        wanted = _select_kept().where(_P.id.in_(some), in_scope(scope)).order_by(_I.image_key)
        found.extend(_read_kept(connection, wanted.limit(limit - len(found))))
    return found


def sample_inputs(connection: Connection, scope: Scope, limit: int) -> list[KeptImage]:
    """Returns images drawn at random from a scope, the same ones as long as it stays the same."""
    # Digests are as random as one could wish.
    wanted = _select_kept().where(in_scope(scope)).order_by(_I.input_sha256, _I.image_key)
    return _read_kept(connection, wanted.limit(limit))


def _select_kept() -> Select[tuple[int, bytes, str, str]]:
    kept = t.kept_inputs.c
    return (
        select(_I.image_key, kept.content, _P.id, _P.category)
        .join(t.kept_inputs, kept.sha256 == _I.input_sha256)
        .join(t.products, _P.product_key == _I.product_key)
    )


def _read_kept(
    connection: Connection, statement: Select[tuple[int, bytes, str, str]]
) -> list[KeptImage]:
    return [
        KeptImage(row.image_key, row.content, row.id, row.category)
        for row in connection.execute(statement)
    ]


def check_covered(connection: Connection, product_keys: Collection[int]) -> None:
    """Refuses products whose category went to an encoder that has not embedded their images.

    Raises:
        ProductsUncovered: with the products; images without a kept input are passed over.
    """
    assignment = read_assignment(connection) if product_keys else None
    if assignment is None or not assignment.categories:
        return
    uncovered = find_uncovered(connection, product_keys, assignment)
    if uncovered:
        raise ProductsUncovered(uncovered)


def find_uncovered(
    connection: Connection, product_keys: Collection[int], assignment: Assignment
) -> dict[str, str]:
    """Returns which encoder lacks vectors of products that it serves, by product id."""
    found: dict[str, str] = {}
    for encoder_id in assignment.encoder_ids:
        key = find_encoder_key(connection, encoder_id)
        for some in in_lists(sorted(product_keys)):
            uncovered = connection.scalars(
                select(_P.id)
                .join(t.images, _I.product_key == _P.product_key)
                .where(
                    _P.product_key.in_(some),
                    in_scope(assignment.scope_of(encoder_id)),
                    _I.input_sha256.is_not(None),
                    ~_is_embedded(key),
                )
            )
            found.update(dict.fromkeys(uncovered, encoder_id))
    return found


def add_embeddings(
    connection: Connection, encoder_id: str, embedded: Mapping[int, ImageEmbedding]
) -> None:
    """Stores vectors by image key; those of images that are gone, or have one, are passed over."""
    key = make_encoder_key(connection, encoder_id)
    wanted: set[int] = set()
    for some in in_lists(sorted(embedded)):
        wanted.update(
            connection.scalars(
                select(_I.image_key).where(_I.image_key.in_(some), ~_is_embedded(key))
            )
        )
    rows = [
        {
            "encoder_key": key,
            "image_key": image_key,
            "mean": pack_vector(embedded[image_key].mean),
            "novelty": embedded[image_key].novelty,
        }
        for image_key in sorted(wanted)
    ]
    if rows:
        connection.execute(insert(t.embeddings), rows)


def read_novelties(
    connection: Connection, encoder_id: str, image_keys: Sequence[int]
) -> list[float]:
    """Returns how novel some images are to an encoder, those that it has embedded."""
    key = find_encoder_key(connection, encoder_id)
    found: list[float] = []
    for some in in_lists(image_keys):
        wanted = (_E.encoder_key == key) & _E.image_key.in_(some)
        found.extend(connection.scalars(select(_E.novelty).where(wanted)))
    return found


def count_scope(connection: Connection, encoder_id: str, scope: Scope) -> ScopeCounts:
    """Returns how many images there are within a scope, and what an encoder lacks of them."""
    is_missing = ~_is_embedded(find_encoder_key(connection, encoder_id))
    missing = _count_images(connection, scope, is_missing)
    total = _count_images(connection, scope, true())
    lacking = _count_images(connection, scope, is_missing & _I.input_sha256.is_(None))
    return ScopeCounts(total, total - missing, lacking)


def _count_images(connection: Connection, scope: Scope, condition: ColumnElement[bool]) -> int:
    return connection.execute(
        select(func.count())
        .select_from(t.images)
        .join(t.products, _P.product_key == _I.product_key)
        .where(in_scope(scope), condition)
    ).scalar_one()


def _is_embedded(encoder_key: int | None) -> ColumnElement[bool]:
    return exists().where(_E.image_key == _I.image_key, _E.encoder_key == encoder_key)
