"""Lets another encoder serve, as the work of an operation; knows no RPC.

The new encoder's vectors are made from the kept inputs beside the old ones. What is missing is
always asked of the store, so the work goes on after a restart, at any server, from what is there;
nothing serves differently until the store has switched in one transaction.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import TypeVar

import numpy as np

from stylefacet.app.feature_shifts import F32, F64, FeatureShift, Heir, find_shifts
from stylefacet.app.features import MIN_POPULATION
from stylefacet.app.library import BundleLibrary
from stylefacet.app.operations import Task
from stylefacet.app.realms import EncoderSet
from stylefacet.app.switch_terms import SwitchTerms
from stylefacet.catalog.assignment import Assignment, Scope
from stylefacet.catalog.encoder_store import WantedSwitch
from stylefacet.catalog.encoders import KeptImage, ScopeCounts
from stylefacet.catalog.entities import FeatureRealisation, ImageEmbedding
from stylefacet.catalog.limits import check_category
from stylefacet.catalog.operations import JsonObject
from stylefacet.catalog.store import Store
from stylefacet.errors import (
    ImageUndecodable,
    InputsMissing,
    InvalidField,
    ResourceMissing,
    StylefacetError,
)
from stylefacet.features.moments import RunningMoments
from stylefacet.kept_inputs import unpack_pixels

_log = logging.getLogger(__name__)
T = TypeVar("T")
MAX_CATEGORY_COUNT = 200
# Images embedded between two commits, and two looks at whether to go on.
_BATCH = 32
# Images from which it is told how new the photos are to an encoder, and examples looked at, when
# nothing is to be changed.
_SAMPLE_COUNT = 200
_TRIED_EXAMPLE_COUNT = 2000
_BUSY_PAUSE_S = 1.0


class EncoderSwitch:
    """Does the work of operations that switch encoders: call it with a task. Thread-safe."""

    def __init__(
        self, store: Store, encoders: EncoderSet, library: BundleLibrary, pool: Executor
    ) -> None:
        self._store = store
        self._encoders = encoders
        self._library = library
        self._pool = pool

    def plan_activation(
        self, encoder_id: str, categories: Sequence[str]
    ) -> tuple[Assignment, Assignment]:
        """Returns which encoder serves what now, and after it has taken over.

        Raises:
            ResourceMissing: for an encoder that is not installed.
            BundleInvalid: for one that does not run here.
            InvalidField: for categories that are none.
        """
        if len(categories) > MAX_CATEGORY_COUNT:
            raise InvalidField("categories", f"at most {MAX_CATEGORY_COUNT}; or leave them out")
        if "" in categories:
            raise InvalidField("categories", "products without one are the default encoder's")
        for category in categories:
            check_category("categories", category)
        present = self._encoders.refresh().assignment
        encoder_id = present.default if encoder_id == "default" else encoder_id
        self._library.load(encoder_id)
        return present, present.changed(encoder_id, categories)

    def plan_rollback(self) -> tuple[Assignment, Assignment]:
        """Returns which encoder serves what now, and did before the latest switch.

        Raises:
            ResourceMissing: when there was none, or an encoder of then is not installed any more.
        """
        switches = self._store.encoders.list_switches()
        if not switches:
            raise ResourceMissing("switch", "the latest", "no other encoder ever served")
        later = switches[0].earlier
        for encoder_id in later.encoder_ids:
            self._library.load(encoder_id)
        return self._encoders.refresh().assignment, later

    def __call__(self, task: Task) -> JsonObject:
        """Switches, or tells what a switch would do; returns its report."""
        terms = SwitchTerms.from_json(task.request)
        # From now on photos that arrive are embedded by both.
        self._encoders.refresh()
        return _Run(self._store, self._encoders, self._library, self._pool, task, terms).run()


class _Run:
    """One switch under way; used once."""

    def __init__(
        self,
        store: Store,
        encoders: EncoderSet,
        library: BundleLibrary,
        pool: Executor,
        task: Task,
        terms: SwitchTerms,
    ) -> None:
        self._store = store
        self._encoders = encoders
        self._library = library
        self._pool = pool
        self._task = task
        self._terms = terms
        # Images whose inputs turned out to be damaged, by encoder.
        self._unreadable: dict[str, set[int]] = {heir: set() for heir in terms.heirs}
        self._samples: dict[str, list[KeptImage]] = {}
        self._seen: dict[str, dict[int, ImageEmbedding]] = {}
        self._done_count = 0

    def run(self) -> JsonObject:
        terms = self._terms
        counts = {heir: self._count(heir) for heir in terms.heirs}
        if terms.validate_only:
            shifts = {heir: self._find_shifts(heir, tried=True) for heir in terms.heirs}
            return self._report(counts, shifts, 0)
        while True:
            for heir in terms.heirs:
                self._embed_missing(heir)
                self._check_inputs(heir)
            self._task.report("fitting features", self._done_count, self._done_count, {})
            feature_sequence = self._store.feature_sequence()
            shifts = {heir: self._find_shifts(heir, tried=False) for heir in terms.heirs}
            self._task.check()
            self._task.report("switching", self._done_count, self._done_count, {})
            sequence = self._switch(shifts, feature_sequence)
            if sequence is not None:
                break
        self._encoders.refresh()
        return self._report(counts, shifts, sequence)

    def _switch(
        self, shifts: Mapping[str, Sequence[FeatureShift]], feature_sequence: int
    ) -> int | None:
        realisations = [
            shift.realisation for some in shifts.values() for shift in some if shift.realisation
        ]
        wanted = WantedSwitch(
            self._task.operation_id,
            self._terms.earlier,
            self._terms.later,
            realisations,
            feature_sequence,
        )
        return self._insist(lambda: self._store.encoders.switch(wanted, self._embed))

    def _count(self, heir: str) -> ScopeCounts:
        scope = self._terms.later.scope_of(heir)
        counts = self._store.encoders.count(heir, scope)
        may_go = self._terms.allow_missing_inputs or self._terms.validate_only
        if counts.lacking_input_count and not may_go:
            raise InputsMissing(heir, counts.lacking_input_count)
        return counts

    def _check_inputs(self, heir: str) -> None:
        if self._unreadable[heir] and not self._terms.allow_missing_inputs:
            raise InputsMissing(heir, len(self._unreadable[heir]))

    # Embedding

    def _embed_missing(self, heir: str) -> None:
        """Embeds what an heir is to serve and has not seen."""
        scope, after = self._terms.later.scope_of(heir), 0
        counts = self._store.encoders.count(heir, scope)
        total = self._done_count + counts.missing_count
        while images := self._store.encoders.list_missing(heir, scope, after, _BATCH):
            self._task.check()
            embedded = self._embed(heir, images)
            self._insist(lambda: self._store.encoders.add_embeddings(heir, embedded))  # noqa: B023
            after = images[-1].image_key
            self._done_count += len(images)
            self._task.report("embedding", self._done_count, max(total, self._done_count), {})

    def _embed(self, heir: str, images: Sequence[KeptImage]) -> dict[int, ImageEmbedding]:
        """Returns the vectors of kept inputs; a damaged one is noted and left out."""
        embedder = self._library.load(heir).embedder
        futures = [self._pool.submit(embedder.embed_kept, image.content) for image in images]
        embedded = {}
        for image, future in zip(images, futures, strict=True):
            try:
                embedded[image.image_key] = future.result()
            except ImageUndecodable as error:
                _log.warning(
                    "kept input unreadable", extra={"image": image.image_key, "cause": str(error)}
                )
                self._unreadable[heir].add(image.image_key)
        return embedded

    # What it does to photos and features

    def _novel_shares(self, heir: str) -> tuple[float, float]:
        """Returns the share of novel images before and after, of the sample."""
        sample, earlier = self._sample(heir), self._terms.earlier
        before: list[bool] = []
        for encoder_id in earlier.encoder_ids:
            mine = [i.image_key for i in sample if earlier.encoder_of(i.category) == encoder_id]
            before += self._are_novel(
                encoder_id, self._store.encoders.read_novelties(encoder_id, mine)
            )
        if self._terms.validate_only:
            seen = [embedding.novelty for embedding in self._seen_sample(heir).values()]
        else:
            keys = [image.image_key for image in sample]
            seen = self._store.encoders.read_novelties(heir, keys)
        after = self._are_novel(heir, seen)
        return sum(before) / max(len(before), 1), sum(after) / max(len(after), 1)

    def _are_novel(self, encoder_id: str, novelties: Sequence[float]) -> list[bool]:
        limit = self._library.load(encoder_id).encoder.manifest.novelty_p99
        return [novelty > limit for novelty in novelties]

    def _seen_sample(self, heir: str) -> dict[int, ImageEmbedding]:
        """Returns what an heir sees in its sample; nothing is stored."""
        if heir not in self._seen:
            self._seen[heir] = {}
            for start in range(0, len(self._sample(heir)), _BATCH):
                self._task.check()
                some = self._sample(heir)[start : start + _BATCH]
                self._task.report("looking at a sample", start, len(self._sample(heir)), {})
                self._seen[heir] |= self._embed(heir, some)
        return self._seen[heir]

    def _sample(self, heir: str) -> list[KeptImage]:
        if heir not in self._samples:
            scope = self._terms.later.scope_of(heir)
            self._samples[heir] = self._store.encoders.sample_inputs(scope, _SAMPLE_COUNT)
        return self._samples[heir]

    def _find_shifts(self, heir: str, tried: bool) -> list[FeatureShift]:
        manifest = self._library.load(heir).encoder.manifest
        before: dict[str, FeatureRealisation] = {}
        bundled_before: set[str] = set()
        for encoder_id in self._terms.predecessors(heir):
            earlier = self._library.load(encoder_id).encoder.manifest
            bundled_before |= {feature.name for feature in earlier.features}
            for realisation in self._store.list_realisations(encoder_id):
                before.setdefault(realisation.feature, realisation)
        scope = self._terms.later.scope_of(heir)
        return find_shifts(
            Heir(
                manifest,
                heir,
                self._covariance(heir, scope, tried),
                {r.feature: r for r in self._store.list_realisations(heir)},
                lambda ids: self._read_vectors(heir, scope, ids, tried),
            ),
            self._store.list_features(),
            before,
            sorted(bundled_before),
        )

    def _covariance(self, heir: str, scope: Scope, tried: bool) -> F64:
        """Returns the ``(d, d)`` covariance of what an heir will serve, as a feature's scale wants.

        Of a sample when nothing is to be changed, of the training photos while there are few.
        """
        moments = RunningMoments(self._library.load(heir).encoder.manifest.latent_dimension_count)
        if tried:
            for embedding in self._seen_sample(heir).values():
                moments.add(embedding.mean[None])
        else:
            for rows in self._store.all_image_rows(heir, scope):
                moments.add(rows.means)
        if moments.count < MIN_POPULATION:
            variances = self._library.load(heir).encoder.manifest.latent_variances
            return np.diag(np.array(variances, dtype=np.float64))
        return moments.covariance()

    def _read_vectors(
        self, heir: str, scope: Scope, product_ids: Sequence[str], tried: bool
    ) -> tuple[F32, list[str]]:
        keys = self._store.find_product_keys(product_ids)
        id_of = {key: product_id for product_id, key in keys.items()}
        d = self._library.load(heir).encoder.manifest.latent_dimension_count
        if not tried:
            rows = self._store.image_rows(keys.values(), heir, scope)
            if rows is None:
                return np.empty((0, d), np.float32), []
            return rows.means, [id_of[key] for key in rows.product_keys.tolist()]
        images = self._store.encoders.list_inputs_of(product_ids, scope, _TRIED_EXAMPLE_COUNT)
        means, owners = [np.empty((0, d), np.float32)], []
        for start in range(0, len(images), _BATCH):
            self._task.check()
            self._task.report("trying features", start, len(images), {})
            some = images[start : start + _BATCH]
            embedded = self._embed(heir, some)
            for image in some:
                if image.image_key in embedded:
                    means.append(embedded[image.image_key].mean[None])
                    owners.append(image.product_id)
        return np.concatenate(means), owners

    def _report(
        self,
        counts: Mapping[str, ScopeCounts],
        shifts: Mapping[str, Sequence[FeatureShift]],
        sequence: int,
    ) -> JsonObject:
        shares = {heir: self._novel_shares(heir) for heir in self._terms.heirs}
        return {
            "earlier": self._terms.earlier.to_json(),
            "later": self._terms.later.to_json(),
            "shifts": [
                {
                    "encoder": heir,
                    "image_count": counts[heir].image_count,
                    "embedded_count": counts[heir].embedded_count,
                    "lacking_input_count": counts[heir].lacking_input_count
                    + len(self._unreadable[heir]),
                    "enlarged_count": self._count_enlarged(heir, counts[heir]),
                    "novel_share_before": shares[heir][0],
                    "novel_share_after": shares[heir][1],
                    "sample_count": len(self._sample(heir)),
                }
                for heir in self._terms.heirs
            ],
            "features": [
                shift.to_json(heir) for heir in self._terms.heirs for shift in shifts[heir]
            ],
            "sequence": sequence,
        }

    def _count_enlarged(self, heir: str, counts: ScopeCounts) -> int:
        """Estimates how many inputs are smaller than an heir wants, of those it has to embed."""
        manifest, sample = self._library.load(heir).encoder.manifest, self._sample(heir)
        readable = [i for i in sample if i.image_key not in self._unreadable[heir]]
        sizes = [unpack_pixels(image.content).shape[:2] for image in readable]
        wanted = manifest.input_height_px, manifest.input_width_px
        smaller = sum(int(h < wanted[0] and w < wanted[1]) for h, w in sizes)
        return round(smaller / max(len(sample), 1) * counts.missing_count)

    def _insist(self, write: Callable[[], T]) -> T:
        """Repeats a write while the store is busy or away, unless the work is not wanted."""
        while True:
            try:
                return write()
            except StylefacetError as error:
                if error.retry_after_s is None:
                    raise
                self._task.check()
                time.sleep(_BUSY_PAUSE_S)
