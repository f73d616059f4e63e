import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Feature(_message.Message):
    __slots__ = ("name", "display_name", "kind", "origin", "dimensions", "coordinate_count", "scale", "encoder", "version", "quality", "values", "create_time", "description", "etag", "update_time", "example_count")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Feature.Kind]
        DIMENSIONS: _ClassVar[Feature.Kind]
        PROJECTION: _ClassVar[Feature.Kind]
    KIND_UNSPECIFIED: Feature.Kind
    DIMENSIONS: Feature.Kind
    PROJECTION: Feature.Kind
    class Origin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ORIGIN_UNSPECIFIED: _ClassVar[Feature.Origin]
        BUNDLED: _ClassVar[Feature.Origin]
        CREATED: _ClassVar[Feature.Origin]
    ORIGIN_UNSPECIFIED: Feature.Origin
    BUNDLED: Feature.Origin
    CREATED: Feature.Origin
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    COORDINATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    kind: Feature.Kind
    origin: Feature.Origin
    dimensions: _containers.RepeatedScalarFieldContainer[int]
    coordinate_count: int
    scale: float
    encoder: str
    version: int
    quality: FeatureQuality
    values: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    description: str
    etag: str
    update_time: _timestamp_pb2.Timestamp
    example_count: int
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., kind: _Optional[_Union[Feature.Kind, str]] = ..., origin: _Optional[_Union[Feature.Origin, str]] = ..., dimensions: _Optional[_Iterable[int]] = ..., coordinate_count: _Optional[int] = ..., scale: _Optional[float] = ..., encoder: _Optional[str] = ..., version: _Optional[int] = ..., quality: _Optional[_Union[FeatureQuality, _Mapping]] = ..., values: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., description: _Optional[str] = ..., etag: _Optional[str] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., example_count: _Optional[int] = ...) -> None: ...

class FeatureQuality(_message.Message):
    __slots__ = ("balanced_accuracy", "chance_accuracy", "precision_at_10", "chance_precision_at_10", "carried", "example_count", "calibration_error")
    BALANCED_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    CHANCE_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    PRECISION_AT_10_FIELD_NUMBER: _ClassVar[int]
    CHANCE_PRECISION_AT_10_FIELD_NUMBER: _ClassVar[int]
    CARRIED_FIELD_NUMBER: _ClassVar[int]
    EXAMPLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_ERROR_FIELD_NUMBER: _ClassVar[int]
    balanced_accuracy: float
    chance_accuracy: float
    precision_at_10: float
    chance_precision_at_10: float
    carried: bool
    example_count: int
    calibration_error: float
    def __init__(self, balanced_accuracy: _Optional[float] = ..., chance_accuracy: _Optional[float] = ..., precision_at_10: _Optional[float] = ..., chance_precision_at_10: _Optional[float] = ..., carried: _Optional[bool] = ..., example_count: _Optional[int] = ..., calibration_error: _Optional[float] = ...) -> None: ...
