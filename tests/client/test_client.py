from collections.abc import Iterator
from dataclasses import replace

import pytest

from stylefacet.client import Embedding, ImageView, Product, RetryPolicy, StylefacetClient
from stylefacet.errors import (
    ChangeNotSeen,
    EncoderMismatch,
    EtagMismatch,
    FeatureBundled,
    FilterInvalid,
    ImageUndecodable,
    InvalidField,
    RequestIdReused,
    ResourceExists,
    ResourceMissing,
    ServerUnreachable,
)
from stylefacet.imaging import DEFAULT_LIMITS
from stylefacet.limits import MAX_IMAGE_BYTES
from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.client.rows import fill
from tests.conftest import photo

PRODUCT = Product(
    "4711", "top", "Red top", labels={"colour": "red"}, numbers={"price": 19.5}, style_id="s1"
)


def test_product_is_returned_as_it_was_written(client: StylefacetClient):
    written = client.update_product(PRODUCT, allow_missing=True)
    found = client.get_product("products/4711")

    assert found == written
    bare = replace(found, etag="", create_time=None, update_time=None, sequence_number=0)
    assert bare == PRODUCT
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


def test_stream_of_photos_goes_on_after_the_server_was_restarted(settings: Settings):
    first = Server(replace(settings, shutdown_grace_s=0.05))
    first.start()
    second: list[Server] = []

    def photos() -> Iterator[bytes]:
        for n in range(60):
            if n == 30:
                first.stop()
                second.append(Server(replace(settings, address=first.address)))
                second[0].start()
            yield photo(n)

    with StylefacetClient(first.address) as client:
        outcomes = list(client.embed_many(photos()))
        expected = client.embed(photo(29))
    second[0].stop()

    assert sorted(o.position for o in outcomes) == list(range(60))
    assert {o.error for o in outcomes} == {None}
    assert next(o.embedding for o in outcomes if o.position == 29) == expected


def test_failure_of_the_photos_themselves_reaches_the_caller(client: StylefacetClient):
    def photos() -> Iterator[bytes]:
        yield photo(0)
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        list(client.embed_many(photos()))


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


def test_write_sent_twice_is_done_once(client: StylefacetClient):
    fill(client, 2)
    for _ in range(2):
        client.delete_product("p0", request_id="delete-p0")

    with pytest.raises(ResourceMissing):
        client.delete_product("p0")
    with pytest.raises(RequestIdReused):
        client.delete_product("p1", request_id="delete-p0")


def test_tried_writes_keep_nothing(client: StylefacetClient):
    client.update_product(PRODUCT, allow_missing=True)
    client.update_product(replace(PRODUCT, category="vest"), validate_only=True)
    client.create_image("4711", photo(1), validate_only=True)
    client.delete_product("4711", validate_only=True)

    assert client.get_product("4711").category == "top"
    assert not list(client.list_images("4711"))


def test_batch_is_written_whole_or_not_at_all(client: StylefacetClient):
    batch = [PRODUCT, replace(PRODUCT, product_id="4712")]
    assert [p.product_id for p in client.update_products(batch, allow_missing=True)] == [
        "4711",
        "4712",
    ]

    with pytest.raises(ResourceMissing):
        client.update_products([replace(PRODUCT, style_id="s2"), Product("nobody", "top")])
    assert client.get_product("4711").style_id == "s1"


def test_search_waits_for_what_the_caller_wrote(client: StylefacetClient):
    fill(client, 3)
    written = client.create_image("p0", photo(50))

    result = client.search(product="p0", min_sequence=written.sequence_number)

    assert result.sequence_number >= written.sequence_number
    assert result.hits[0].query_image_name.startswith("products/p0/images/")


def test_change_that_never_comes_is_told(server: Server):
    with StylefacetClient(server.address, timeout_s=2.0) as impatient:
        fill(impatient, 2)
        with pytest.raises(ChangeNotSeen, match="change 999"):
            impatient.search(product="p0", min_sequence=999)


def test_feature_is_updated_and_its_examples_listed(client: StylefacetClient):
    fill(client, 12)
    examples = {f"p{n}": "odd" if n % 2 else "even" for n in range(10)}
    client.fit_feature("parity", examples, description="Guesswork")
    updated = client.update_feature(
        "parity", display_name="Parity", examples={"p10": "even"}, keep_examples=True
    )

    assert (updated.version, updated.example_count) == (2, 11)
    assert (updated.display_name, updated.description) == ("Parity", "Guesswork")
    assert dict(client.list_examples("parity")) == {**examples, "p10": "even"}


def test_export_holds_every_product_in_every_feature(client: StylefacetClient):
    fill(client, 5)
    export = client.export_features()
    rows = list(export.products)

    assert [f.feature_id for f in export.features] == ["body", "collar", "sleeve"]
    assert [row.product.product_id for row in rows] == [f"p{n}" for n in range(5)]
    assert all([len(p.coordinates) for p in row.places] == [3, 3, 2] for row in rows)
    assert export.encoder == client.get_encoder().encoder_id


def test_refused_export_is_the_servers_error(client: StylefacetClient):
    with pytest.raises(FilterInvalid):
        client.export_features(filter="category =")


def test_export_from_nobody_is_unreachable_after_retries():
    with (
        StylefacetClient("127.0.0.1:1", retry=RetryPolicy(attempts=2)) as client,
        pytest.raises(ServerUnreachable),
    ):
        client.export_features()


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (lambda c: c.get_product("nobody"), ResourceMissing),
        (lambda c: c.get_product("a b"), InvalidField),
        (lambda c: list(c.list_products("category =")), FilterInvalid),
        (lambda c: c.embed(b"text"), ImageUndecodable),
        (lambda c: c.delete_feature("collar"), FeatureBundled),
        (lambda c: c.search(embedding=Embedding("other", (0.0,) * 8, 0.0)), EncoderMismatch),
        (lambda c: c.create_feature("collar", dimensions=[1]), ResourceExists),
    ],
)
def test_errors_are_caught_by_the_classes_the_server_raises(client, wrong, kind):
    with pytest.raises(kind):
        wrong(client)
