import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Encoder(_message.Message):
    __slots__ = ("name", "display_name", "input_height_px", "input_width_px", "latent_dimension_count", "blocks", "decodable", "quality", "training_data", "licence", "train_time", "novelty_p99", "serves_default", "categories", "install_time", "embedded_image_count")
    class QualityEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    INPUT_WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    LATENT_DIMENSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    DECODABLE_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    TRAINING_DATA_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    TRAIN_TIME_FIELD_NUMBER: _ClassVar[int]
    NOVELTY_P99_FIELD_NUMBER: _ClassVar[int]
    SERVES_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    INSTALL_TIME_FIELD_NUMBER: _ClassVar[int]
    EMBEDDED_IMAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    input_height_px: int
    input_width_px: int
    latent_dimension_count: int
    blocks: _containers.RepeatedCompositeFieldContainer[LatentBlock]
    decodable: bool
    quality: _containers.ScalarMap[str, float]
    training_data: str
    licence: str
    train_time: _timestamp_pb2.Timestamp
    novelty_p99: float
    serves_default: bool
    categories: _containers.RepeatedScalarFieldContainer[str]
    install_time: _timestamp_pb2.Timestamp
    embedded_image_count: int
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., input_height_px: _Optional[int] = ..., input_width_px: _Optional[int] = ..., latent_dimension_count: _Optional[int] = ..., blocks: _Optional[_Iterable[_Union[LatentBlock, _Mapping]]] = ..., decodable: _Optional[bool] = ..., quality: _Optional[_Mapping[str, float]] = ..., training_data: _Optional[str] = ..., licence: _Optional[str] = ..., train_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., novelty_p99: _Optional[float] = ..., serves_default: _Optional[bool] = ..., categories: _Optional[_Iterable[str]] = ..., install_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., embedded_image_count: _Optional[int] = ...) -> None: ...

class LatentBlock(_message.Message):
    __slots__ = ("block", "start", "end")
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    block: str
    start: int
    end: int
    def __init__(self, block: _Optional[str] = ..., start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("encoder", "mean", "novelty")
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    NOVELTY_FIELD_NUMBER: _ClassVar[int]
    encoder: str
    mean: _containers.RepeatedScalarFieldContainer[float]
    novelty: float
    def __init__(self, encoder: _Optional[str] = ..., mean: _Optional[_Iterable[float]] = ..., novelty: _Optional[float] = ...) -> None: ...
