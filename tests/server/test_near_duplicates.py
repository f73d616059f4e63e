"""Near duplicates at a real server: the groups that brute force finds, and how they are told."""

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image

from stylefacet.server.runtime import Server
from stylefacet.v1.catalog_service_pb2 import GetProductImageRequest, ListProductImagesRequest
from stylefacet.v1.near_duplicates_pb2 import (
    FeatureThreshold,
    FindNearDuplicatesRequest,
    FindNearDuplicatesResponse,
)
from stylefacet.v1.product_pb2 import PRODUCT_IMAGE_VIEW_FULL
from tests.server.operations import Operations, response_of
from tests.server.stubs import Stubs, fails_with, upload_row
from tests.tiny_bundle import BLOCKS, TINY_SIZE

Find = Callable[..., Any]
SCALE = 0.5  # of the tiny bundle's features


def shade(base: int, change: int, step: float) -> bytes:
    """Returns a photo of a garment: one of several bases, a little changed."""
    rng = np.random.default_rng(base)
    pixels = np.full((8, 6, 3), 255.0)
    pixels[1:7, 1:5] = rng.integers(30, 225, (6, 4, 3))
    pixels[1:7, 1:5] += step * np.random.default_rng(1000 + change).normal(size=(6, 4, 3))
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    picture.resize(TINY_SIZE, Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def catalogue(stubs: Stubs) -> Stubs:
    """Sixty products, five about each of twelve garments; two of five share a style."""
    rows = [
        upload_row(n, shade(n // 5, n, 12.0), style_id=f"s{n // 5}" if n % 5 < 2 else "")
        for n in range(60)
    ]
    assert all(answer.status.code == 0 for answer in stubs.catalog.UploadProducts(iter(rows)))
    return stubs


@pytest.fixture
def find(server: Server, stubs: Stubs) -> Iterator[Find]:
    """Finds near duplicates; ``alike`` and ``different`` are distances by feature."""
    with grpc.insecure_channel(server.address) as channel:
        operations = Operations(channel)

        def run(alike: Any = (), different: Any = (), **fields: Any) -> Any:
            request = FindNearDuplicatesRequest(
                alike=thresholds(alike), different=thresholds(different), **fields
            )
            started = stubs.similarity.FindNearDuplicates(request)
            return response_of(operations.wait(started), FindNearDuplicatesResponse())

        yield run


def thresholds(distances: Any) -> list[FeatureThreshold]:
    pairs = distances.items() if isinstance(distances, dict) else [(d, None) for d in distances]
    return [FeatureThreshold(feature=f"features/{name}", distance=d) for name, d in pairs]


def latents(stubs: Stubs) -> dict[str, np.ndarray]:
    """Returns the latent vector of every product's one image."""
    found = {}
    for n in range(60):
        parent = f"products/p{n}"
        listed = stubs.catalog.ListProductImages(ListProductImagesRequest(parent=parent))
        image = stubs.catalog.GetProductImage(
            GetProductImageRequest(name=listed.product_images[0].name, view=PRODUCT_IMAGE_VIEW_FULL)
        )
        found[parent] = np.array(image.embedding.mean)
    return found


def distance(a: np.ndarray, b: np.ndarray, feature: str) -> float:
    block = next(block for block in BLOCKS if block.name == feature)
    return float(SCALE * np.linalg.norm((a - b)[block.start : block.end]))


def sets(response: Any) -> set[frozenset[str]]:
    return {frozenset(p.product for p in group.products) for group in response.groups}


def test_every_two_of_a_group_are_near_and_no_near_pair_is_missed(catalogue, find):
    alike, different = {"collar": 0.09, "body": 0.09}, {"sleeve": 0.01}
    response = find(alike, different)
    vectors = latents(catalogue)

    def is_near(pair: tuple[str, str]) -> bool:
        a, b = (vectors[name] for name in pair)
        return all(distance(a, b, name) <= d for name, d in alike.items()) and all(
            distance(a, b, name) >= d for name, d in different.items()
        )

    near = {pair for pair in itertools.combinations(sorted(vectors), 2) if is_near(pair)}
    assert response.pair_count == len(near) > 5
    inside = [set(itertools.combinations(sorted(group), 2)) for group in sets(response)]
    assert set().union(*inside) <= near
    # What is near and in no group together was kept apart by a third that is not near.
    grouped = set().union(*sets(response))
    assert all(set(pair) & grouped for pair in near)


def test_pairs_are_explained_by_feature(catalogue, find):
    response = find(["collar", "body"], {"sleeve": 0.0})
    vectors = latents(catalogue)
    group = response.groups[0]

    assert len(group.products) == group.product_count >= 2
    for pair in group.pairs:
        a, b = (vectors[group.products[n].product] for n in (pair.first, pair.second))
        told = {d.feature.removeprefix("features/"): d.distance for d in pair.distances}
        assert told == pytest.approx({n: distance(a, b, n) for n in told}, abs=1e-5)
        assert set(told) == {"body", "collar", "sleeve"}
        squares = told["collar"] ** 2 + told["body"] ** 2
        assert pair.squared_distance == pytest.approx(squares / 2, abs=1e-5)
    assert group.products[0].product_image.startswith(f"{group.products[0].product}/images/")


def test_distances_left_out_are_taken_from_the_catalogue(catalogue, find):
    response = find(["collar"], ["sleeve"])
    vectors = list(latents(catalogue).values())
    usual = [distance(a, b, "collar") for a, b in itertools.combinations(vectors, 2)]
    other = [distance(a, b, "sleeve") for a, b in itertools.combinations(vectors, 2)]

    assert response.alike[0].distance == pytest.approx(np.quantile(usual, 0.01))
    assert response.different[0].distance == pytest.approx(np.quantile(other, 0.5))


def test_all_blocks_but_the_different_ones_are_alike_by_default(catalogue, find):
    named = {t.feature for t in find((), ["sleeve"]).alike}

    assert named == {"features/collar", "features/body"}


def test_groups_of_one_style_are_left_out_on_demand(catalogue, find):
    wide = {"collar": 0.15, "sleeve": 0.15, "body": 0.15}
    everything = find(wide, filter='style_id != ""')
    others = find(wide, filter='style_id != ""', leave_out_same_style=True)

    assert everything.group_count > 0
    assert others.group_count < everything.group_count
    for group in others.groups:
        assert len({product.style_id for product in group.products}) > 1


def test_only_what_passes_the_filter_is_compared(catalogue, find):
    response = find({"collar": 0.1}, filter='style_id = "s0" OR style_id = "s1"')

    assert response.product_count == response.image_count == 4


def test_groups_are_cut_short_and_counted(catalogue, find):
    whole, cut = find({"collar": 0.1}), find({"collar": 0.1}, max_group_count=2)

    assert len(cut.groups) == 2 < cut.group_count == whole.group_count
    sizes = [group.product_count for group in whole.groups]
    assert sizes == sorted(sizes, reverse=True)
    assert whole.grouped_product_count == sum(sizes)


def test_equal_photos_are_one_group_at_no_distance(stubs, find):
    rows = [upload_row(n, shade(1, 1, 0.0)) for n in range(9)]
    list(stubs.catalog.UploadProducts(iter(rows)))
    response = find()

    assert sets(response) == {frozenset(f"products/p{n}" for n in range(9))}
    assert len(response.groups[0].pairs) == 15
    assert {pair.squared_distance for pair in response.groups[0].pairs} == {0.0}


def test_an_empty_catalogue_has_no_groups(find):
    assert find().group_count == 0


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"alike": thresholds(["none"])}, "NOT_FOUND", "none"),
        ({"alike": thresholds({"collar": -1.0})}, "INVALID_ARGUMENT", "no distance"),
        ({"alike": thresholds({"collar": float("nan")})}, "INVALID_ARGUMENT", "no distance"),
        ({"alike": thresholds(["collar", "collar"])}, "INVALID_ARGUMENT", "twice"),
        (
            {"alike": thresholds(["collar"]), "different": thresholds(["collar"])},
            "INVALID_ARGUMENT",
            "so does alike",
        ),
        (
            {"different": thresholds(["collar", "sleeve", "body"])},
            "INVALID_ARGUMENT",
            "no latent block is left",
        ),
        ({"filter": "price <"}, "INVALID_ARGUMENT", "position"),
        ({"max_group_count": 5000}, "INVALID_ARGUMENT", "max_group_count"),
    ],
)
def test_bad_requests_are_refused_at_once(stubs, fields, code, message):
    reasons = {"max_group_count": "INVALID_FIELD", "filter": "FILTER_INVALID"}
    reason = "RESOURCE_MISSING" if code == "NOT_FOUND" else "INVALID_FIELD"
    reason = reasons.get(next(iter(fields)), reason)
    with fails_with(grpc.StatusCode[code], reason, message):
        stubs.similarity.FindNearDuplicates(FindNearDuplicatesRequest(**fields))
