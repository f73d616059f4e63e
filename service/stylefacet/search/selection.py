"""Which rows a search looks at; knows nothing of vectors."""

import numpy as np

from stylefacet.search.rows import Keys

# Below this share of the rows it is cheaper to fetch those selected than to pass over all.
_NARROW = 0.03


class Selection:
    """All rows but the dead ones, or those given. Belongs to one search."""

    def __init__(self, row_count: int, dead: Keys, rows: Keys | None = None) -> None:
        """Takes the dead rows, and the live rows to look at: all of them, for None."""
        self._row_count = row_count
        self.dead = dead
        self.given = rows

    @property
    def rows(self) -> Keys:
        """The row numbers."""
        if self.given is not None:
            return self.given
        return np.delete(np.arange(self._row_count), self.dead)

    @property
    def is_narrow(self) -> bool:
        """Whether so few rows are given that they had better be fetched than passed over."""
        return self.given is not None and len(self.given) < _NARROW * self._row_count

    def __len__(self) -> int:
        return self._row_count - len(self.dead) if self.given is None else len(self.given)
