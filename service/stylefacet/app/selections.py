"""Remembers which products pass a filter until the store changes; knows no RPC and no ranking."""

import threading
from collections import OrderedDict

from stylefacet.catalog.filter import parse_filter
from stylefacet.catalog.store import Store
from stylefacet.search.rows import Keys

# A selection takes 8 bytes a product: eight of all of a million.
_MAX_BYTES = 64 * 2**20


class FilterSelections:
    """The product keys that pass each filter, the latest asked for first to be kept.

    Thread-safe; ``_lock`` guards what is kept, and is not held while the store is asked.
    """

    def __init__(self, store: Store, max_bytes: int = _MAX_BYTES) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._sequence = -1
        self._kept: OrderedDict[str, Keys] = OrderedDict()

    def select(self, filter_text: str, sequence: int) -> Keys | None:
        """Returns the product keys that pass a filter, ascending; none means all.

        ``sequence`` is the store's latest: what was kept of an earlier one is forgotten.

        Raises:
            InvalidField: for a bad filter.
        """
        text = filter_text.strip()
        if not text:
            return None
        with self._lock:
            if sequence > self._sequence:
                self._kept.clear()
                self._sequence = sequence
            if sequence == self._sequence and text in self._kept:
                self._kept.move_to_end(text)
                return self._kept[text]
        keys = self._store.select_product_keys(parse_filter(text))
        keys.flags.writeable = False
        with self._lock:
            if sequence == self._sequence and keys.nbytes <= self._max_bytes:
                self._kept[text] = keys
                while sum(kept.nbytes for kept in self._kept.values()) > self._max_bytes:
                    self._kept.popitem(last=False)
        return keys
