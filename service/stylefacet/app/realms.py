"""What serves the products of each encoder, and which encoder that is at present; knows no RPC.

A realm is all that works under one encoder: its vectors, their index, the features. A snapshot
names the realm of every category; it never changes, so whoever holds one sees one state of affairs
to the end. When the store says that another encoder serves, new realms are built beside the old
ones, which go on answering, and the next snapshot takes their place.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stylefacet.app.adjustments import QueryAdjuster
from stylefacet.app.comparison import ProductComparison
from stylefacet.app.duplicates import DuplicateSearch
from stylefacet.app.export import FeatureExport
from stylefacet.app.features import FeatureBook
from stylefacet.app.fitting import FeatureFitting
from stylefacet.app.follower import IndexFollower
from stylefacet.app.library import BundleLibrary, LoadedEncoder
from stylefacet.app.operations import Task, Work
from stylefacet.app.photos import PhotoEmbedder
from stylefacet.app.pictures import PictureMaker
from stylefacet.app.population import Population
from stylefacet.app.routing import best_suited
from stylefacet.app.similarity import SimilaritySearch
from stylefacet.app.vectors import VectorReader
from stylefacet.bundle import Manifest
from stylefacet.catalog.assignment import Assignment, Scope
from stylefacet.catalog.operations import JsonObject
from stylefacet.catalog.store import Store
from stylefacet.errors import (
    EncoderMismatch,
    EncodersMixed,
    InvalidField,
    ResourceMissing,
    StylefacetError,
)
from stylefacet.inference import EmbeddedPhoto
from stylefacet.search.index import SimilarityIndex

_log = logging.getLogger(__name__)
SWITCH_KIND = "switch-encoder"
# How often a server looks whether another encoder serves, or is to; and after a failure.
_LOOK_EVERY_S = 0.25
_RETRY_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class Realm:
    """The use cases under one encoder, over the products it serves."""

    loaded: LoadedEncoder
    scope: Scope
    index: SimilarityIndex
    follower: IndexFollower
    features: FeatureBook
    fitting: FeatureFitting
    vectors: VectorReader
    population: Population
    similarity: SimilaritySearch
    adjuster: QueryAdjuster
    comparison: ProductComparison
    pictures: PictureMaker
    export: FeatureExport
    duplicates: DuplicateSearch

    @property
    def encoder_id(self) -> str:
        """The encoder."""
        return self.loaded.encoder.id

    @property
    def manifest(self) -> Manifest:
        """What its bundle says of itself."""
        return self.loaded.encoder.manifest

    @property
    def embedder(self) -> PhotoEmbedder:
        """What embeds photos by it."""
        return self.loaded.embedder

    def load(self) -> None:
        """Fills the index from the store."""
        self.follower.load()
        self.features.catch_up()


def build_realm(store: Store, loaded: LoadedEncoder, scope: Scope) -> Realm:
    """Returns a realm whose index is empty still."""
    encoder_id, manifest = loaded.encoder.id, loaded.encoder.manifest
    embedder = loaded.embedder
    index = SimilarityIndex(manifest.latent_dimension_count)
    follower = IndexFollower(store, index, encoder_id, scope)
    features = FeatureBook(store, index, follower, encoder_id, manifest)
    vectors = VectorReader(store, embedder)
    population = Population(index, follower, manifest)
    return Realm(
        loaded,
        scope,
        index,
        follower,
        features,
        FeatureFitting(store, features, embedder, scope),
        vectors,
        population,
        SimilaritySearch(store, index, follower, features, embedder, scope),
        QueryAdjuster(features, vectors),
        ProductComparison(store, features, vectors, population),
        PictureMaker(encoder_id, loaded.decoder, features, population),
        FeatureExport(store, features, encoder_id, scope),
        DuplicateSearch(store, index, follower, features, encoder_id),
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which encoder serves what, as of one look at the store.

    ``coming`` are assignments that operations prepare, with the embedders of their encoders.
    """

    assignment: Assignment
    realms: Mapping[str, Realm]
    coming: tuple[tuple[Assignment, Mapping[str, PhotoEmbedder]], ...] = ()

    @property
    def default(self) -> Realm:
        """The realm of every category that no other encoder serves."""
        return self.realms[self.assignment.default]

    @property
    def all(self) -> list[Realm]:
        """The realms, the default one first."""
        return [self.realms[encoder_id] for encoder_id in self.assignment.encoder_ids]

    def of_category(self, category: str) -> Realm:
        """Returns the realm of the products of a category."""
        return self.realms[self.assignment.encoder_of(category)]

    def of_encoder(self, encoder_id: str, subject: str = "the request") -> Realm:
        """Returns the realm of an encoder that serves; ``default`` is the default one.

        Raises:
            EncoderMismatch: for one that does not.
        """
        if encoder_id == "default":
            return self.default
        if encoder_id not in self.realms:
            # One that is not installed is as unknown here as one that does not serve.
            serving = ", ".join(self.assignment.encoder_ids)
            raise EncoderMismatch(subject, encoder_id, serving, "name one that serves")
        return self.realms[encoder_id]

    def only(self, field: str) -> Realm:
        """Returns the one realm there is, for a request that does not say which.

        Raises:
            InvalidField: when there are several.
        """
        if len(self.realms) > 1:
            names = ", ".join(f"encoders/{id}" for id in self.assignment.encoder_ids)
            raise InvalidField(
                field, f"say which: the catalogue is seen by {len(self.realms)} encoders, {names}"
            )
        return self.default

    def route(self, content: bytes) -> tuple[Realm, EmbeddedPhoto]:
        """Returns the realm whose encoder suits a photo best, and what that sees in it.

        Raises:
            ImageUndecodable, ImageTooLarge
        """
        seen = [(realm, realm.embedder.embed(content)) for realm in self.all]
        return seen[best_suited([(realm.loaded, photo) for realm, photo in seen])]

    def embedders_to_come(self, category: str) -> list[PhotoEmbedder]:
        """Returns what a photo of a category is to be embedded by besides, for the days to come."""
        serving = self.assignment.encoder_of(category)
        wanted = {
            assignment.encoder_of(category): embedders for assignment, embedders in self.coming
        }
        return [
            embedders[encoder_id]
            for encoder_id, embedders in sorted(wanted.items())
            if encoder_id != serving and encoder_id in embedders
        ]


class EncoderSet:
    """The snapshot in force, kept in step with the store. Thread-safe.

    ``_lock`` lets one thread build the next snapshot; it is replaced whole, so readers need none.
    """

    def __init__(self, store: Store, library: BundleLibrary) -> None:
        self._store = store
        self._library = library
        self._lock = threading.Lock()
        self._mark: tuple[int, tuple[str, ...]] | None = None
        self._snapshot: Snapshot | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="encoders", daemon=True)

    @property
    def current(self) -> Snapshot:
        """The snapshot in force."""
        assert self._snapshot is not None
        return self._snapshot

    @property
    def loaded(self) -> Snapshot | None:
        """The snapshot in force; None before the first."""
        return self._snapshot

    def start(self) -> None:
        """Follows the store from now on, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stops following."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def refresh(self) -> Snapshot:
        """Follows the store to its present state; returns the snapshot.

        Raises:
            ResourceMissing, BundleInvalid: when an encoder that serves cannot be loaded.
        """
        with self._lock:
            mark = self._store.encoders.mark(SWITCH_KIND)
            if mark != self._mark or self._snapshot is None:
                self._snapshot = self._build(self._snapshot)
                self._mark = mark
            return self._snapshot

    def seen(self, sequence: int, timeout_s: float) -> Snapshot:
        """Returns a snapshot that is not older than a change of the catalogue.

        Raises:
            InvalidField: for a negative number; ChangeNotSeen when the time is over.
        """
        if sequence:
            self.current.default.similarity.wait_for(sequence, timeout_s)
            if self._store.encoders.mark(SWITCH_KIND) != self._mark:
                return self.refresh()
        return self.current

    def _build(self, earlier: Snapshot | None) -> Snapshot:
        state = self._store.encoders.state(SWITCH_KIND)
        assert state.assignment is not None
        assignment = state.assignment
        realms: dict[str, Realm] = {}
        for encoder_id in assignment.encoder_ids:
            scope = assignment.scope_of(encoder_id)
            known = earlier.realms.get(encoder_id) if earlier else None
            if known is not None and known.scope == scope:
                realms[encoder_id] = known
                continue
            realms[encoder_id] = build_realm(self._store, self._library.load(encoder_id), scope)
            realms[encoder_id].load()
        if earlier is None or earlier.assignment != assignment:
            serving = {"encoders": ", ".join(assignment.encoder_ids)}
            _log.info("encoders serve", extra=serving | {"sequence": state.sequence})
        coming = tuple((a, self._embedders(a, assignment)) for a in state.coming)
        return Snapshot(assignment, realms, coming)

    def _embedders(self, coming: Assignment, present: Assignment) -> dict[str, PhotoEmbedder]:
        """Returns what embeds by the encoders to come; one that cannot be loaded is left out.

        Then the operation that prepares it fills in what is missing, or fails.
        """
        found = {}
        for encoder_id in set(coming.encoder_ids):
            try:
                found[encoder_id] = self._library.load(encoder_id).embedder
            except StylefacetError:
                _log.warning("encoder not loaded", extra={"encoder": encoder_id}, exc_info=True)
        return found

    def _watch(self) -> None:
        pause_s = _LOOK_EVERY_S
        while not self._stopping.wait(pause_s):
            pause_s = _LOOK_EVERY_S
            try:
                if self._store.encoders.mark(SWITCH_KIND) != self._mark:
                    self.refresh()
                # A night's import is not left to the first search of the morning.
                for realm in self.current.all:
                    realm.follower.catch_up()
            except Exception:  # the store is away, or a bundle does not run: asked again
                _log.warning("encoders not followed", exc_info=True)
                pause_s = _RETRY_AFTER_S


def duplicates_work(encoders: EncoderSet) -> Work:
    """Returns the work of operations that find near duplicates among one encoder's products."""

    def find(task: Task) -> JsonObject:
        # Operations of an earlier release named none.
        encoder_id = str(task.request.get("encoder_id") or "default")
        return encoders.current.of_encoder(encoder_id, "the search").duplicates(task)

    return find


def embed_query(snapshot: Snapshot, content: bytes, category: str) -> tuple[Realm, EmbeddedPhoto]:
    """Returns the realm that a photo is to be looked at in, and what its encoder sees in it.

    Without a category it is the one whose encoder suits the photo best.

    Raises:
        ImageUndecodable, ImageTooLarge
    """
    if category or len(snapshot.realms) == 1:
        realm = snapshot.of_category(category)
        return realm, realm.embedder.embed(content)
    return snapshot.route(content)


def realm_of_product(snapshot: Snapshot, store: Store, product_id: str) -> Realm:
    """Returns the realm that a stored product belongs to.

    Raises:
        ResourceMissing: unless there is but one realm, which knows its products itself.
    """
    if len(snapshot.realms) == 1:
        return snapshot.default
    found = store.find_categories([product_id])
    if product_id not in found:
        raise ResourceMissing("product", product_id)
    return snapshot.of_category(found[product_id])


def realm_of_products(snapshot: Snapshot, store: Store, product_ids: Sequence[str]) -> Realm:
    """Returns the realm that stored products belong to, all of them; unknown ones are passed over.

    Raises:
        EncodersMixed: when they belong to several.
    """
    if len(snapshot.realms) == 1:
        return snapshot.default
    found = store.find_categories(product_ids)
    encoder_of = {id: snapshot.assignment.encoder_of(found[id]) for id in found}
    first_of = {encoder_id: id for id, encoder_id in reversed(encoder_of.items())}
    if len(first_of) > 1:
        raise EncodersMixed({f"products/{id}": encoder for encoder, id in first_of.items()})
    return snapshot.realms[next(iter(first_of))] if first_of else snapshot.default
