"""What a scan says is off by no more than the bound that is claimed for it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stylefacet.search.content import Content
from stylefacet.search.selection import Selection
from tests.search.brute_force import D, make_catalogue

FEATURES = ["block", "f1", "f2", "f3", "f8"]


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    log_scale=st.integers(-8, 8),
    offset=st.sampled_from([0.0, 1.0, -1e3, 1e6]),
    is_centred=st.booleans(),
    query_count=st.integers(1, 3),
    weights=st.dictionaries(
        st.sampled_from(FEATURES), st.floats(1e-6, 1.0), min_size=1, max_size=5
    ),
)
def test_no_approximate_distance_is_off_by_more_than_the_bound(
    seed, log_scale, offset, is_centred, query_count, weights
):
    rng = np.random.default_rng(seed)
    scale = 10.0**log_scale
    catalogue = make_catalogue(rng, 60, 1, scale, offset)
    content = Content(D).with_features(catalogue.matrices)
    content.append(content.prepare(catalogue.columns()))
    content = content.rebuilt() if is_centred else content
    total = sum(weights.values())
    weights = {name: weight / total for name, weight in sorted(weights.items())}
    queries = (rng.normal(size=(query_count, D)) * scale + offset).astype(np.float32)
    everything = Selection(60, np.empty(0, np.int64))
    scan = content.scan(queries, weights, everything)
    exact = [catalogue.distance2(queries, mean, weights) for mean in content.means]
    margin = scan.error_bound * (1 + 1e-9)
    for count in range(1, 60):
        rows, edge = scan.nearest(count, everything)
        assert len(rows) >= count
        assert abs(edge - sorted(exact)[count - 1]) <= margin
        assert all(exact[row] >= edge - margin for row in set(range(60)) - set(rows.tolist()))
