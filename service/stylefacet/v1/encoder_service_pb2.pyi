from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.rpc import status_pb2 as _status_pb2
from stylefacet.v1 import encoder_pb2 as _encoder_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

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
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

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
