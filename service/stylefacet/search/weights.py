"""Checks and normalises the weights of a search; knows nothing of vectors."""

import math
from collections.abc import Mapping

from stylefacet.errors import InvalidField


def normalise_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Returns the positive weights divided by their sum, in order of feature name.

    Features of weight zero take no part and are left out.

    Raises: InvalidField for a negative, infinite or NaN weight, or when none is positive.
    """
    for name, weight in weights.items():
        if not math.isfinite(weight) or weight < 0:
            raise InvalidField(f"weights[{name!r}]", f"{weight} is no weight; use 0 or more")
    # The largest first: a sum of huge weights would overflow, a quotient of two cannot.
    largest = max(weights.values(), default=0.0)
    if largest == 0:
        raise InvalidField("weights", "no weight is above zero; give at least one")
    relative = {name: weight / largest for name, weight in sorted(weights.items())}
    total = math.fsum(relative.values())
    return {name: weight / total for name, weight in relative.items() if weight > 0}
