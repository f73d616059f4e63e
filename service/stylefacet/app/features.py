"""The features that searches may weigh: those of the bundle and those made at run time; no RPC."""

import dataclasses
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from stylefacet.app.follower import IndexFollower
from stylefacet.bundle import FeatureKind, LatentBlock, Manifest
from stylefacet.catalog.entities import (
    PLAIN_WRITE,
    FeatureDefinition,
    FeatureRealisation,
    WriteTerms,
)
from stylefacet.catalog.store import Store
from stylefacet.errors import (
    FeatureBundled,
    InvalidField,
    ResourceExists,
    ResourceMissing,
)
from stylefacet.features.fitting import FittedFeature
from stylefacet.features.projection import Projection, dimensions_matrix, fit_scale
from stylefacet.search.index import SimilarityIndex

# With fewer images the catalogue is no population to take a scale from.
MIN_POPULATION = 20


@dataclass(frozen=True, slots=True)
class LiveFeature:
    """A feature as the active encoder realises it; ``model`` is what its fit left, if any."""

    name: str
    display_name: str
    kind: FeatureKind
    bundled: bool
    dimensions: tuple[int, ...]
    projection: Projection
    version: int = 1
    model: Mapping[str, object] = field(default_factory=dict)
    create_time: datetime | None = None
    update_time: datetime | None = None
    description: str = ""
    # Empty for a bundled feature: it never changes.
    etag: str = ""
    example_count: int = 0


@dataclass(frozen=True, slots=True)
class FeatureTexts:
    """What a feature is called."""

    name: str
    display_name: str = ""
    description: str = ""


class FeatureBook:
    """All features by name, in step with the store and with the index.

    Thread-safe. ``_lock`` guards the replacement of ``_features``; the mapping itself never
    changes, so readers need no lock.
    """

    def __init__(
        self,
        store: Store,
        index: SimilarityIndex,
        follower: IndexFollower,
        encoder_id: str,
        manifest: Manifest,
    ) -> None:
        self._store = store
        self._index = index
        self._follower = follower
        self._encoder_id = encoder_id
        self._manifest = manifest
        self._lock = threading.Lock()
        self._bundled = {feature.name: feature for feature in _bundled_features(manifest)}
        self._features: dict[str, LiveFeature] = {}
        self._sequence = -1

    def catch_up(self, target: int | None = None) -> None:
        """Follows the store: features that any server made are known here afterwards.

        A caller who has just read the number of the latest commit that changed a feature gives it
        as the ``target``; the store is asked if none is given.
        """
        if self._sequence >= (self._store.feature_sequence() if target is None else target):
            return
        with self._lock:
            sequence = self._store.feature_sequence()
            if self._sequence >= sequence:
                return
            live = self._bundled | self._read_created()
            self._index.set_features(
                {name: feature.projection.scaled_matrix() for name, feature in live.items()}
            )
            self._features, self._sequence = live, sequence

    def list_all(self) -> list[LiveFeature]:
        """Returns all features in order of name."""
        self.catch_up()
        return [self._features[name] for name in sorted(self._features)]

    def has(self, name: str) -> bool:
        """Whether there is such a feature under this encoder."""
        self.catch_up()
        return name in self._features

    def get(self, name: str) -> LiveFeature:
        """Returns one feature.

        Raises:
            ResourceMissing: with the names there are.
        """
        return self.select([name])[0]

    def select(self, names: Iterable[str], target: int | None = None) -> list[LiveFeature]:
        """Returns the features of those names, in their order, as of one look at the store.

        ``target`` is as in :meth:`catch_up`.

        Raises:
            ResourceMissing: for the first that is not there, with the names there are.
        """
        self.catch_up(target)
        features = self._features
        found = []
        for name in names:
            if name not in features:
                raise ResourceMissing("feature", name, self._hint(name))
            found.append(features[name])
        return found

    def _hint(self, name: str) -> str:
        if self._store.find_feature(name) is not None:
            return f"it is another encoder's; make it anew for encoder {self._encoder_id}"
        return f"there are {', '.join(sorted(self._features)[:12])}"

    def block_weights(self) -> dict[str, float]:
        """Returns the weights of a search that names none: every latent block once."""
        return {block.name: 1.0 for block in self._manifest.blocks}

    def create(
        self,
        texts: FeatureTexts,
        dimensions: Sequence[int],
        block_name: str,
        terms: WriteTerms = PLAIN_WRITE,
    ) -> LiveFeature:
        """Makes a feature of latent dimensions, or of the whole block of that name.

        Raises:
            InvalidField: unless exactly one of the two is given, and known.
            ResourceExists: for a name that is taken.
            FeatureNotCarried: when the catalogue hardly differs in it.
        """
        name = texts.name
        if self._store.is_repeated(terms):
            return self.get(name)
        if bool(dimensions) == bool(block_name):
            raise InvalidField("dimensions", "give either latent dimensions or a block")
        if block_name:
            block = self._find_block(block_name)
            dimensions = range(block.start, block.end)
        self.check_name_free(name)
        self.catch_up()
        if name in self._features:
            raise ResourceExists("feature", name, "choose another name or update it")
        matrix = dimensions_matrix(dimensions, self._manifest.latent_dimension_count)
        scale = fit_scale(name, matrix, self.covariance())
        definition = _definition(texts, FeatureKind.DIMENSIONS, tuple(dimensions))
        realisation = FeatureRealisation(name, self._encoder_id, 1, matrix, scale, {})
        return self._put(definition, realisation, terms)

    def delete(self, name: str, etag: str = "", terms: WriteTerms = PLAIN_WRITE) -> None:
        """Deletes a feature made at run time.

        Raises:
            FeatureBundled: for one of the bundle; ResourceMissing for one that is not there.
            EtagMismatch
        """
        self.check_changeable(name)
        self._store.delete_feature(name, etag, terms)
        self.catch_up()

    def put_fitted(
        self,
        texts: FeatureTexts,
        examples: tuple[tuple[str, str], ...],
        fitted: FittedFeature,
        terms: WriteTerms = PLAIN_WRITE,
    ) -> LiveFeature:
        """Stores a fitted feature, in place of the one of that name made at run time.

        Raises:
            ResourceExists: for the name of a bundled feature.
        """
        self.check_name_free(texts.name)
        self.catch_up()
        definition = _definition(texts, FeatureKind.PROJECTION, (), examples)
        realisation = self.realise(texts.name, fitted.projection, fitted.to_model())
        return self._put(definition, realisation, terms)

    def _put(
        self, definition: FeatureDefinition, realisation: FeatureRealisation, terms: WriteTerms
    ) -> LiveFeature:
        """Stores a feature of this encoder's, in place of one of that name, whoever's it is."""
        known = self._store.find_feature(definition.name)
        is_others = known is not None and definition.name not in self._features
        if known is not None and is_others and known.kind is not definition.kind:
            raise ResourceExists("feature", known.name, "another encoder has one of that name")
        if known is None:
            stored = self._store.create_feature(definition, realisation, terms)
        else:
            stored = self._store.update_feature(definition, realisation, terms=terms)
        return self._written(stored, realisation, terms)

    def replace(
        self,
        definition: FeatureDefinition,
        realisation: FeatureRealisation | None,
        terms: WriteTerms,
    ) -> LiveFeature:
        """Stores a changed definition, and its new realisation unless that stays.

        Raises:
            EtagMismatch: when the definition changed since it was read.
        """
        stored = self._store.update_feature(definition, realisation, definition.etag, terms)
        if terms.validate_only and realisation is None:
            return dataclasses.replace(
                self.get(stored.name),
                display_name=stored.display_name,
                description=stored.description,
                etag="",
            )
        return self._written(stored, realisation, terms)

    def realise(
        self, name: str, projection: Projection, model: Mapping[str, object]
    ) -> FeatureRealisation:
        """Returns the next version of a feature under this encoder, not stored yet."""
        self.catch_up()
        earlier = self._features.get(name)
        version = earlier.version + 1 if earlier else 1
        return FeatureRealisation(
            name, self._encoder_id, version, projection.matrix, projection.scale, model
        )

    def _written(
        self, stored: FeatureDefinition, realisation: FeatureRealisation | None, terms: WriteTerms
    ) -> LiveFeature:
        if terms.validate_only and realisation is not None:
            return dataclasses.replace(_live(stored, realisation), etag="")
        return self.get(stored.name)

    def covariance(self) -> npt.NDArray[np.float64]:
        """Returns the ``(d, d)`` covariance of the catalogue, or of the training photos."""
        self._follower.catch_up()
        moments = self._index.moments()
        if moments.count >= MIN_POPULATION:
            return moments.covariance
        return np.diag(np.array(self._manifest.latent_variances, dtype=np.float64))

    def check_name_free(self, name: str) -> None:
        """Refuses a name that the bundle has.

        Raises:
            ResourceExists
        """
        if name in self._bundled:
            raise ResourceExists("feature", name, "it comes with the encoder; choose another name")

    def check_changeable(self, name: str) -> None:
        """Refuses a feature that the bundle has.

        Raises:
            FeatureBundled
        """
        if name in self._bundled:
            raise FeatureBundled(name)

    def _find_block(self, name: str) -> LatentBlock:
        for block in self._manifest.blocks:
            if block.name == name:
                return block
        known = ", ".join(block.name for block in self._manifest.blocks)
        raise InvalidField("block", f"there is no block {name!r}; the encoder has {known}")

    def _read_created(self) -> dict[str, LiveFeature]:
        definitions = {feature.name: feature for feature in self._store.list_features()}
        return {
            realisation.feature: _live(definitions[realisation.feature], realisation)
            for realisation in self._store.list_realisations(self._encoder_id)
            if realisation.feature in definitions and realisation.feature not in self._bundled
        }


def _bundled_features(manifest: Manifest) -> list[LiveFeature]:
    return [
        LiveFeature(
            name=feature.name,
            display_name=feature.display_name,
            kind=feature.kind,
            bundled=True,
            dimensions=_selected(feature.matrix),
            projection=Projection(np.array(feature.matrix, dtype=np.float32), feature.scale),
            create_time=datetime.fromisoformat(manifest.train_time),
        )
        for feature in manifest.features
    ]


def _selected(matrix: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """Returns the dimensions that a matrix selects; empty when it mixes them."""
    if all(sorted(row)[-2:] == [0.0, 1.0] and sum(map(abs, row)) == 1 for row in matrix):
        return tuple(row.index(1.0) for row in matrix)
    return ()


def _live(definition: FeatureDefinition, realisation: FeatureRealisation) -> LiveFeature:
    return LiveFeature(
        name=definition.name,
        display_name=definition.display_name,
        kind=definition.kind,
        bundled=False,
        # Those of this encoder: the definition has the ones that were named last.
        dimensions=(
            _selected(realisation.matrix.tolist())
            if definition.kind is FeatureKind.DIMENSIONS
            else ()
        ),
        projection=Projection(realisation.matrix, realisation.scale),
        version=realisation.version,
        model=realisation.model,
        create_time=definition.create_time,
        update_time=definition.update_time,
        description=definition.description,
        etag=definition.etag,
        example_count=len(definition.examples),
    )


def _definition(
    texts: FeatureTexts,
    kind: FeatureKind,
    dimensions: tuple[int, ...] = (),
    examples: tuple[tuple[str, str], ...] = (),
) -> FeatureDefinition:
    # The store sets the etag and the times.
    unset = datetime.min.replace(tzinfo=UTC)
    return FeatureDefinition(
        texts.name,
        texts.display_name,
        kind,
        dimensions,
        examples,
        "",
        unset,
        unset,
        texts.description,
    )
