from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from stylefacet.v1 import encoder_pb2 as _encoder_pb2
from stylefacet.v1 import product_pb2 as _product_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchSimilarProductsRequest(_message.Message):
    __slots__ = ("product", "content", "embedding", "feature_weights", "filter", "page_size", "page_token", "group_by_style")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    FEATURE_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_STYLE_FIELD_NUMBER: _ClassVar[int]
    product: str
    content: bytes
    embedding: _encoder_pb2.Embedding
    feature_weights: _containers.RepeatedCompositeFieldContainer[FeatureWeight]
    filter: str
    page_size: int
    page_token: str
    group_by_style: bool
    def __init__(self, product: _Optional[str] = ..., content: _Optional[bytes] = ..., embedding: _Optional[_Union[_encoder_pb2.Embedding, _Mapping]] = ..., feature_weights: _Optional[_Iterable[_Union[FeatureWeight, _Mapping]]] = ..., filter: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., group_by_style: _Optional[bool] = ...) -> None: ...

class FeatureWeight(_message.Message):
    __slots__ = ("feature", "weight")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    feature: str
    weight: float
    def __init__(self, feature: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class SearchSimilarProductsResponse(_message.Message):
    __slots__ = ("similar_products", "next_page_token", "encoder", "sequence_number", "query_novelty")
    SIMILAR_PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    QUERY_NOVELTY_FIELD_NUMBER: _ClassVar[int]
    similar_products: _containers.RepeatedCompositeFieldContainer[SimilarProduct]
    next_page_token: str
    encoder: str
    sequence_number: int
    query_novelty: float
    def __init__(self, similar_products: _Optional[_Iterable[_Union[SimilarProduct, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., encoder: _Optional[str] = ..., sequence_number: _Optional[int] = ..., query_novelty: _Optional[float] = ...) -> None: ...

class SimilarProduct(_message.Message):
    __slots__ = ("product", "product_image", "squared_distance", "feature_distances")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    SQUARED_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    FEATURE_DISTANCES_FIELD_NUMBER: _ClassVar[int]
    product: _product_pb2.Product
    product_image: str
    squared_distance: float
    feature_distances: _containers.RepeatedCompositeFieldContainer[FeatureDistance]
    def __init__(self, product: _Optional[_Union[_product_pb2.Product, _Mapping]] = ..., product_image: _Optional[str] = ..., squared_distance: _Optional[float] = ..., feature_distances: _Optional[_Iterable[_Union[FeatureDistance, _Mapping]]] = ...) -> None: ...

class FeatureDistance(_message.Message):
    __slots__ = ("feature", "distance", "contribution")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    feature: str
    distance: float
    contribution: float
    def __init__(self, feature: _Optional[str] = ..., distance: _Optional[float] = ..., contribution: _Optional[float] = ...) -> None: ...
