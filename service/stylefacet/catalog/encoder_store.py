"""The encoders' part of the store: one transaction a method; knows no models and no pixels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from stylefacet.catalog import changes, encoders, features, operations
from stylefacet.catalog.assignment import Assignment, Scope
from stylefacet.catalog.database import Database
from stylefacet.catalog.encoders import (
    InstalledEncoder,
    KeptImage,
    ScopeCounts,
    Switch,
)
from stylefacet.catalog.entities import FeatureRealisation, ImageEmbedding
from stylefacet.catalog.statements import make_encoder_key
from stylefacet.errors import EncodersChanged

# Vectors deleted in one transaction, so that writers wait little.
_DROP_BATCH = 5000
# Images that may be embedded while all writers wait: a second's work at most.
_LAST_IMAGE_COUNT = 128

Embed = Callable[[str, Sequence[KeptImage]], Mapping[int, ImageEmbedding]]


@dataclass(frozen=True, slots=True)
class EncoderState:
    """Which encoder serves what since which commit; None before the first.

    ``coming`` are the assignments that operations under way are preparing.
    """

    sequence: int
    assignment: Assignment | None
    coming: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class WantedSwitch:
    """A change of which encoder serves what, as an operation prepared it.

    ``realisations`` are its features, made from the features as of ``feature_sequence``.
    """

    operation_id: str
    earlier: Assignment
    later: Assignment
    realisations: Sequence[FeatureRealisation]
    feature_sequence: int


class EncoderStore:
    """Installed bundles, assignments and the vectors that a switch needs. Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def state(self, switch_kind: str) -> EncoderState:
        """Returns which encoder serves what, and what operations of a kind are preparing."""
        with self._database.reading() as connection:
            return EncoderState(
                changes.read_encoder_sequence(connection),
                encoders.read_assignment(connection),
                tuple(_read_coming(connection, switch_kind)),
            )

    def mark(self, switch_kind: str) -> tuple[int, tuple[str, ...]]:
        """Returns what changes whenever `state` does, for less."""
        with self._database.glancing() as reader:
            return (
                changes.read_encoder_sequence(reader),
                operations.list_unfinished_ids(reader, switch_kind),
            )

    def list_switches(self) -> list[Switch]:
        """Returns every change of which encoder serves what, the latest first."""
        with self._database.reading() as connection:
            return encoders.read_switches(connection)

    # Bundles

    def install(self, encoder_id: str, files: Mapping[str, bytes]) -> bool:
        """Stores a bundle; returns False, and changes nothing, if the store has it."""
        with self._database.writing() as connection:
            changes.lock_counter(connection)
            return encoders.write_files(connection, encoder_id, files, self._now())

    def list_installed(self) -> list[InstalledEncoder]:
        """Returns the installed encoders in the order in which they came."""
        with self._database.reading() as connection:
            return encoders.list_installed(connection)

    def find_installed(self, encoder_id: str) -> InstalledEncoder | None:
        """Returns an installed encoder; None when it is not."""
        with self._database.reading() as connection:
            return next(iter(encoders.list_installed(connection, encoder_id)), None)

    def read_files(self, encoder_id: str) -> dict[str, bytes]:
        """Returns a bundle's files by name; none for one that is not installed."""
        with self._database.reading() as connection:
            return encoders.read_files(connection, encoder_id)

    def has_vectors(self, encoder_id: str) -> bool:
        """Returns whether any image has a vector of an encoder, installed or not."""
        with self._database.reading() as connection:
            return encoders.has_embeddings(connection, encoder_id)

    def delete(
        self,
        encoder_id: str,
        switch_kind: str,
        check: Callable[[Assignment | None, Sequence[Assignment]], None],
    ) -> int:
        """Deletes an encoder's bundle, features and vectors; returns how many vectors.

        ``check`` is shown which encoder serves what, now and after the operations under way, and
        may raise.
        """
        with self._database.writing() as connection:
            changes.lock_counter(connection)
            check(encoders.read_assignment(connection), _read_coming(connection, switch_kind))
            encoders.drop_files(connection, encoder_id)
        count = 0
        while True:
            with self._database.writing() as connection:
                changes.lock_counter(connection)
                dropped = encoders.drop_embeddings(connection, encoder_id, _DROP_BATCH)
            count += dropped
            if dropped < _DROP_BATCH:
                return count

    # What a switch takes

    def count(self, encoder_id: str, scope: Scope) -> ScopeCounts:
        """Returns how many images there are within a scope, and what an encoder lacks of them."""
        with self._database.reading() as connection:
            return encoders.count_scope(connection, encoder_id, scope)

    def list_missing(
        self, encoder_id: str, scope: Scope, after: int, limit: int
    ) -> list[KeptImage]:
        """Returns images that an encoder has not embedded and could, in order of key."""
        with self._database.reading() as connection:
            return encoders.list_missing(connection, encoder_id, scope, after, limit)

    def list_missing_of(self, product_ids: Sequence[str], encoder_id: str) -> list[KeptImage]:
        """Returns those of some products that an encoder has not embedded and could."""
        with self._database.reading() as connection:
            return encoders.list_missing_of(connection, product_ids, encoder_id)

    def list_inputs_of(
        self, product_ids: Sequence[str], scope: Scope, limit: int
    ) -> list[KeptImage]:
        """Returns the images of some products within a scope whose inputs were kept."""
        with self._database.reading() as connection:
            return encoders.list_inputs_of(connection, product_ids, scope, limit)

    def sample_inputs(self, scope: Scope, limit: int) -> list[KeptImage]:
        """Returns images drawn at random from a scope, the same ones while it stays the same."""
        with self._database.reading() as connection:
            return encoders.sample_inputs(connection, scope, limit)

    def read_novelties(self, encoder_id: str, image_keys: Sequence[int]) -> list[float]:
        """Returns how novel some images are to an encoder, those that it has embedded."""
        with self._database.reading() as connection:
            return encoders.read_novelties(connection, encoder_id, image_keys)

    def add_embeddings(self, encoder_id: str, embedded: Mapping[int, ImageEmbedding]) -> None:
        """Stores vectors by image key; those of images that are gone, or have one, are not.

        No change is recorded: they are found once the encoder serves the image's product.
        """
        with self._database.writing() as connection:
            changes.lock_counter(connection)
            encoders.add_embeddings(connection, encoder_id, embedded)

    def switch(self, wanted: WantedSwitch, embed: Embed) -> int | None:
        """Changes which encoder serves what, in one step for searches and writers.

        What was written since the encoders were brought up to date is embedded meanwhile, if it
        is little. Returns the sequence number; None if it is much, or features changed: come
        again. A switch that was made already is not made twice.

        Raises:
            OperationCancelled: when the operation is not to go on.
            EncodersChanged: when the present assignment is not the one to switch from.
        """
        with self._database.writing() as connection:
            changes.lock_counter(connection)
            present = encoders.read_assignment(connection)
            if present == wanted.later:
                return changes.read_encoder_sequence(connection)
            operations.check_wanted(connection, wanted.operation_id)
            if present != wanted.earlier:
                raise EncodersChanged
            if changes.read_sequences(connection).of_features != wanted.feature_sequence:
                return None
            for encoder_id in wanted.later.encoder_ids:
                scope = wanted.later.scope_of(encoder_id)
                missing = encoders.list_missing(
                    connection, encoder_id, scope, 0, _LAST_IMAGE_COUNT + 1
                )
                if len(missing) > _LAST_IMAGE_COUNT:
                    return None
                if missing:
                    encoders.add_embeddings(connection, encoder_id, embed(encoder_id, missing))
            for realisation in wanted.realisations:
                key = make_encoder_key(connection, realisation.encoder_id)
                features.write_realisation(connection, realisation, key)
            sequence = changes.next_sequence(connection, of_feature=True)
            encoders.write_assignment(connection, wanted.later)
            encoders.note_switch(connection, sequence, wanted.earlier, wanted.later, self._now())
            return sequence


def _read_coming(connection: Connection, switch_kind: str) -> list[Assignment]:
    """Returns the assignments that operations under way prepare."""
    requests = operations.list_unfinished_requests(connection, switch_kind)
    wanted = [request["later"] for request in requests if not request["validate_only"]]
    return [Assignment.from_json(document) for document in wanted]
