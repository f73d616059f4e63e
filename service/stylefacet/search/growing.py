"""Arrays that grow at the end of one axis in amortised constant time; knows nothing of content."""

from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

S = TypeVar("S", bound=np.generic)


class GrowingArray(Generic[S]):
    """An array that is extended along one axis: ``values``. Not thread-safe."""

    def __init__(self, dtype: type[S], shape: tuple[int, ...] = (0,), axis: int = 0) -> None:
        """Makes an empty array: ``shape`` has length zero along ``axis``."""
        self._storage: npt.NDArray[S] = np.empty(shape, dtype)
        self._axis = axis
        self._length = 0
        # A view that the next extension makes stale; kept, since every search takes several.
        self.values = self._storage

    def extend(self, values: npt.NDArray[S]) -> None:
        """Adds values at the end."""
        length = self._length + values.shape[self._axis]
        capacity = self._storage.shape[self._axis]
        if length > capacity:
            self._move(max(length, 2 * capacity))
        self._slice(self._length, length)[...] = values
        self._length = length
        self.values = self._slice(0, length)

    def reserve(self, length: int) -> None:
        """Makes room for so many values at once, and some more: nobody should wait for a copy.

        Room that is not used takes no memory: the system gives it when it is first written.
        """
        self._move(length + length // 4)

    def _move(self, capacity: int) -> None:
        shape = list(self._storage.shape)
        shape[self._axis] = capacity
        before, self._storage = self.values, np.empty(shape, self._storage.dtype)
        self.values = self._slice(0, self._length)
        self.values[...] = before

    def _slice(self, start: int, stop: int) -> npt.NDArray[S]:
        view: npt.NDArray[S] = self._storage[(slice(None),) * self._axis + (slice(start, stop),)]
        return view
