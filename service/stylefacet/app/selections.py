"""Remembers which products pass a filter and follows the store; knows no RPC and no ranking."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from stylefacet.catalog.filter import Node, matches, parse_filter
from stylefacet.catalog.store import Store
from stylefacet.search.rows import Keys

# A selection takes 8 bytes a product: eight of all of a million.
_MAX_BYTES = 64 * 2**20
# With more changes than these it takes as long to look at each as to select anew.
_MAX_CHANGE_COUNT = 1000


@dataclass(frozen=True, slots=True)
class _Selection:
    """The keys of the products that pass a filter, ascending, as of a sequence number."""

    sequence: int
    keys: Keys


class FilterSelections:
    """The product keys that pass each filter, the latest asked for first to be kept.

    Thread-safe; ``_lock`` guards what is kept, and is not held while the store is asked.
    """

    def __init__(self, store: Store, max_bytes: int = _MAX_BYTES) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Selection] = OrderedDict()

    def select(self, filter_text: str, sequence: int) -> Keys | None:
        """Returns the product keys that pass a filter, ascending; none means all.

        They are those of the store at ``sequence`` or later. Of what is kept, only the products
        that changed since are looked at again.

        Raises:
            InvalidField: for a bad filter.
        """
        text = filter_text.strip()
        if not text:
            return None
        with self._lock:
            kept = self._kept.get(text)
            if kept is not None:
                self._kept.move_to_end(text)
        if kept is not None and kept.sequence >= sequence:
            return kept.keys
        node = parse_filter(text)
        assert node is not None  # the text is not blank
        found = None if kept is None else self._followed(kept, node)
        if found is None:
            found = _Selection(*self._store.select_product_keys(node))
        found.keys.flags.writeable = False
        self._keep(text, found)
        return found.keys

    def _followed(self, kept: _Selection, node: Node) -> _Selection | None:
        """Returns a selection as of now; None when too much has changed since."""
        changed = self._store.changed_products(kept.sequence, _MAX_CHANGE_COUNT)
        if changed is None:
            return None
        keys = np.sort(np.array(changed.keys, np.int64))
        passing = [key for key, product in changed.products.items() if matches(node, product)]
        places = np.searchsorted(kept.keys, keys)
        known = kept.keys.take(places, mode="clip") == keys if len(kept.keys) else places < 0
        others = np.delete(kept.keys, places[known])
        added = np.sort(np.array(passing, np.int64))
        return _Selection(
            changed.sequence, np.insert(others, np.searchsorted(others, added), added)
        )

    def _keep(self, text: str, found: _Selection) -> None:
        with self._lock:
            kept = self._kept.get(text)
            is_newer = kept is None or kept.sequence < found.sequence
            if is_newer and found.keys.nbytes <= self._max_bytes:
                self._kept[text] = found
                while sum(each.keys.nbytes for each in self._kept.values()) > self._max_bytes:
                    self._kept.popitem(last=False)
