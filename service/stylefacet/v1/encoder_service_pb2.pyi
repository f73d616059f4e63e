from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.rpc import status_pb2 as _status_pb2
from stylefacet.v1 import encoder_pb2 as _encoder_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class InstallEncoderRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class UploadEncoderRequest(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    def __init__(self, content: _Optional[bytes] = ...) -> None: ...

class ActivateEncoderRequest(_message.Message):
    __slots__ = ("name", "categories", "validate_only", "allow_missing_inputs", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_INPUTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    validate_only: bool
    allow_missing_inputs: bool
    request_id: str
    def __init__(self, name: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ..., validate_only: _Optional[bool] = ..., allow_missing_inputs: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class RollbackEncoderRequest(_message.Message):
    __slots__ = ("validate_only", "allow_missing_inputs", "request_id")
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_INPUTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    validate_only: bool
    allow_missing_inputs: bool
    request_id: str
    def __init__(self, validate_only: _Optional[bool] = ..., allow_missing_inputs: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class DeleteEncoderRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListEncodersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEncodersResponse(_message.Message):
    __slots__ = ("encoders", "next_page_token")
    ENCODERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    encoders: _containers.RepeatedCompositeFieldContainer[_encoder_pb2.Encoder]
    next_page_token: str
    def __init__(self, encoders: _Optional[_Iterable[_Union[_encoder_pb2.Encoder, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetEncoderRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class EmbedImageRequest(_message.Message):
    __slots__ = ("name", "content", "category")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    category: str
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ..., category: _Optional[str] = ...) -> None: ...

class EmbedImageResponse(_message.Message):
    __slots__ = ("embedding",)
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    embedding: _encoder_pb2.Embedding
    def __init__(self, embedding: _Optional[_Union[_encoder_pb2.Embedding, _Mapping]] = ...) -> None: ...

class StreamingEmbedImagesRequest(_message.Message):
    __slots__ = ("sequence_number", "request")
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    sequence_number: int
    request: EmbedImageRequest
    def __init__(self, sequence_number: _Optional[int] = ..., request: _Optional[_Union[EmbedImageRequest, _Mapping]] = ...) -> None: ...

class StreamingEmbedImagesResponse(_message.Message):
    __slots__ = ("sequence_number", "embedding", "error")
    SEQUENCE_NUMBER_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    sequence_number: int
    embedding: _encoder_pb2.Embedding
    error: _status_pb2.Status
    def __init__(self, sequence_number: _Optional[int] = ..., embedding: _Optional[_Union[_encoder_pb2.Embedding, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class PictureSource(_message.Message):
    __slots__ = ("product", "product_image", "content", "embedding")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_IMAGE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    product: str
    product_image: str
    content: bytes
    embedding: _encoder_pb2.Embedding
    def __init__(self, product: _Optional[str] = ..., product_image: _Optional[str] = ..., content: _Optional[bytes] = ..., embedding: _Optional[_Union[_encoder_pb2.Embedding, _Mapping]] = ...) -> None: ...

class PictureFrame(_message.Message):
    __slots__ = ("png", "embedding")
    PNG_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    embedding: _encoder_pb2.Embedding
    def __init__(self, png: _Optional[bytes] = ..., embedding: _Optional[_Union[_encoder_pb2.Embedding, _Mapping]] = ...) -> None: ...

class DecodeEmbeddingRequest(_message.Message):
    __slots__ = ("source",)
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    source: PictureSource
    def __init__(self, source: _Optional[_Union[PictureSource, _Mapping]] = ...) -> None: ...

class DecodeEmbeddingResponse(_message.Message):
    __slots__ = ("frame",)
    FRAME_FIELD_NUMBER: _ClassVar[int]
    frame: PictureFrame
    def __init__(self, frame: _Optional[_Union[PictureFrame, _Mapping]] = ...) -> None: ...

class TraverseFeatureRequest(_message.Message):
    __slots__ = ("feature", "source", "path", "frame_count", "direction_count", "reach", "order", "encoder")
    class Path(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PATH_UNSPECIFIED: _ClassVar[TraverseFeatureRequest.Path]
        AXES: _ClassVar[TraverseFeatureRequest.Path]
        VALUES: _ClassVar[TraverseFeatureRequest.Path]
    PATH_UNSPECIFIED: TraverseFeatureRequest.Path
    AXES: TraverseFeatureRequest.Path
    VALUES: TraverseFeatureRequest.Path
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    REACH_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    feature: str
    source: PictureSource
    path: TraverseFeatureRequest.Path
    frame_count: int
    direction_count: int
    reach: float
    order: _containers.RepeatedScalarFieldContainer[str]
    encoder: str
    def __init__(self, feature: _Optional[str] = ..., source: _Optional[_Union[PictureSource, _Mapping]] = ..., path: _Optional[_Union[TraverseFeatureRequest.Path, str]] = ..., frame_count: _Optional[int] = ..., direction_count: _Optional[int] = ..., reach: _Optional[float] = ..., order: _Optional[_Iterable[str]] = ..., encoder: _Optional[str] = ...) -> None: ...

class TraverseFeatureResponse(_message.Message):
    __slots__ = ("start", "traversals", "encoder")
    START_FIELD_NUMBER: _ClassVar[int]
    TRAVERSALS_FIELD_NUMBER: _ClassVar[int]
    ENCODER_FIELD_NUMBER: _ClassVar[int]
    start: PictureFrame
    traversals: _containers.RepeatedCompositeFieldContainer[Traversal]
    encoder: str
    def __init__(self, start: _Optional[_Union[PictureFrame, _Mapping]] = ..., traversals: _Optional[_Iterable[_Union[Traversal, _Mapping]]] = ..., encoder: _Optional[str] = ...) -> None: ...

class Traversal(_message.Message):
    __slots__ = ("start_position", "frames", "low_value", "high_value")
    START_POSITION_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    LOW_VALUE_FIELD_NUMBER: _ClassVar[int]
    HIGH_VALUE_FIELD_NUMBER: _ClassVar[int]
    start_position: float
    frames: _containers.RepeatedCompositeFieldContainer[TraversalFrame]
    low_value: str
    high_value: str
    def __init__(self, start_position: _Optional[float] = ..., frames: _Optional[_Iterable[_Union[TraversalFrame, _Mapping]]] = ..., low_value: _Optional[str] = ..., high_value: _Optional[str] = ...) -> None: ...

class TraversalFrame(_message.Message):
    __slots__ = ("frame", "offset", "position", "value")
    FRAME_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    frame: PictureFrame
    offset: float
    position: float
    value: str
    def __init__(self, frame: _Optional[_Union[PictureFrame, _Mapping]] = ..., offset: _Optional[float] = ..., position: _Optional[float] = ..., value: _Optional[str] = ...) -> None: ...

class InterpolateEmbeddingsRequest(_message.Message):
    __slots__ = ("start", "end", "frame_count")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    start: PictureSource
    end: PictureSource
    frame_count: int
    def __init__(self, start: _Optional[_Union[PictureSource, _Mapping]] = ..., end: _Optional[_Union[PictureSource, _Mapping]] = ..., frame_count: _Optional[int] = ...) -> None: ...

class InterpolateEmbeddingsResponse(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[PictureFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[PictureFrame, _Mapping]]] = ...) -> None: ...
