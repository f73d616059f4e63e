"""A set of equally large pictures in memory and its split; knows not where pictures come from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stylefacet.errors import InvalidField


@dataclass(frozen=True, slots=True)
class SkippedPicture:
    """A picture that was left out, and why."""

    name: str
    cause: str


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Letterboxed pictures and what training may know of them; no label is ever among it.

    ``pixels`` is ``(n, h, w, 3)`` uint8 RGB. ``groups[i]`` names what picture ``i`` shows:
    pictures of one group never fall on both sides of a split, and a pair of them may serve as
    weak supervision. Without a pairs column every picture is a group of its own.
    """

    title: str
    pixels: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    skipped: tuple[SkippedPicture, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: npt.NDArray[np.int64]) -> "PictureSet":
        """Returns some of the pictures, in the order of ``rows`` ``(m,)``."""
        return PictureSet(
            self.title,
            self.pixels[rows],
            tuple(self.names[i] for i in rows),
            tuple(self.groups[i] for i in rows),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """Positions of the training and of the validation pictures, ``(n,)`` int64 each, ascending."""

    training: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]


def split_by_group(groups: Sequence[str], validation_share: float, seed: int) -> Split:
    """Returns a split in which no group lies on both sides, the same for the same seed.

    Whole groups are drawn until the validation part holds at least ``validation_share`` of the
    pictures, and at least one picture; one group always remains for training.

    Raises:
        InvalidField: when there are fewer than two groups, so that nothing could be held out.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise InvalidField("data", "holds fewer than two different products; add photos")
    position = {name: i for i, name in enumerate(names)}
    group = np.array([position[name] for name in groups], dtype=np.int64)
    sizes = np.bincount(group, minlength=len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    held_out = np.cumsum(sizes[order])
    wanted = max(1.0, validation_share * len(group))
    count = min(int(np.searchsorted(held_out, wanted)) + 1, len(names) - 1)
    in_validation = np.isin(group, order[:count])
    return Split(np.flatnonzero(~in_validation), np.flatnonzero(in_validation))
