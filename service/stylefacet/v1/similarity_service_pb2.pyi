from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from stylefacet.v1 import encoder_pb2 as _encoder_pb2
from stylefacet.v1 import near_duplicates_pb2 as _near_duplicates_pb2
from stylefacet.v1 import product_pb2 as _product_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchSimilarProductsRequest(_message.Message):
    __slots__ = ("product", "content", "embedding", "feature_weights", "filter", "page_size", "page_token", "group_by_style", "adjustments", "min_sequence", "category")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    FEATURE_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_STYLE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTMENTS_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    product: str
    content: bytes
    embedding: _encoder_pb2.Embedding
    feature_weights: _containers.RepeatedCompositeFieldContainer[FeatureWeight]
    filter: str
    page_size: int
    page_token: str
    group_by_style: bool
    adjustments: _containers.RepeatedCompositeFieldContainer[FeatureAdjustment]
    min_sequence: int
    category: str
    def __init__(self, product: _Optional[str] = ..., content: _Optional[bytes] = ..., embedding: _Optional[_Union[_encoder_pb2.Embedding, _Mapping]] = ..., feature_weights: _Optional[_Iterable[_Union[FeatureWeight, _Mapping]]] = ..., filter: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., group_by_style: _Optional[bool] = ..., adjustments: _Optional[_Iterable[_Union[FeatureAdjustment, _Mapping]]] = ..., min_sequence: _Optional[int] = ..., category: _Optional[str] = ...) -> None: ...

class FeatureWeight(_message.Message):
    __slots__ = ("feature", "weight")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    feature: str
    weight: float
    def __init__(self, feature: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class FeatureAdjustment(_message.Message):
    __slots__ = ("feature", "value", "units", "product", "share", "order")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    feature: str
    value: str
    units: float
    product: str
    share: float
    order: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, feature: _Optional[str] = ..., value: _Optional[str] = ..., units: _Optional[float] = ..., product: _Optional[str] = ..., share: _Optional[float] = ..., order: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchSimilarProductsResponse(_message.Message):
    __slots__ = ("similar_products", "next_page_token", "encoder", "sequence_number", "query_novelty", "query_move")
    SIMILAR_PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    QUERY_NOVELTY_FIELD_NUMBER: _ClassVar[int]
    QUERY_MOVE_FIELD_NUMBER: _ClassVar[int]
    similar_products: _containers.RepeatedCompositeFieldContainer[SimilarProduct]
    next_page_token: str
    encoder: str
    sequence_number: int
    query_novelty: float
    query_move: QueryMove
    def __init__(self, similar_products: _Optional[_Iterable[_Union[SimilarProduct, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., encoder: _Optional[str] = ..., sequence_number: _Optional[int] = ..., query_novelty: _Optional[float] = ..., query_move: _Optional[_Union[QueryMove, _Mapping]] = ...) -> None: ...

class QueryMove(_message.Message):
    __slots__ = ("latent_distance", "feature_moves", "embeddings")
    LATENT_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    FEATURE_MOVES_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    latent_distance: float
    feature_moves: _containers.RepeatedCompositeFieldContainer[FeatureMove]
    embeddings: _containers.RepeatedCompositeFieldContainer[_encoder_pb2.Embedding]
    def __init__(self, latent_distance: _Optional[float] = ..., feature_moves: _Optional[_Iterable[_Union[FeatureMove, _Mapping]]] = ..., embeddings: _Optional[_Iterable[_Union[_encoder_pb2.Embedding, _Mapping]]] = ...) -> None: ...

class FeatureMove(_message.Message):
    __slots__ = ("feature", "requested", "distance", "value_before", "value_after")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    VALUE_AFTER_FIELD_NUMBER: _ClassVar[int]
    feature: str
    requested: bool
    distance: float
    value_before: str
    value_after: str
    def __init__(self, feature: _Optional[str] = ..., requested: _Optional[bool] = ..., distance: _Optional[float] = ..., value_before: _Optional[str] = ..., value_after: _Optional[str] = ...) -> None: ...

class SimilarProduct(_message.Message):
    __slots__ = ("product", "product_image", "squared_distance", "feature_distances", "query_image", "other_style_product_count")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    SQUARED_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    FEATURE_DISTANCES_FIELD_NUMBER: _ClassVar[int]
    QUERY_IMAGE_FIELD_NUMBER: _ClassVar[int]
    OTHER_STYLE_PRODUCT_COUNT_FIELD_NUMBER: _ClassVar[int]
    product: _product_pb2.Product
    product_image: str
    squared_distance: float
    feature_distances: _containers.RepeatedCompositeFieldContainer[FeatureDistance]
    query_image: str
    other_style_product_count: int
    def __init__(self, product: _Optional[_Union[_product_pb2.Product, _Mapping]] = ..., product_image: _Optional[str] = ..., squared_distance: _Optional[float] = ..., feature_distances: _Optional[_Iterable[_Union[FeatureDistance, _Mapping]]] = ..., query_image: _Optional[str] = ..., other_style_product_count: _Optional[int] = ...) -> None: ...

class FeatureDistance(_message.Message):
    __slots__ = ("feature", "distance", "contribution")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    feature: str
    distance: float
    contribution: float
    def __init__(self, feature: _Optional[str] = ..., distance: _Optional[float] = ..., contribution: _Optional[float] = ...) -> None: ...

class CompareProductsRequest(_message.Message):
    __slots__ = ("products", "feature_weights")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedScalarFieldContainer[str]
    feature_weights: _containers.RepeatedCompositeFieldContainer[FeatureWeight]
    def __init__(self, products: _Optional[_Iterable[str]] = ..., feature_weights: _Optional[_Iterable[_Union[FeatureWeight, _Mapping]]] = ...) -> None: ...

class CompareProductsResponse(_message.Message):
    __slots__ = ("products", "pairs", "summary", "encoder", "sequence_number")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[_product_pb2.Product]
    pairs: _containers.RepeatedCompositeFieldContainer[ProductPair]
    summary: str
    encoder: str
    sequence_number: int
    def __init__(self, products: _Optional[_Iterable[_Union[_product_pb2.Product, _Mapping]]] = ..., pairs: _Optional[_Iterable[_Union[ProductPair, _Mapping]]] = ..., summary: _Optional[str] = ..., encoder: _Optional[str] = ..., sequence_number: _Optional[int] = ...) -> None: ...

class ProductPair(_message.Message):
    __slots__ = ("product_image", "other_product_image", "squared_distance", "feature_comparisons")
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    OTHER_PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    SQUARED_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    FEATURE_COMPARISONS_FIELD_NUMBER: _ClassVar[int]
    product_image: str
    other_product_image: str
    squared_distance: float
    feature_comparisons: _containers.RepeatedCompositeFieldContainer[FeatureComparison]
    def __init__(self, product_image: _Optional[str] = ..., other_product_image: _Optional[str] = ..., squared_distance: _Optional[float] = ..., feature_comparisons: _Optional[_Iterable[_Union[FeatureComparison, _Mapping]]] = ...) -> None: ...

class FeatureComparison(_message.Message):
    __slots__ = ("feature", "distance", "nearer_share", "alike", "value", "other_value")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    NEARER_SHARE_FIELD_NUMBER: _ClassVar[int]
    ALIKE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    OTHER_VALUE_FIELD_NUMBER: _ClassVar[int]
    feature: str
    distance: float
    nearer_share: float
    alike: bool
    value: str
    other_value: str
    def __init__(self, feature: _Optional[str] = ..., distance: _Optional[float] = ..., nearer_share: _Optional[float] = ..., alike: _Optional[bool] = ..., value: _Optional[str] = ..., other_value: _Optional[str] = ...) -> None: ...
