import pytest

from stylefacet.client import Adjustment, StylefacetClient
from stylefacet.errors import AdjustmentsContradict, InvalidField, ResourceMissing
from tests.client.rows import fill
from tests.conftest import photo


def test_compared_products_are_measured_in_every_feature(client: StylefacetClient):
    fill(client, 30)

    comparison = client.compare(["p0", "products/p4", "p9"], weights={"collar": 1.0})

    assert [p.product_id for p in comparison.products] == ["p0", "p4", "p9"]
    pairs = [(pair.product_id, pair.other_product_id) for pair in comparison.pairs]
    assert pairs == [("p0", "p4"), ("p0", "p9"), ("p4", "p9")]
    for pair in comparison.pairs:
        found = {f.feature_id: f for f in pair.features}
        assert sorted(found) == ["body", "collar", "sleeve"]
        assert pair.squared_distance == pytest.approx(found["collar"].distance ** 2)
    assert comparison.summary.endswith(".")
    assert comparison.encoder == client.get_encoder().encoder_id
    assert comparison.sequence_number > 0


def test_query_is_moved_and_says_where(client: StylefacetClient):
    fill(client, 30)
    scale = client.create_feature("depth", dimensions=[4]).scale
    start = client.embed(photo(0)).mean

    result = client.search(product="p0", adjustments=[Adjustment("depth", units=-1.0)], limit=5)

    move = result.query_move
    assert move is not None
    assert move.embeddings[0].mean[4] == pytest.approx(start[4] - 1 / scale, rel=1e-5)
    depth = {f.feature_id: f for f in move.features}["depth"]
    assert depth.requested
    assert depth.distance == pytest.approx(1.0)
    assert client.search(product="p0").query_move is None


def test_feature_can_be_borrowed_from_another_product(client: StylefacetClient):
    fill(client, 30)
    borrowed, lender = client.embed(photo(0)).mean, client.embed(photo(7)).mean

    result = client.search(
        product="p0", adjustments=[Adjustment("collar", product="p7")], weights={"collar": 1}
    )

    assert result.query_move is not None
    moved = result.query_move.embeddings[0].mean
    assert moved[:3] == pytest.approx(lender[:3], rel=1e-5)
    assert moved[3:] == pytest.approx(borrowed[3:], rel=1e-5)
    assert result.hits[0].product.product_id == "p7"


def test_errors_are_those_of_the_server(client: StylefacetClient):
    fill(client, 25)
    for name in ("depth", "length"):
        client.create_feature(name, dimensions=[4])
    apart = [Adjustment("depth", units=1.0), Adjustment("length", units=-1.0)]

    with pytest.raises(AdjustmentsContradict):
        client.search(product="p0", adjustments=apart)
    with pytest.raises(InvalidField, match="no axis"):
        client.search(product="p0", adjustments=[Adjustment("collar", units=1.0)])
    with pytest.raises(ResourceMissing, match="p99"):
        client.compare(["p0", "p99"])


@pytest.mark.parametrize("target", [{}, {"units": 1.0, "value": "long"}])
def test_adjustment_without_or_with_two_targets_is_refused(client: StylefacetClient, target: dict):
    with pytest.raises(InvalidField, match="exactly one"):
        client.search(product="p0", adjustments=[Adjustment("depth", **target)])
