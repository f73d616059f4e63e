"""Reads and writes feature definitions and realisations inside a transaction; knows no fitting."""

from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from stylefacet.bundle import FeatureKind
from stylefacet.catalog import tables as t
from stylefacet.catalog.entities import FeatureDefinition, FeatureRealisation
from stylefacet.catalog.images import pack_vector, unpack_vector
from stylefacet.errors import EtagMismatch, ResourceExists, ResourceMissing

_F = t.features.c
_R = t.feature_realisations.c


def list_all(connection: Connection) -> list[FeatureDefinition]:
    """Returns every feature in order of name; a catalogue has tens of them."""
    return [_definition(row) for row in connection.execute(select(t.features).order_by(_F.name))]


def get(connection: Connection, name: str) -> FeatureDefinition:
    """Returns one definition.

    Raises: ResourceMissing.
    """
    row = connection.execute(select(t.features).where(_F.name == name)).one_or_none()
    if row is None:
        raise ResourceMissing("feature", name)
    return _definition(row)


def create(
    connection: Connection, feature: FeatureDefinition, sequence: int, now: datetime
) -> None:
    """Stores a new definition.

    Raises: ResourceExists.
    """
    taken = connection.scalar(select(_F.name).where(_F.name == feature.name))
    if taken is not None:
        raise ResourceExists("feature", feature.name, "choose another name or update it")
    connection.execute(
        insert(t.features).values(
            name=feature.name, create_time=now, **_values(feature, sequence, now)
        )
    )


def replace(
    connection: Connection, feature: FeatureDefinition, etag: str, sequence: int, now: datetime
) -> None:
    """Stores a changed definition.

    Raises: ResourceMissing; EtagMismatch when ``etag`` is given and not the stored one.
    """
    _check_etag(get(connection, feature.name), etag)
    connection.execute(
        update(t.features).where(_F.name == feature.name).values(**_values(feature, sequence, now))
    )


def delete_one(connection: Connection, name: str, etag: str) -> None:
    """Deletes a feature and its realisations.

    Raises: ResourceMissing, EtagMismatch.
    """
    _check_etag(get(connection, name), etag)
    connection.execute(delete(t.features).where(_F.name == name))


def write_realisation(
    connection: Connection, realisation: FeatureRealisation, encoder_key: int
) -> None:
    """Stores what a feature is under one encoder, in place of what it was."""
    connection.execute(
        delete(t.feature_realisations).where(
            _R.feature == realisation.feature, _R.encoder_key == encoder_key
        )
    )
    connection.execute(
        insert(t.feature_realisations).values(
            feature=realisation.feature,
            encoder_key=encoder_key,
            version=realisation.version,
            coordinate_count=realisation.matrix.shape[0],
            matrix=pack_vector(realisation.matrix),
            scale=realisation.scale,
            model=dict(realisation.model),
            examples_digest=get(connection, realisation.feature).examples_digest,
        )
    )


def list_realisations(
    connection: Connection, encoder_id: str, encoder_key: int | None
) -> list[FeatureRealisation]:
    """Returns every feature that one encoder has, in order of name."""
    rows = connection.execute(
        select(t.feature_realisations).where(_R.encoder_key == encoder_key).order_by(_R.feature)
    )
    return [
        FeatureRealisation(
            row.feature,
            encoder_id,
            row.version,
            unpack_vector(row.matrix).reshape(row.coordinate_count, -1),
            row.scale,
            row.model,
            row.examples_digest,
        )
        for row in rows
    ]


def _check_etag(stored: FeatureDefinition, etag: str) -> None:
    if etag and etag != stored.etag:
        raise EtagMismatch(f"features/{stored.name}")


def _values(feature: FeatureDefinition, sequence: int, now: datetime) -> dict[str, object]:
    return {
        "display_name": feature.display_name,
        "kind": feature.kind.value,
        "dimensions": list(feature.dimensions),
        "examples": [list(example) for example in feature.examples],
        "etag": f"{sequence:x}",
        "update_time": now,
        "description": feature.description,
    }


def _definition(row: Row[tuple[object, ...]]) -> FeatureDefinition:
    return FeatureDefinition(
        name=row.name,
        display_name=row.display_name,
        kind=FeatureKind(row.kind),
        dimensions=tuple(row.dimensions),
        examples=tuple((product_id, value) for product_id, value in row.examples),
        etag=row.etag,
        create_time=row.create_time,
        update_time=row.update_time,
        description=row.description,
    )
