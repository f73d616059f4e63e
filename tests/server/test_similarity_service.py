import threading

import grpc
import numpy as np
import pytest
from sqlalchemy import Pool, event

from stylefacet.v1 import catalog_service_pb2, encoder_service_pb2, product_pb2
from stylefacet.v1 import similarity_service_pb2 as pb
from tests.conftest import photo
from tests.server.stubs import Stubs, fails_with, upload_row

BLOCKS = {"collar": slice(0, 3), "sleeve": slice(3, 5), "body": slice(5, 8)}
SCALE = 0.5  # of every feature of the tiny bundle


def embed(stubs: Stubs, content: bytes) -> np.ndarray:
    answer = stubs.encoder.EmbedImage(encoder_service_pb2.EmbedImageRequest(content=content))
    return np.array(answer.embedding.mean, dtype=np.float64)


def squared_distances(query: np.ndarray, items: np.ndarray, weights: dict) -> np.ndarray:
    """The distance of the design, by brute force."""
    total = sum(
        weight * SCALE**2 * ((items[:, BLOCKS[name]] - query[BLOCKS[name]]) ** 2).sum(axis=1)
        for name, weight in weights.items()
    )
    return np.asarray(total / sum(weights.values()))


@pytest.mark.parametrize(
    "weights", [{"collar": 1.0}, {"collar": 1.0, "sleeve": 0.5}, {"body": 7.0, "collar": 0.01}]
)
def test_ranking_is_that_of_brute_force(stubs: Stubs, weights: dict):
    stubs.upload(40)
    items = np.stack([embed(stubs, photo(n)) for n in range(40)])

    found = stubs.search("p0", weights=weights, page_size=10).similar_products

    expected = squared_distances(items[0], items, weights)
    nearest = [n for n in np.argsort(expected, kind="stable") if n != 0][:10]
    assert [hit.product.name for hit in found] == [f"products/p{n}" for n in nearest]
    np.testing.assert_allclose(
        [hit.squared_distance for hit in found], expected[nearest], rtol=1e-5
    )


def test_contributions_add_up_to_the_distance(stubs: Stubs):
    stubs.upload(10)

    hit = stubs.search("p0", weights={"collar": 2, "sleeve": 1}).similar_products[0]

    parts = {item.feature: item for item in hit.feature_distances}
    assert sorted(parts) == ["features/collar", "features/sleeve"]
    assert sum(p.contribution for p in parts.values()) == pytest.approx(hit.squared_distance)
    collar = parts["features/collar"]
    assert collar.contribution == pytest.approx(2 / 3 * collar.distance**2)


def test_search_without_weights_counts_every_block_once(stubs: Stubs):
    stubs.upload(10)

    unweighted = stubs.search("p0").similar_products
    weighted = stubs.search("p0", weights=dict.fromkeys(BLOCKS, 1.0)).similar_products

    assert unweighted == weighted


def test_filter_applies_before_the_ranking(stubs: Stubs):
    stubs.upload(20, category="shirt")
    rows = [upload_row(n, photo(n), category="polo") for n in range(20, 25)]
    list(stubs.catalog.UploadProducts(iter(rows)))

    found = stubs.search("p0", filter='category = "polo"', page_size=5).similar_products

    assert sorted(hit.product.name for hit in found) == [f"products/p{n}" for n in range(20, 25)]


def test_photo_and_embedding_find_what_the_product_finds(stubs: Stubs):
    stubs.upload(10)
    by_product = [hit.product.name for hit in stubs.search("p0").similar_products]
    embedding = stubs.encoder.EmbedImage(
        encoder_service_pb2.EmbedImageRequest(content=photo(0))
    ).embedding

    search = stubs.similarity.SearchSimilarProducts
    by_photo = search(pb.SearchSimilarProductsRequest(content=photo(0))).similar_products
    by_vector = search(pb.SearchSimilarProductsRequest(embedding=embedding)).similar_products

    assert [hit.product.name for hit in by_photo] == ["products/p0", *by_product]
    assert [hit.product.name for hit in by_vector] == ["products/p0", *by_product]


def test_pages_continue_the_ranking(stubs: Stubs):
    stubs.upload(12)
    whole = [hit.product.name for hit in stubs.search("p0", page_size=20).similar_products]
    names, token = [], ""
    for _ in range(3):
        page = stubs.search("p0", page_size=5, page_token=token)
        names += [hit.product.name for hit in page.similar_products]
        token = page.next_page_token

    assert names == whole
    assert token == ""


def test_colourways_of_a_style_can_count_as_one(stubs: Stubs):
    stubs.upload(6, style_id="s1")
    rows = [upload_row(n, photo(n), style_id="s2") for n in range(6, 12)]
    list(stubs.catalog.UploadProducts(iter(rows)))

    found = stubs.search("p0", group_by_style=True).similar_products

    assert len({hit.product.style_id for hit in found}) == len(found) == 2


def test_product_with_several_photos_counts_by_its_nearest(stubs: Stubs):
    stubs.upload(5)
    list(stubs.catalog.UploadProducts(iter([upload_row(4, photo(0))])))

    first = stubs.search("p0").similar_products[0]

    assert first.product.name == "products/p4"
    assert first.squared_distance == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("weight", [float("nan"), -1.0, float("inf"), 0.0])
def test_weight_that_is_none_is_refused(stubs: Stubs, weight: float):
    stubs.upload(2)
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "weight"):
        stubs.search("p0", weights={"collar": weight})


def test_unknown_feature_is_named_with_the_known_ones(stubs: Stubs):
    stubs.upload(2)
    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "pockets"):
        stubs.search("p0", weights={"pockets": 1})


def test_bad_filter_names_the_position(stubs: Stubs):
    stubs.upload(2)
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "FILTER_INVALID", "position"):
        stubs.search("p0", filter="category = ")


def test_vector_of_another_encoder_is_refused(stubs: Stubs):
    stubs.upload(2)
    request = pb.SearchSimilarProductsRequest()
    request.embedding.encoder = "encoders/feedfacefeedface"
    request.embedding.mean.extend([0.0] * 8)

    with fails_with(grpc.StatusCode.FAILED_PRECONDITION, "ENCODER_MISMATCH"):
        stubs.similarity.SearchSimilarProducts(request)


@pytest.mark.parametrize("mean", [[], [0.0] * 7, [float("nan")] * 8])
def test_vector_of_the_wrong_shape_is_refused(stubs: Stubs, mean: list):
    request = pb.SearchSimilarProductsRequest()
    request.embedding.encoder = "encoders/default"
    request.embedding.mean.extend(mean)

    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"):
        stubs.similarity.SearchSimilarProducts(request)


def test_search_without_a_query_is_refused(stubs: Stubs):
    with fails_with(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "query"):
        stubs.similarity.SearchSimilarProducts(pb.SearchSimilarProductsRequest())


def test_product_without_photos_cannot_be_a_query(stubs: Stubs):
    product = product_pb2.Product(name="products/bare", category="top")
    stubs.catalog.UpdateProduct(
        catalog_service_pb2.UpdateProductRequest(product=product, allow_missing=True)
    )

    with fails_with(grpc.StatusCode.NOT_FOUND, "RESOURCE_MISSING", "upload"):
        stubs.search("bare")


def test_empty_catalogue_finds_nothing(stubs: Stubs):
    answer = stubs.similarity.SearchSimilarProducts(
        pb.SearchSimilarProductsRequest(content=photo(0))
    )

    assert not answer.similar_products
    assert answer.query_novelty > 0


def test_a_search_asks_the_store_little(stubs: Stubs):
    stubs.upload(5)
    stubs.search("p0", weights={"collar": 1.0}, filter='category = "top"')
    asked = []

    def note(statement: str) -> None:
        if threading.current_thread().name.startswith("photo"):
            asked.append(statement.split()[0])

    def watch(connection, *_):
        connection.set_trace_callback(note)

    event.listen(Pool, "checkout", watch)
    try:
        stubs.search("p1", weights={"collar": 1.0}, filter='category = "top"')
    finally:
        event.remove(Pool, "checkout", watch)

    # The query's vectors with the latest changes' numbers; then, as late as can be, the hits'
    # products, and their labels and numbers.
    before, after = ["BEGIN", "SELECT", "ROLLBACK"], ["BEGIN", "SELECT", "SELECT", "ROLLBACK"]
    assert asked == before + after
