from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from stylefacet.v1 import feature_pb2 as _feature_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListFeaturesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFeaturesResponse(_message.Message):
    __slots__ = ("features", "next_page_token")
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    features: _containers.RepeatedCompositeFieldContainer[_feature_pb2.Feature]
    next_page_token: str
    def __init__(self, features: _Optional[_Iterable[_Union[_feature_pb2.Feature, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetFeatureRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateFeatureRequest(_message.Message):
    __slots__ = ("feature_id", "feature", "block")
    FEATURE_ID_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    feature_id: str
    feature: _feature_pb2.Feature
    block: str
    def __init__(self, feature_id: _Optional[str] = ..., feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ..., block: _Optional[str] = ...) -> None: ...

class FeatureExample(_message.Message):
    __slots__ = ("product", "value")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    product: str
    value: str
    def __init__(self, product: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class FitFeatureRequest(_message.Message):
    __slots__ = ("feature_id", "display_name", "examples")
    FEATURE_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    feature_id: str
    display_name: str
    examples: _containers.RepeatedCompositeFieldContainer[FeatureExample]
    def __init__(self, feature_id: _Optional[str] = ..., display_name: _Optional[str] = ..., examples: _Optional[_Iterable[_Union[FeatureExample, _Mapping]]] = ...) -> None: ...

class PredictFeaturesRequest(_message.Message):
    __slots__ = ("product", "content", "features")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    product: str
    content: bytes
    features: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, product: _Optional[str] = ..., content: _Optional[bytes] = ..., features: _Optional[_Iterable[str]] = ...) -> None: ...

class PredictFeaturesResponse(_message.Message):
    __slots__ = ("predictions",)
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    predictions: _containers.RepeatedCompositeFieldContainer[FeaturePrediction]
    def __init__(self, predictions: _Optional[_Iterable[_Union[FeaturePrediction, _Mapping]]] = ...) -> None: ...

class FeaturePrediction(_message.Message):
    __slots__ = ("feature", "carried", "values")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    CARRIED_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    feature: str
    carried: bool
    values: _containers.RepeatedCompositeFieldContainer[ValueProbability]
    def __init__(self, feature: _Optional[str] = ..., carried: _Optional[bool] = ..., values: _Optional[_Iterable[_Union[ValueProbability, _Mapping]]] = ...) -> None: ...

class ValueProbability(_message.Message):
    __slots__ = ("value", "probability")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    value: str
    probability: float
    def __init__(self, value: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class DeleteFeatureRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...
