from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FindNearDuplicatesRequest(_message.Message):
    __slots__ = ("alike", "different", "filter", "leave_out_same_style", "max_group_count", "request_id", "encoder")
    ALIKE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LEAVE_OUT_SAME_STYLE_FIELD_NUMBER: _ClassVar[int]
    MAX_GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    alike: _containers.RepeatedCompositeFieldContainer[FeatureThreshold]
    different: _containers.RepeatedCompositeFieldContainer[FeatureThreshold]
    filter: str
    leave_out_same_style: bool
    max_group_count: int
    request_id: str
    encoder: str
    def __init__(self, alike: _Optional[_Iterable[_Union[FeatureThreshold, _Mapping]]] = ..., different: _Optional[_Iterable[_Union[FeatureThreshold, _Mapping]]] = ..., filter: _Optional[str] = ..., leave_out_same_style: _Optional[bool] = ..., max_group_count: _Optional[int] = ..., request_id: _Optional[str] = ..., encoder: _Optional[str] = ...) -> None: ...

class FeatureThreshold(_message.Message):
    __slots__ = ("feature", "distance")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    feature: str
    distance: float
    def __init__(self, feature: _Optional[str] = ..., distance: _Optional[float] = ...) -> None: ...

class FindNearDuplicatesResponse(_message.Message):
    __slots__ = ("groups", "group_count", "grouped_product_count", "product_count", "image_count", "pair_count", "alike", "different", "encoder", "sequence_number")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    GROUPED_PRODUCT_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_COUNT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PAIR_COUNT_FIELD_NUMBER: _ClassVar[int]
    ALIKE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENT_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[NearDuplicateGroup]
    group_count: int
    grouped_product_count: int
    product_count: int
    image_count: int
    pair_count: int
    alike: _containers.RepeatedCompositeFieldContainer[FeatureThreshold]
    different: _containers.RepeatedCompositeFieldContainer[FeatureThreshold]
    encoder: str
    sequence_number: int
    def __init__(self, groups: _Optional[_Iterable[_Union[NearDuplicateGroup, _Mapping]]] = ..., group_count: _Optional[int] = ..., grouped_product_count: _Optional[int] = ..., product_count: _Optional[int] = ..., image_count: _Optional[int] = ..., pair_count: _Optional[int] = ..., alike: _Optional[_Iterable[_Union[FeatureThreshold, _Mapping]]] = ..., different: _Optional[_Iterable[_Union[FeatureThreshold, _Mapping]]] = ..., encoder: _Optional[str] = ..., sequence_number: _Optional[int] = ...) -> None: ...

class NearDuplicateGroup(_message.Message):
    __slots__ = ("products", "pairs", "limits", "product_count")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_COUNT_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[NearDuplicate]
    pairs: _containers.RepeatedCompositeFieldContainer[NearDuplicatePair]
    limits: _containers.RepeatedCompositeFieldContainer[FeatureThreshold]
    product_count: int
    def __init__(self, products: _Optional[_Iterable[_Union[NearDuplicate, _Mapping]]] = ..., pairs: _Optional[_Iterable[_Union[NearDuplicatePair, _Mapping]]] = ..., limits: _Optional[_Iterable[_Union[FeatureThreshold, _Mapping]]] = ..., product_count: _Optional[int] = ...) -> None: ...

class NearDuplicate(_message.Message):
    __slots__ = ("product", "display_name", "category", "style_id", "product_image")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    STYLE_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    product: str
    display_name: str
    category: str
    style_id: str
    product_image: str
    def __init__(self, product: _Optional[str] = ..., display_name: _Optional[str] = ..., category: _Optional[str] = ..., style_id: _Optional[str] = ..., product_image: _Optional[str] = ...) -> None: ...

class NearDuplicatePair(_message.Message):
    __slots__ = ("first", "second", "squared_distance", "distances")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    SQUARED_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    DISTANCES_FIELD_NUMBER: _ClassVar[int]
    first: int
    second: int
    squared_distance: float
    distances: _containers.RepeatedCompositeFieldContainer[FeatureThreshold]
    def __init__(self, first: _Optional[int] = ..., second: _Optional[int] = ..., squared_distance: _Optional[float] = ..., distances: _Optional[_Iterable[_Union[FeatureThreshold, _Mapping]]] = ...) -> None: ...
