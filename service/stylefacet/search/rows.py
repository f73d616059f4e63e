"""Which row of the index is which image of which product; knows nothing of vectors or features."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.search.growing import GrowingArray

Keys = npt.NDArray[np.int64]

_NONE = -1


@dataclass(frozen=True, slots=True)
class Items:
    """Images to index, in columns; row ``i`` of each belongs together.

    ``image_keys``, ``product_keys`` and ``group_keys`` are ``(n,) int64``, ``means`` is
    ``(n, d) float32`` and finite. Product keys are not negative and small, as a database numbers
    rows: a table is as long as the largest. Products with one group key belong together (a style).
    """

    image_keys: Keys
    product_keys: Keys
    group_keys: Keys
    means: npt.NDArray[np.float32]


class RowTable:
    """Keys of each row, and the rows of each product. Not thread-safe: the index guards it.

    Rows of a product form a chain: ``_first[product]`` is its newest row, ``_next[row]`` the one
    before. Rows are only ever appended; a removed one is dead until the index is rebuilt.
    """

    def __init__(self) -> None:
        self._image_keys = GrowingArray(np.int64)
        self._product_keys = GrowingArray(np.int64)
        self._group_keys = GrowingArray(np.int64)
        self._next = GrowingArray(np.int64)
        self._alive = GrowingArray(np.bool_)
        self._has_chains = False
        self._first: Keys = np.full(0, _NONE, np.int64)
        # In no order; replaced, never changed, so that a search may keep it.
        self.dead: Keys = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._alive.values)

    @property
    def image_keys(self) -> Keys:
        """The image key of each row, dead ones included."""
        return self._image_keys.values

    @property
    def product_keys(self) -> Keys:
        """The product key of each row, dead ones included."""
        return self._product_keys.values

    @property
    def group_keys(self) -> Keys:
        """The group key of each row, dead ones included."""
        return self._group_keys.values

    @property
    def alive(self) -> npt.NDArray[np.bool_]:
        """Whether each row still counts."""
        return self._alive.values

    def append(self, items: Items) -> None:
        """Adds a row for each item, numbered from the present length on."""
        start, keys = len(self), items.product_keys
        if len(keys) == 0:
            return
        self._grow_first(int(keys.max()) + 1)
        order = np.argsort(keys, kind="stable")
        ordered, rows = keys[order], start + order
        is_first = np.r_[True, ordered[1:] != ordered[:-1]]
        is_last = np.r_[is_first[1:], True]
        previous = np.where(is_first, self._first[ordered], np.r_[_NONE, rows[:-1]])
        chain = np.empty(len(keys), np.int64)
        chain[order] = previous
        self._has_chains = self._has_chains or bool((previous != _NONE).any())
        self._first[ordered[is_last]] = rows[is_last]
        self._next.extend(chain)
        self._image_keys.extend(items.image_keys)
        self._product_keys.extend(keys)
        self._group_keys.extend(items.group_keys)
        self._alive.extend(np.ones(len(keys), np.bool_))

    def remove(self, product_keys: Keys) -> None:
        """Marks all rows of some products, ascending keys, dead; unknown ones are passed over."""
        rows = self.rows_of(product_keys)
        self._alive.values[rows] = False
        self._first[product_keys[product_keys < len(self._first)]] = _NONE
        self.dead = np.concatenate([self.dead, rows])

    def rows_of(self, product_keys: Keys) -> Keys:
        """Returns the live rows of some products, ascending keys; the rows are in no order."""
        if not len(product_keys):
            return product_keys
        # Looking costs less than a copy, and what a store names is mostly all there.
        if product_keys[0] < 0 or product_keys[-1] >= len(self._first):
            is_known = (product_keys >= 0) & (product_keys < len(self._first))
            product_keys = product_keys[is_known]
        rows = self._first.take(product_keys)
        found = [rows := _without_none(rows)]
        # Most catalogues have one image a product: then there are no chains to follow.
        while self._has_chains and len(rows):
            found.append(rows := _without_none(self._next.values.take(rows)))
        return np.concatenate(found) if len(found) > 1 else rows

    def live_rows(self) -> Keys:
        """Returns all rows that still count, ascending."""
        return np.flatnonzero(self.alive)

    def _grow_first(self, length: int) -> None:
        if length > len(self._first):
            grown = np.full(max(length, 2 * len(self._first)), _NONE, np.int64)
            grown[: len(self._first)] = self._first
            self._first = grown


def _without_none(rows: Keys) -> Keys:
    return rows[rows != _NONE] if len(rows) and rows.min() == _NONE else rows
