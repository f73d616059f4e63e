from dataclasses import replace

import pytest

from stylefacet.client import ImageView, Product, StylefacetClient
from stylefacet.errors import (
    EtagMismatch,
    ImageUndecodable,
    InvalidField,
    ResourceExists,
    ResourceMissing,
)
from stylefacet.imaging import DEFAULT_LIMITS
from stylefacet.limits import MAX_IMAGE_BYTES
from tests.client.rows import fill
from tests.conftest import photo

PRODUCT = Product(
    "4711", "top", "Red top", labels={"colour": "red"}, numbers={"price": 19.5}, style_id="s1"
)


def test_product_is_returned_as_it_was_written(client: StylefacetClient):
    written = client.update_product(PRODUCT, allow_missing=True)
    found = client.get_product("products/4711")

    assert found == written
    assert replace(found, etag="", create_time=None, update_time=None) == PRODUCT
    assert found.create_time is not None


def test_old_etag_is_refused(client: StylefacetClient):
    first = client.update_product(PRODUCT, allow_missing=True)
    client.update_product(replace(PRODUCT, display_name="New"), ["display_name"])

    with pytest.raises(EtagMismatch):
        client.update_product(replace(first, display_name="Late"), ["display_name"])


def test_listing_goes_on_over_pages(client: StylefacetClient, monkeypatch: pytest.MonkeyPatch):
    fill(client, 7)
    monkeypatch.setattr("stylefacet.client.client._LIST_PAGE", 3)

    assert [p.product_id for p in client.list_products()] == [f"p{n}" for n in range(7)]
    assert [p.product_id for p in client.list_products('style_id = "s1"')] == ["p2", "p3"]


def test_image_is_stored_embedded_and_shown(client: StylefacetClient):
    client.update_product(PRODUCT, allow_missing=True)

    image = client.create_image("4711", photo(1), "front")
    full, shown = (client.get_image(image.name, v) for v in (ImageView.FULL, ImageView.THUMBNAIL))

    assert image.name == "products/4711/images/front"
    assert full.embedding is not None
    assert len(full.embedding.mean) == 8
    assert shown.thumbnail.startswith(b"\x89PNG")
    assert [i.image_id for i in client.list_images("4711")] == ["front"]


def test_deleted_things_are_gone(client: StylefacetClient):
    fill(client, 1)
    image = next(client.list_images("p0"))

    client.delete_image(image.name)
    client.delete_product("p0")

    with pytest.raises(ResourceMissing):
        client.get_product("p0")


def test_embedding_of_a_photo_finds_its_product(client: StylefacetClient):
    fill(client, 10)

    embedding = client.embed(photo(3))
    result = client.search(embedding=embedding, limit=1)

    assert result.hits[0].product.product_id == "p3"
    assert result.hits[0].squared_distance == pytest.approx(0, abs=1e-6)
    assert result.encoder == embedding.encoder == client.get_encoder().encoder_id


def test_photos_of_a_stream_are_embedded_and_bad_ones_told(client: StylefacetClient):
    outcomes = {o.position: o for o in client.embed_many([photo(1), b"text", photo(2)])}

    assert sorted(outcomes) == [0, 1, 2]
    assert isinstance(outcomes[1].error, ImageUndecodable)
    assert outcomes[2].embedding == client.embed(photo(2))


def test_contributions_add_up_to_the_distance(client: StylefacetClient):
    fill(client, 10)

    result = client.search(product="p0", weights={"collar": 1, "sleeve": 0.5})

    assert len(result.hits) == 9
    for hit in result.hits:
        assert [f.feature_id for f in hit.features] == ["collar", "sleeve"]
        assert sum(f.contribution for f in hit.features) == pytest.approx(hit.squared_distance)


def test_search_beyond_a_page_is_one_ranking(
    client: StylefacetClient, monkeypatch: pytest.MonkeyPatch
):
    fill(client, 12)
    whole = client.search(product="p0", limit=11)
    monkeypatch.setattr("stylefacet.client.similarity.MAX_SEARCH_PAGE", 4)

    paged = client.search(product="p0", limit=10)

    assert paged.hits == whole.hits[:10]


def test_grouping_shows_each_style_once(client: StylefacetClient):
    fill(client, 10)

    result = client.search(product="p0", group_by_style=True)

    styles = [hit.product.style_id for hit in result.hits]
    assert len(styles) == len(set(styles))


@pytest.mark.parametrize("query", [{}, {"product": "p0", "content": b"x"}])
def test_search_by_none_or_two_queries_is_refused(client: StylefacetClient, query: dict):
    with pytest.raises(InvalidField, match="exactly one"):
        client.search(**query)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), 0.0])
def test_unusable_weight_is_refused(client: StylefacetClient, weight: float):
    fill(client, 2)

    with pytest.raises(InvalidField):
        client.search(product="p0", weights={"collar": weight})


def test_unknown_feature_is_told_by_name(client: StylefacetClient):
    fill(client, 2)

    with pytest.raises(ResourceMissing, match="hem"):
        client.search(product="p0", weights={"hem": 1})


def test_feature_is_made_found_and_deleted(client: StylefacetClient):
    fill(client, 25)

    made = client.create_feature("outline", dimensions=[5, 6], display_name="Outline")

    assert made.dimensions == (5, 6)
    assert client.get_feature("outline") == made
    assert "outline" in [f.feature_id for f in client.list_features()]
    with pytest.raises(ResourceExists):
        client.create_feature("outline", block="body")
    client.delete_feature("outline")
    with pytest.raises(ResourceMissing):
        client.get_feature("outline")


def test_fitted_feature_is_predicted(client: StylefacetClient):
    fill(client, 40)
    depths = {f"p{n}": client.embed(photo(n)).mean[0] for n in range(40)}
    middle = sorted(depths.values())[20]
    values = {product: "low" if depth < middle else "high" for product, depth in depths.items()}

    fitted = client.fit_feature("depth", values)
    predictions = client.predict(product="p1", features=["depth"])

    assert fitted.quality is not None
    assert set(fitted.values) == {"low", "high"}
    assert [p.feature_id for p in predictions] == ["depth"]
    assert sum(share for _, share in predictions[0].values) == pytest.approx(1.0)


def test_text_that_cannot_be_sent_is_a_field_error(client: StylefacetClient):
    with pytest.raises(InvalidField, match="product"):
        client.update_product(Product("p", "\ud800"), allow_missing=True)


def test_both_sides_take_photos_of_the_same_size():
    assert DEFAULT_LIMITS.max_encoded_bytes == MAX_IMAGE_BYTES
