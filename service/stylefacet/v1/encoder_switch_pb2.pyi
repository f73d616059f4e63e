from google.api import resource_pb2 as _resource_pb2
from stylefacet.v1 import feature_pb2 as _feature_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SwitchEncodersResponse(_message.Message):
    __slots__ = ("earlier", "later", "shifts", "features", "sequence_number")
    EARLIER_FIELD_NUMBER: _ClassVar[int]
    LATER_FIELD_NUMBER: _ClassVar[int]
    SHIFTS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    earlier: EncoderAssignment
    later: EncoderAssignment
    shifts: _containers.RepeatedCompositeFieldContainer[EncoderShift]
    features: _containers.RepeatedCompositeFieldContainer[FeatureShift]
    sequence_number: int
    def __init__(self, earlier: _Optional[_Union[EncoderAssignment, _Mapping]] = ..., later: _Optional[_Union[EncoderAssignment, _Mapping]] = ..., shifts: _Optional[_Iterable[_Union[EncoderShift, _Mapping]]] = ..., features: _Optional[_Iterable[_Union[FeatureShift, _Mapping]]] = ..., sequence_number: _Optional[int] = ...) -> None: ...

class EncoderAssignment(_message.Message):
    __slots__ = ("default_encoder", "encoders")
    class EncodersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DEFAULT_ENCODER_FIELD_NUMBER: _ClassVar[int]
    ENCODERS_FIELD_NUMBER: _ClassVar[int]
    default_encoder: str
    encoders: _containers.ScalarMap[str, str]
    def __init__(self, default_encoder: _Optional[str] = ..., encoders: _Optional[_Mapping[str, str]] = ...) -> None: ...

class EncoderShift(_message.Message):
    __slots__ = ("encoder", "image_count", "embedded_count", "lacking_input_count", "enlarged_count", "novel_share_before", "novel_share_after", "sample_count")
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    EMBEDDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    LACKING_INPUT_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENLARGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    NOVEL_SHARE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    NOVEL_SHARE_AFTER_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    encoder: str
    image_count: int
    embedded_count: int
    lacking_input_count: int
    enlarged_count: int
    novel_share_before: float
    novel_share_after: float
    sample_count: int
    def __init__(self, encoder: _Optional[str] = ..., image_count: _Optional[int] = ..., embedded_count: _Optional[int] = ..., lacking_input_count: _Optional[int] = ..., enlarged_count: _Optional[int] = ..., novel_share_before: _Optional[float] = ..., novel_share_after: _Optional[float] = ..., sample_count: _Optional[int] = ...) -> None: ...

class FeatureShift(_message.Message):
    __slots__ = ("feature", "encoder", "fate", "quality_before", "quality_after", "explanation")
    class Fate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FATE_UNSPECIFIED: _ClassVar[FeatureShift.Fate]
        BUNDLED: _ClassVar[FeatureShift.Fate]
        BUNDLE_LACKS_IT: _ClassVar[FeatureShift.Fate]
        KEPT: _ClassVar[FeatureShift.Fate]
        REFITTED: _ClassVar[FeatureShift.Fate]
        UNAVAILABLE: _ClassVar[FeatureShift.Fate]
        NOT_FITTED: _ClassVar[FeatureShift.Fate]
    FATE_UNSPECIFIED: FeatureShift.Fate
    BUNDLED: FeatureShift.Fate
    BUNDLE_LACKS_IT: FeatureShift.Fate
    KEPT: FeatureShift.Fate
    REFITTED: FeatureShift.Fate
    UNAVAILABLE: FeatureShift.Fate
    NOT_FITTED: FeatureShift.Fate
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    FATE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_BEFORE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_AFTER_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    feature: str
    encoder: str
    fate: FeatureShift.Fate
    quality_before: _feature_pb2.FeatureQuality
    quality_after: _feature_pb2.FeatureQuality
    explanation: str
    def __init__(self, feature: _Optional[str] = ..., encoder: _Optional[str] = ..., fate: _Optional[_Union[FeatureShift.Fate, str]] = ..., quality_before: _Optional[_Union[_feature_pb2.FeatureQuality, _Mapping]] = ..., quality_after: _Optional[_Union[_feature_pb2.FeatureQuality, _Mapping]] = ..., explanation: _Optional[str] = ...) -> None: ...
