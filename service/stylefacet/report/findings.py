"""What the report found, as the page is to show it; knows neither the server nor HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from stylefacet.report.attributes import Attributes
from stylefacet.report.catalogue import Catalogue
from stylefacet.report.duplicates import DuplicateSet
from stylefacet.report.gaps import Gap
from stylefacet.report.neighbourhoods import Neighbourhoods


@dataclass(frozen=True, slots=True)
class MapLayout:
    """A way to lay out the map: ``places (mapped, 2)`` between 0 and 1, and how to read it."""

    title: str
    hint: str
    places: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a page shows.

    ``mapped`` are the products on the map, ``shown`` those that appear anywhere, both by position
    in the catalogue; ``pictures`` are data URIs by the same.
    """

    catalogue: Catalogue
    attributes: Attributes
    gaps: tuple[Gap, ...]
    neighbourhoods: Neighbourhoods
    duplicates: tuple[DuplicateSet, ...]
    mapped: tuple[int, ...]
    layouts: tuple[MapLayout, ...]
    shown: tuple[int, ...]
    pictures: Mapping[int, str]
    filter: str
    make_time: datetime
