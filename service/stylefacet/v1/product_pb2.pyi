import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from stylefacet.v1 import encoder_pb2 as _encoder_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProductImageView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRODUCT_IMAGE_VIEW_UNSPECIFIED: _ClassVar[ProductImageView]
    PRODUCT_IMAGE_VIEW_BASIC: _ClassVar[ProductImageView]
    PRODUCT_IMAGE_VIEW_FULL: _ClassVar[ProductImageView]
    PRODUCT_IMAGE_VIEW_THUMBNAIL: _ClassVar[ProductImageView]
PRODUCT_IMAGE_VIEW_UNSPECIFIED: ProductImageView
PRODUCT_IMAGE_VIEW_BASIC: ProductImageView
PRODUCT_IMAGE_VIEW_FULL: ProductImageView
PRODUCT_IMAGE_VIEW_THUMBNAIL: ProductImageView

class Product(_message.Message):
    __slots__ = ("name", "display_name", "category", "labels", "numbers", "style_id", "create_time", "update_time", "etag", "sequence_number")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class NumbersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    STYLE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    category: str
    labels: _containers.ScalarMap[str, str]
    numbers: _containers.ScalarMap[str, float]
    style_id: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    sequence_number: int
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., category: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., numbers: _Optional[_Mapping[str, float]] = ..., style_id: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., sequence_number: _Optional[int] = ...) -> None: ...

class ProductImage(_message.Message):
    __slots__ = ("name", "content", "content_sha256", "width_px", "height_px", "embedding", "thumbnail", "create_time", "sequence_number")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    content_sha256: str
    width_px: int
    height_px: int
    embedding: _encoder_pb2.Embedding
    thumbnail: bytes
    create_time: _timestamp_pb2.Timestamp
    sequence_number: int
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ..., content_sha256: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., embedding: _Optional[_Union[_encoder_pb2.Embedding, _Mapping]] = ..., thumbnail: _Optional[bytes] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sequence_number: _Optional[int] = ...) -> None: ...
