from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from stylefacet.v1 import feature_pb2 as _feature_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListFeaturesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "encoder")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    encoder: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., encoder: _Optional[str] = ...) -> None: ...

class ListFeaturesResponse(_message.Message):
    __slots__ = ("features", "next_page_token")
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    features: _containers.RepeatedCompositeFieldContainer[_feature_pb2.Feature]
    next_page_token: str
    def __init__(self, features: _Optional[_Iterable[_Union[_feature_pb2.Feature, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetFeatureRequest(_message.Message):
    __slots__ = ("name", "encoder")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    name: str
    encoder: str
    def __init__(self, name: _Optional[str] = ..., encoder: _Optional[str] = ...) -> None: ...

class CreateFeatureRequest(_message.Message):
    __slots__ = ("feature_id", "feature", "block", "validate_only", "request_id", "encoder")
    FEATURE_ID_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    feature_id: str
    feature: _feature_pb2.Feature
    block: str
    validate_only: bool
    request_id: str
    encoder: str
    def __init__(self, feature_id: _Optional[str] = ..., feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ..., block: _Optional[str] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., encoder: _Optional[str] = ...) -> None: ...

class FeatureExample(_message.Message):
    __slots__ = ("product", "value")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    product: str
    value: str
    def __init__(self, product: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class FitFeatureRequest(_message.Message):
    __slots__ = ("feature_id", "display_name", "examples", "validate_only", "request_id", "description", "encoder")
    FEATURE_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    feature_id: str
    display_name: str
    examples: _containers.RepeatedCompositeFieldContainer[FeatureExample]
    validate_only: bool
    request_id: str
    description: str
    encoder: str
    def __init__(self, feature_id: _Optional[str] = ..., display_name: _Optional[str] = ..., examples: _Optional[_Iterable[_Union[FeatureExample, _Mapping]]] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., description: _Optional[str] = ..., encoder: _Optional[str] = ...) -> None: ...

class UpdateFeatureRequest(_message.Message):
    __slots__ = ("feature", "update_mask", "examples", "keep_examples", "refit", "refresh_scale", "validate_only", "request_id", "encoder")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    KEEP_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    REFIT_FIELD_NUMBER: _ClassVar[int]
    REFRESH_SCALE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    feature: _feature_pb2.Feature
    update_mask: _field_mask_pb2.FieldMask
    examples: _containers.RepeatedCompositeFieldContainer[FeatureExample]
    keep_examples: bool
    refit: bool
    refresh_scale: bool
    validate_only: bool
    request_id: str
    encoder: str
    def __init__(self, feature: _Optional[_Union[_feature_pb2.Feature, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., examples: _Optional[_Iterable[_Union[FeatureExample, _Mapping]]] = ..., keep_examples: _Optional[bool] = ..., refit: _Optional[bool] = ..., refresh_scale: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., encoder: _Optional[str] = ...) -> None: ...

class ListFeatureExamplesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFeatureExamplesResponse(_message.Message):
    __slots__ = ("examples", "next_page_token")
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    examples: _containers.RepeatedCompositeFieldContainer[FeatureExample]
    next_page_token: str
    def __init__(self, examples: _Optional[_Iterable[_Union[FeatureExample, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PredictFeaturesRequest(_message.Message):
    __slots__ = ("product", "content", "features", "category")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    product: str
    content: bytes
    features: _containers.RepeatedScalarFieldContainer[str]
    category: str
    def __init__(self, product: _Optional[str] = ..., content: _Optional[bytes] = ..., features: _Optional[_Iterable[str]] = ..., category: _Optional[str] = ...) -> None: ...

class PredictFeaturesResponse(_message.Message):
    __slots__ = ("predictions", "encoder", "novelty")
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    NOVELTY_FIELD_NUMBER: _ClassVar[int]
    predictions: _containers.RepeatedCompositeFieldContainer[FeaturePrediction]
    encoder: str
    novelty: float
    def __init__(self, predictions: _Optional[_Iterable[_Union[FeaturePrediction, _Mapping]]] = ..., encoder: _Optional[str] = ..., novelty: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("name", "etag", "validate_only", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    validate_only: bool
    request_id: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...
