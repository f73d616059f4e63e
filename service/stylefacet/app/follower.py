"""Keeps the index in step with the store; knows no RPC and no ranking."""

import logging
import threading
import time

import numpy as np

from stylefacet.catalog.assignment import EVERYTHING, Scope
from stylefacet.catalog.entities import ImageRows
from stylefacet.catalog.store import Store
from stylefacet.errors import ChangeNotSeen
from stylefacet.search.index import SimilarityIndex
from stylefacet.search.rows import Items

# How often a caller who waits for a change looks whether it has come.
_LOOK_EVERY_S = 0.05
_log = logging.getLogger(__name__)


class IndexFollower:
    """Brings an index up to the store's latest commit, whoever made it.

    Thread-safe. ``_lock`` lets one thread follow at a time; the others wait for it and then find
    nothing left to do.
    """

    def __init__(
        self,
        store: Store,
        index: SimilarityIndex,
        encoder_id: str,
        scope: Scope = EVERYTHING,
    ) -> None:
        """Makes a follower of the products within a scope, by the vectors of an encoder."""
        self._store = store
        self._index = index
        self._encoder_id = encoder_id
        self._scope = scope
        self._lock = threading.Lock()

    def load(self) -> None:
        """Fills an empty index with everything the store has."""
        with self._lock:
            # Read before the rows: what is committed meanwhile is then seen again as a change.
            sequence = self._store.sequence()
            for rows in self._store.all_image_rows(self._encoder_id, self._scope):
                self._index.add(_items(rows), 0)
            self._index.replace(np.empty(0, np.int64), None, sequence)
            _log.info("index loaded", extra={"images": self._index.image_count})

    def catch_up(self, target: int | None = None) -> int:
        """Follows the store to a commit, its latest if none is given; returns the number."""
        if target is None:
            target = self._store.sequence()
        if self._index.sequence >= target:
            return target
        with self._lock:
            while self._index.sequence < target:
                changes = self._store.changes_since(self._index.sequence)
                if not changes:
                    # The commit changed no product, such as one of a feature.
                    self._index.replace(np.empty(0, np.int64), None, target)
                    break
                keys = np.array([change.product_key for change in changes], dtype=np.int64)
                rows = self._store.image_rows(keys.tolist(), self._encoder_id, self._scope)
                items = None if rows is None else _items(rows)
                self._index.replace(keys, items, changes[-1].sequence)
        return target

    def wait_for(self, sequence: int, timeout_s: float) -> None:
        """Returns once the index has followed the store to a sequence number.

        A store that is read from a copy may be behind the one that gave the number.

        Raises:
            ChangeNotSeen: when the time is over.
        """
        deadline = time.monotonic() + timeout_s
        while (seen := self.catch_up()) < sequence:
            if time.monotonic() + _LOOK_EVERY_S > deadline:
                raise ChangeNotSeen(sequence, seen)
            time.sleep(_LOOK_EVERY_S)


def _items(rows: ImageRows) -> Items:
    return Items(rows.image_keys, rows.product_keys, rows.style_keys, rows.means)
