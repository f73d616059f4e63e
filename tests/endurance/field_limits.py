"""Every limited field of a request: a call that carries a value, values within and beyond.

Within its limits a value is taken, or refused for what it speaks of; beyond them it is
``INVALID_ARGUMENT`` and the field is named.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.longrunning import operations_pb2
from hypothesis import strategies as st

from stylefacet.v1 import catalog_service_pb2 as catalog
from stylefacet.v1 import encoder_service_pb2 as encoder
from stylefacet.v1 import feature_service_pb2 as feature
from stylefacet.v1 import import_products_pb2 as imports
from stylefacet.v1 import near_duplicates_pb2 as duplicates
from stylefacet.v1 import product_pb2
from stylefacet.v1 import similarity_service_pb2 as similarity
from tests.conftest import photo
from tests.endurance.photos import example_values

Values = st.SearchStrategy[Any]
# What may be stored: no control characters, no halves of surrogate pairs.
LETTERS = st.characters(exclude_categories=("Cc", "Cs"))
ID_LETTERS = st.sampled_from("abcXYZ019._-")
NOT_ID_LETTERS = st.sampled_from("/ é\n\0:😀")
CONTROLS = st.sampled_from("\0\x07\x1b\x7f\x85")
INFINITE = st.sampled_from([float("nan"), float("inf"), float("-inf")])
PHOTO = photo(0)


@dataclass(frozen=True)
class Limit:
    """A field, how a request carries a value of it, and which values are within and beyond.

    ``method`` is as in ``CatalogService.UpdateProduct``; ``named`` is part of the field's name in
    the refusal.
    """

    method: str
    named: str
    request: Callable[[Any], Any]
    within: Values
    beyond: Values

    @property
    def name(self) -> str:
        """Which limit it is."""
        return f"{self.method.split('.')[1]}.{self.named}"


def text(limit: int) -> tuple[Values, Values]:
    """Returns texts of up to so many letters, and longer or unstorable ones."""
    ends = st.sampled_from([1, limit - 1, limit])
    within = ends.flatmap(lambda n: st.text(LETTERS, min_size=n, max_size=n))
    longer = st.sampled_from([limit + 1, limit + 2, 3 * limit])
    beyond = longer.flatmap(lambda n: st.text(LETTERS, min_size=n, max_size=n))
    return within, st.one_of(beyond, st.builds("a{}b".format, CONTROLS))


def ids() -> tuple[Values, Values]:
    """Returns resource ids, and what is none."""
    within = st.sampled_from([1, 2, 127, 128]).flatmap(
        lambda n: st.text(ID_LETTERS, min_size=n, max_size=n)
    )
    longer = st.sampled_from([129, 130, 1000]).flatmap(
        lambda n: st.text(ID_LETTERS, min_size=n, max_size=n)
    )
    return within, st.one_of(longer, st.builds("a{}b".format, NOT_ID_LETTERS))


def whole(lowest: int, highest: int) -> tuple[Values, Values]:
    """Returns whole numbers at both ends, and beyond them."""
    within = st.sampled_from([lowest, lowest + 1, highest - 1, highest])
    low = [n for n in (lowest - 1, -1, -(2**31)) if n < lowest and n != 0]
    return within, st.sampled_from([*low, highest + 1, 2**31 - 1])


def real(lowest: float, highest: float) -> tuple[Values, Values]:
    """Returns numbers between two, and beyond them."""
    step = 1e-6 * max(1.0, abs(highest))
    beyond = st.sampled_from([lowest - step, highest + step, -1e300, 1e300])
    return st.floats(lowest, highest), st.one_of(beyond, INFINITE)


def count(lowest: int, highest: int) -> tuple[Values, Values]:
    """Returns counts of things, and too few or too many."""
    within = st.sampled_from([lowest, lowest + 1, highest - 1, highest])
    few = [lowest - 1] if lowest else []
    return within, st.sampled_from([*few, highest + 1, 2 * highest])


PAGE_SIZES = (st.sampled_from([0, 1, 1000, 1001, 2**31 - 1]), st.integers(-(2**31), -1))


def _product(**fields: Any) -> catalog.UpdateProductRequest:
    product = product_pb2.Product(**{"name": "products/limits", **fields})
    return catalog.UpdateProductRequest(product=product, allow_missing=True)


def _numbered(prefix: str, n: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(n)]


def _batch(n: int) -> catalog.BatchUpdateProductsRequest:
    requests = [_product(name=f"products/{id}") for id in _numbered("batch", n)]
    return catalog.BatchUpdateProductsRequest(requests=requests, validate_only=True)


def _search(**fields: Any) -> similarity.SearchSimilarProductsRequest:
    return similarity.SearchSimilarProductsRequest(product="products/p1", **fields)


def _adjusted(**target: Any) -> similarity.SearchSimilarProductsRequest:
    adjustment = similarity.FeatureAdjustment(feature="features/light", **target)
    return _search(adjustments=[adjustment])


def _adjustments(n: int) -> similarity.SearchSimilarProductsRequest:
    return _search(
        adjustments=[
            similarity.FeatureAdjustment(feature=f"features/{name}", units=1)
            for name in _numbered("f", n)
        ]
    )


def _fit(value: str) -> feature.FitFeatureRequest:
    examples = [
        feature.FeatureExample(product=f"products/{name}", value=value if text == "light" else "-")
        for name, text in example_values().items()
    ]
    return feature.FitFeatureRequest(feature_id="limits", examples=examples, validate_only=True)


def _create(feature_id: str = "limits", **texts: Any) -> feature.CreateFeatureRequest:
    made = feature.CreateFeatureRequest(
        feature_id=feature_id, feature={"dimensions": [0, 1], **texts}, validate_only=True
    )
    return made


def _import(**fields: Any) -> imports.ImportProductsRequest:
    return imports.ImportProductsRequest(manifest="top.csv", validate_only=True, **fields)


def _traverse(**fields: Any) -> encoder.TraverseFeatureRequest:
    return encoder.TraverseFeatureRequest(feature="features/collar", **fields)


def _decode(mean: list[float]) -> encoder.DecodeEmbeddingRequest:
    request = encoder.DecodeEmbeddingRequest()
    request.source.embedding.mean.extend(mean)
    request.source.embedding.encoder = "encoders/default"
    return request


def _near(**fields: Any) -> duplicates.FindNearDuplicatesRequest:
    return duplicates.FindNearDuplicatesRequest(**fields)


CATALOG, SIMILARITY = "CatalogService.", "SimilarityService."
FEATURE, ENCODER = "FeatureService.", "EncoderService."
LIMITS = (
    Limit(
        CATALOG + "UpdateProduct", "product.name", lambda v: _product(name="products/" + v), *ids()
    ),
    Limit(
        CATALOG + "UpdateProduct", "display_name", lambda v: _product(display_name=v), *text(200)
    ),
    Limit(CATALOG + "UpdateProduct", "category", lambda v: _product(category=v), *text(128)),
    Limit(CATALOG + "UpdateProduct", "style_id", lambda v: _product(style_id=v), *ids()),
    Limit(CATALOG + "UpdateProduct", "labels.k", lambda v: _product(labels={"k": v}), *text(63)),
    Limit(CATALOG + "UpdateProduct", "labels", lambda v: _product(labels={v: "x"}), *text(63)),
    Limit(
        CATALOG + "UpdateProduct",
        "labels",
        lambda n: _product(labels=dict.fromkeys(_numbered("k", n), "x")),
        *count(0, 64),
    ),
    Limit(CATALOG + "UpdateProduct", "numbers", lambda v: _product(numbers={v: 1.0}), *text(63)),
    Limit(
        CATALOG + "UpdateProduct",
        "numbers",
        lambda n: _product(numbers=dict.fromkeys(_numbered("k", n), 1.0)),
        *count(0, 64),
    ),
    Limit(
        CATALOG + "UpdateProduct",
        "numbers.k",
        lambda v: _product(numbers={"k": v}),
        st.floats(allow_nan=False, allow_infinity=False),
        INFINITE,
    ),
    Limit(CATALOG + "BatchUpdateProducts", "requests", _batch, *count(1, 500)),
    Limit(
        CATALOG + "DeleteProduct",
        "request_id",
        lambda v: catalog.DeleteProductRequest(name="products/none", request_id=v),
        *ids(),
    ),
    Limit(
        CATALOG + "CreateProductImage",
        "image_id",
        lambda v: catalog.CreateProductImageRequest(
            parent="products/p1",
            product_image_id=v,
            product_image={"content": PHOTO},
            validate_only=True,
        ),
        *ids(),
    ),
    Limit(
        CATALOG + "ListProducts",
        "page_size",
        lambda v: catalog.ListProductsRequest(page_size=v),
        *PAGE_SIZES,
    ),
    Limit(
        CATALOG + "ListProductImages",
        "page_size",
        lambda v: catalog.ListProductImagesRequest(parent="products/p1", page_size=v),
        *PAGE_SIZES,
    ),
    Limit(
        CATALOG + "ImportProducts",
        "max_deleted_share",
        lambda v: _import(max_deleted_share=v),
        *real(0, 1),
    ),
    Limit(
        CATALOG + "ImportProducts", "request_id", lambda v: _import(request_id=v[:-1] + "i"), *ids()
    ),
    Limit(
        SIMILARITY + "SearchSimilarProducts",
        "page_size",
        lambda v: _search(page_size=v),
        *PAGE_SIZES,
    ),
    Limit(
        SIMILARITY + "SearchSimilarProducts",
        "min_sequence",
        lambda v: _search(min_sequence=v),
        st.sampled_from([0, 1, 2]),
        st.integers(-(2**63), -1),
    ),
    Limit(
        SIMILARITY + "SearchSimilarProducts",
        "weight",
        lambda v: _search(feature_weights=[{"feature": "features/collar", "weight": v}]),
        st.floats(1e-3, 1e6),
        st.one_of(INFINITE, st.floats(max_value=-1e-9, allow_infinity=False)),
    ),
    Limit(SIMILARITY + "SearchSimilarProducts", "adjustments", _adjustments, *count(0, 16)),
    Limit(
        SIMILARITY + "SearchSimilarProducts",
        "adjustments.units",
        lambda v: _adjusted(units=v),
        *real(-100, 100),
    ),
    Limit(
        SIMILARITY + "SearchSimilarProducts",
        "adjustments.share",
        lambda v: _adjusted(value="light", share=v),
        *real(0, 2),
    ),
    Limit(
        SIMILARITY + "CompareProducts",
        "products",
        lambda n: similarity.CompareProductsRequest(
            products=[f"products/{id}" for id in _numbered("p1", n)]
        ),
        *count(2, 10),
    ),
    Limit(
        SIMILARITY + "FindNearDuplicates",
        "max_group_count",
        lambda v: _near(max_group_count=v),
        *whole(1, 1000),
    ),
    Limit(
        SIMILARITY + "FindNearDuplicates",
        "request_id",
        lambda v: _near(request_id=v[:-1] + "d"),
        *ids(),
    ),
    Limit(
        SIMILARITY + "FindNearDuplicates",
        "distance",
        lambda v: _near(alike=[{"feature": "features/collar", "distance": v}]),
        st.floats(1e-6, 1e6),
        st.one_of(INFINITE, st.floats(max_value=-1e-9, allow_infinity=False)),
    ),
    Limit(FEATURE + "CreateFeature", "feature_id", lambda v: _create(feature_id=v), *ids()),
    Limit(FEATURE + "CreateFeature", "display_name", lambda v: _create(display_name=v), *text(200)),
    Limit(FEATURE + "CreateFeature", "description", lambda v: _create(description=v), *text(2000)),
    Limit(
        FEATURE + "CreateFeature",
        "dimensions",
        lambda v: _create(dimensions=[v]),
        *whole(0, 7),
    ),
    Limit(FEATURE + "FitFeature", "examples", lambda v: _fit(value=v), *text(63)),
    Limit(
        FEATURE + "ListFeatures",
        "page_size",
        lambda v: feature.ListFeaturesRequest(page_size=v),
        *PAGE_SIZES,
    ),
    Limit(
        FEATURE + "ListFeatureExamples",
        "page_size",
        lambda v: feature.ListFeatureExamplesRequest(parent="features/fitted", page_size=v),
        *PAGE_SIZES,
    ),
    Limit(
        ENCODER + "ActivateEncoder",
        "categories",
        lambda n: encoder.ActivateEncoderRequest(
            name="encoders/none", categories=_numbered("c", n)
        ),
        *count(0, 200),
    ),
    Limit(
        ENCODER + "ActivateEncoder",
        "categories",
        lambda v: encoder.ActivateEncoderRequest(name="encoders/none", categories=[v]),
        *text(128),
    ),
    Limit(
        ENCODER + "ListEncoders",
        "page_size",
        lambda v: encoder.ListEncodersRequest(page_size=v),
        *PAGE_SIZES,
    ),
    Limit(
        ENCODER + "TraverseFeature",
        "frame_count",
        lambda v: _traverse(frame_count=v),
        *whole(2, 21),
    ),
    Limit(
        ENCODER + "TraverseFeature",
        "direction_count",
        lambda v: _traverse(direction_count=v),
        *whole(1, 8),
    ),
    Limit(
        ENCODER + "TraverseFeature",
        "reach",
        lambda v: _traverse(reach=v),
        st.floats(1e-6, 6),
        st.one_of(INFINITE, st.sampled_from([-1e-6, -1.0, 6.000001, 1e300])),
    ),
    Limit(
        ENCODER + "InterpolateEmbeddings",
        "frame_count",
        lambda v: encoder.InterpolateEmbeddingsRequest(
            start={"product": "products/p1"}, end={"product": "products/p2"}, frame_count=v
        ),
        *whole(2, 21),
    ),
    Limit(
        ENCODER + "DecodeEmbedding",
        "embedding.mean",
        lambda n: _decode([0.5] * n),
        st.just(8),
        st.sampled_from([0, 1, 7, 9, 10_000]),
    ),
    Limit(
        ENCODER + "DecodeEmbedding",
        "embedding.mean",
        lambda v: _decode([v] * 8),
        st.floats(-5, 5, width=32),
        INFINITE,
    ),
    Limit(
        "Operations.ListOperations",
        "page_size",
        lambda v: operations_pb2.ListOperationsRequest(page_size=v),
        *PAGE_SIZES,
    ),
)
