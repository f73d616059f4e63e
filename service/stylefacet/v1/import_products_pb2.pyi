from google.api import field_behavior_pb2 as _field_behavior_pb2
from stylefacet.v1 import operations_pb2 as _operations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ImportProductsRequest(_message.Message):
    __slots__ = ("manifest", "column_mappings", "default_category", "mode", "max_deleted_share", "validate_only", "request_id")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[ImportProductsRequest.Mode]
        MERGE: _ClassVar[ImportProductsRequest.Mode]
        REPLACE: _ClassVar[ImportProductsRequest.Mode]
    MODE_UNSPECIFIED: ImportProductsRequest.Mode
    MERGE: ImportProductsRequest.Mode
    REPLACE: ImportProductsRequest.Mode
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    COLUMN_MAPPINGS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    MAX_DELETED_SHARE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    manifest: str
    column_mappings: _containers.RepeatedCompositeFieldContainer[ColumnMapping]
    default_category: str
    mode: ImportProductsRequest.Mode
    max_deleted_share: float
    validate_only: bool
    request_id: str
    def __init__(self, manifest: _Optional[str] = ..., column_mappings: _Optional[_Iterable[_Union[ColumnMapping, _Mapping]]] = ..., default_category: _Optional[str] = ..., mode: _Optional[_Union[ImportProductsRequest.Mode, str]] = ..., max_deleted_share: _Optional[float] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class ColumnMapping(_message.Message):
    __slots__ = ("column", "field")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    column: str
    field: str
    def __init__(self, column: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class ImportProductsResponse(_message.Message):
    __slots__ = ("summary",)
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    summary: _operations_pb2.ImportSummary
    def __init__(self, summary: _Optional[_Union[_operations_pb2.ImportSummary, _Mapping]] = ...) -> None: ...
