"""The features' half of the store: one transaction a method; knows nothing of fitting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from stylefacet.catalog import changes, encoders, features, requests
from stylefacet.catalog.database import Database
from stylefacet.catalog.entities import (
    PLAIN_WRITE,
    FeatureDefinition,
    FeatureRealisation,
    WriteTerms,
)
from stylefacet.catalog.limits import check_feature
from stylefacet.catalog.statements import find_encoder_key, make_encoder_key
from stylefacet.errors import EncodersChanged, ResourceMissing


class FeatureStore:
    """Feature definitions and what each is under each encoder. Thread-safe, as `Store` is."""

    def __init__(self, url: str, now: Callable[[], datetime]) -> None:
        self._database = Database(url)
        self._now = now

    def list_features(self) -> list[FeatureDefinition]:
        """Returns all definitions in order of name."""
        with self._database.reading() as connection:
            return features.list_all(connection)

    def get_feature(self, name: str) -> FeatureDefinition:
        """Returns one definition.

        Raises: ResourceMissing.
        """
        with self._database.reading() as connection:
            return features.get(connection, name)

    def find_feature(self, name: str) -> FeatureDefinition | None:
        """Returns one definition; None when there is none."""
        try:
            return self.get_feature(name)
        except ResourceMissing:
            return None

    def create_feature(
        self,
        feature: FeatureDefinition,
        realisation: FeatureRealisation | None,
        terms: WriteTerms = PLAIN_WRITE,
    ) -> FeatureDefinition:
        """Stores a new feature, with what it is under one encoder; sets its etag and times.

        Raises: InvalidField, ResourceExists; EncodersChanged for an encoder that does not serve.
        """
        check_feature(feature)
        now = self._now()

        def work(connection: Connection) -> None:
            sequence = changes.next_sequence(connection, of_feature=True)
            features.create(connection, feature, sequence, now)
            _write_realisation(connection, realisation)

        return self._write_feature(feature.name, work, now, terms)

    def update_feature(
        self,
        feature: FeatureDefinition,
        realisation: FeatureRealisation | None,
        etag: str = "",
        terms: WriteTerms = PLAIN_WRITE,
    ) -> FeatureDefinition:
        """Replaces a definition, and what it is under one encoder if given.

        Raises: InvalidField; ResourceMissing; EtagMismatch when ``etag`` is given and not the
        stored one; EncodersChanged for an encoder that does not serve.
        """
        check_feature(feature)
        now = self._now()

        def work(connection: Connection) -> None:
            sequence = changes.next_sequence(connection, of_feature=True)
            features.replace(connection, feature, etag, sequence, now)
            _write_realisation(connection, realisation)

        return self._write_feature(feature.name, work, now, terms)

    def delete_feature(self, name: str, etag: str = "", terms: WriteTerms = PLAIN_WRITE) -> int:
        """Deletes a feature under every encoder; returns the sequence number.

        Raises: ResourceMissing, EtagMismatch.
        """
        with self._writing(terms) as connection:

            def work() -> int:
                sequence = changes.next_sequence(connection, of_feature=True)
                features.delete_one(connection, name, etag)
                return sequence

            return requests.answer_once(connection, terms, self._now(), work, int, int)

    def is_repeated(self, terms: WriteTerms) -> bool:
        """Whether this very request was answered before.

        Raises: RequestIdReused.
        """
        if not terms.request_id:
            return False
        with self._database.reading() as connection:
            return requests.find_answer(connection, terms) is not None

    def list_realisations(self, encoder_id: str) -> list[FeatureRealisation]:
        """Returns what every feature is under one encoder, in order of name."""
        with self._database.reading() as connection:
            return features.list_realisations(
                connection, encoder_id, find_encoder_key(connection, encoder_id)
            )

    def _write_feature(
        self, name: str, work: Callable[[Connection], None], now: datetime, terms: WriteTerms
    ) -> FeatureDefinition:
        with self._writing(terms) as connection:

            def write() -> FeatureDefinition:
                work(connection)
                return features.get(connection, name)

            # Of a feature the name is kept, not the answer: its examples may be many.
            return requests.answer_once(
                connection,
                terms,
                now,
                write,
                lambda feature: feature.name,
                lambda known: features.get(connection, known),
            )

    @contextmanager
    def _writing(self, terms: WriteTerms) -> Iterator[Connection]:
        with self._database.writing(keep=not terms.validate_only) as connection:
            changes.lock_counter(connection)
            yield connection


def _write_realisation(connection: Connection, realisation: FeatureRealisation | None) -> None:
    if realisation is not None:
        serving = encoders.read_assignment(connection)
        if serving is not None and realisation.encoder_id not in serving.encoder_ids:
            raise EncodersChanged
        key = make_encoder_key(connection, realisation.encoder_id)
        features.write_realisation(connection, realisation, key)
